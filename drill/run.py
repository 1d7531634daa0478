"""`make drill`: the company, the bot, and either a person at the page or the actors."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from drill.actors import COMMAND, NothingToPress, NotTaken
from drill.company import Company, company
from drill.evidence import collect, stored
from drill.ordering import JsonObject, OrderFailed
from drill.outside import Outside
from drill.process import BotGone, BotProcess, bot_environ, run_command
from drill.story import Stage, StoryBroken, play
from drill.transcript import Transcript, console
from drill.verdict import Check, failures, judge
from drill.waiting import NotInTime

PLAYED = {"HANDOVER_TTL": "9s", "REMIND_EVERY": "2s"}
"""Times for actors: a handover that nobody saves is wiped within the drill."""

HUMANE = {"HANDOVER_TTL": "10m", "REMIND_EVERY": "30s", "POLL_EVERY": "5s", "TICK": "0.5s"}
"""Times for a person who reads what they click on."""

_STORY_FAILED = (NotInTime, BotGone, NotTaken, NothingToPress, OrderFailed, StoryBroken)


@dataclass(frozen=True)
class Drill:
    """A drill that runs: the company, the bot, and where the bot keeps things."""

    company: Company
    bot: BotProcess
    database_url: str
    before: JsonObject
    """Mailgun's state before anybody did anything."""


class NotReady(Exception):
    """The drill could not be set up. The text says why."""


def run_drill(auto: bool, port: int | None) -> int:
    """Run the drill; its exit status.

    With `auto`, actors play the people, and the status is 0 only if the account is recovered by the practice
    servers' own account. Without, the page is served until Ctrl-C, and the status is 0.
    """
    terminal = console()
    times = PLAYED if auto else HUMANE
    try:
        with drill(port or 0, times) as running:
            return performed(running, console) if auto else attended(running, console)
    except (NotReady, BotGone, NotInTime) as error:
        console.print(Text(f"The drill could not begin: {error}"))
        return 1
    except KeyboardInterrupt:
        console.print("\nThe drill was stopped.")
        return 130 if auto else 0


@contextmanager
def drill(port: int, times: dict[str, str]) -> Iterator[Drill]:
    """A company with a bot that is connected, while the block runs; everything in a temporary folder."""
    with TemporaryDirectory(prefix="mailgun-drill-") as folder, company(port=port) as where:
        database_url = f"sqlite:///{Path(folder) / 'drill.db'}"
        environ = bot_environ(where.slack, where.mailgun, database_url, **times)
        migrated = run_command(environ, "migrate")
        if migrated.returncode:
            raise NotReady(f"the database could not be migrated.\n{migrated.stderr}")
        before = where.mailgun.state()
        with BotProcess(environ, Path(folder) / "bot.log") as bot:
            bot.wait_until_connected(where.slack)
            yield Drill(where, bot, database_url, before)


# --- Played by actors -----------------------------------------------------------------------------------


def performed(running: Drill, console: Console) -> int:
    """Let the actors play, show the board, and speak the verdict."""
    secrets = [str(key["secret"]) for key in running.before["keys"]]
    problem = None
    with Transcript(running.company.slack, console, secrets) as transcript:
        try:
            play(Stage(running.company, running.bot, transcript))
        except _STORY_FAILED as error:
            problem = str(error)
        transcript.catch_up()
    board = running.company.slack.board()
    if board is not None:
        transcript.show(board)
    # Once while it runs, for what is not in the main file yet; once after, for what stays.
    kept = stored(running.database_url)
    status = running.bot.stop()
    kept += stored(running.database_url)
    checks = judge(collect(running.company, running.before, running.bot.log_path, running.database_url, kept))
    checks.append(Check("Bot", status == 0, f"The bot left with status {status} when it was asked to."))
    read_out(checks, console)
    if problem is not None:
        console.print(Text(f"\nThe story stopped. {problem}\n\nThe end of the bot's log:"))
        console.print(Text(running.bot.log_end()))
    passed = problem is None and not failures(checks)
    words = "The account is recovered" if passed else "The account is not recovered"
    console.print(Text(f"\n{words}, after {transcript.seconds:.0f} seconds.", style="bold"))
    return 0 if passed else 1


def read_out(checks: list[Check], console: Console) -> None:
    """Print each check with what was found."""
    console.print("\nWhat the practice servers say:")
    for check in checks:
        mark = Text("  yes  ", style="green") if check.passed else Text("  NO   ", style="red")
        console.print(mark + Text(f"{check.name}: {check.found}"))


# --- Played by a person -----------------------------------------------------------------------------------


def attended(running: Drill, console: Console) -> int:
    """Say where the page is and what to do first, and play what is outside Slack until Ctrl-C."""
    mailgun = running.company.mailgun.url
    console.print(
        f"The drill is at  {running.company.slack.url}/\n\n"
        f"Choose Olivia there and type {COMMAND} in #incident.\n\n"
        "When somebody has to do something at Mailgun, type here instead, in another terminal:\n"
        f"  curl -X PATCH {mailgun}/_drill/users/olivia@example.com -d '{{\"password_reset\": true}}'\n"
        f"  curl -X PATCH {mailgun}/_drill/users/olivia@example.com -d '{{\"tfa_active\": true}}'\n"
        "Mailgun Support enables the account a moment after you have told them.\n\n"
        "Ctrl-C ends the drill.",
        markup=False,
    )
    outside = Outside(running.company, console.print)
    stopped = threading.Event()
    try:
        while not stopped.wait(0.5):
            running.bot.check()
            outside.look()
    except KeyboardInterrupt:
        console.print("\nThe drill ends.")
    return 0
