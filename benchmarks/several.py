"""Several processes on one PostgreSQL: four of them, against one, each with four calls to Mailgun at once."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.containment import contained_at, must_be_whole
from benchmarks.limits import must_be_spared
from benchmarks.rows import ROUNDS, Row, at_least, from_to, told
from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import USUAL, Company, strict_workspace
from drill.mailgun.accounts import scaled_account
from drill.process import BotProcess, bot_environ
from drill.waiting import wait_for
from tests.databases import postgres

DOMAINS, CREDENTIALS = 50, 1000
LATENCY = 0.1
MANY, WIDTH = 4, 4
PATIENCE = 60.0


def measured() -> Sequence[Row]:
    """Four and one, in turn."""
    four, one = [], []
    for _ in range(ROUNDS):
        four.append(contained_by(MANY))
        one.append(contained_by(1))
    return [
        at_least(
            f"{MANY} processes on PostgreSQL, `MAILGUN_CONCURRENCY={WIDTH}` each, {CREDENTIALS:,} SMTP credentials",
            f"1 process with {WIDTH}",
            [alone / together for alone, together in zip(one, four, strict=True)],
            3,
            f"{from_to(four, 's')} against {from_to(one, 's')}",
        )
    ]


def contained_by(many: int, **more: str) -> float:
    """Seconds from the click to the last password changed, by so many processes; `more` are settings."""
    prepared = scaled_account(DOMAINS, CREDENTIALS // DOMAINS, users=0)
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        mailgun_server(prepared, LATENCY) as mailgun,
        slack_server(strict_workspace()) as slack,
        ExitStack() as running,
    ):
        changes = {**USUAL, "MAILGUN_CONCURRENCY": str(WIDTH), **more}
        environ = bot_environ(slack, mailgun, postgres().migrated(), **changes)
        bots = [BotProcess(environ, Path(folder) / f"bot-{number}.log") for number in range(many)]
        for bot in bots:
            running.enter_context(bot)
        wait_for("the processes to be connected", lambda: slack.connections() == many, PATIENCE)
        company = Company(slack, mailgun)
        company.open_incident()
        company.rest()
        before = len(mailgun.calls())
        clicked = company.approve(2)
        company.wait("the step to be done", lambda: slack.step_status(2) == "done", PATIENCE)
        must_be_spared(slack)
        for bot in bots:
            bot.kill()
        calls = mailgun.calls()[before:]
        must_be_whole(calls, mailgun, CREDENTIALS)
        return contained_at(calls) - clicked


if __name__ == "__main__":
    print(*told(measured()), sep="\n")
