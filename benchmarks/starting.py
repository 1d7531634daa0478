"""How long the bot takes from its start until Slack can reach it, against importing the libraries that it stands on."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.filling import Filling
from benchmarks.rows import ROUNDS, Row, at_most, told
from benchmarks.servers import mailgun_server, slack_server
from benchmarks.stage import USUAL
from drill.account import Mailgun
from drill.actors import Slack
from drill.mailgun.accounts import drill_account
from drill.process import ROOT, BotProcess, bot_environ, surrounded
from drill.slack import drill_workspace
from tests.databases import migrated_url

IMPORTS = "import slack_bolt, sqlalchemy, requests, apscheduler"
PEOPLE, FINISHED_TASKS = 10_000, 50_000
TRIES = 2
"""In each round, of each side; the quicker one counts: whatever else the machine does only makes a start slower."""


def measured() -> Sequence[Row]:
    """Three rows: either size against the imports, and one size against the other."""
    with ExitStack() as stack:
        slack = stack.enter_context(slack_server(drill_workspace()))
        mailgun = stack.enter_context(mailgun_server(drill_account()))
        empty = stack.enter_context(_bot(slack, mailgun))
        large = stack.enter_context(_bot(slack, mailgun, is_large=True))
        # Once in advance, for their bytecode: the first start after an installation is slower.
        _round(empty, large, slack)
        took = [_round(empty, large, slack) for _ in range(ROUNDS)]
    imports, with_empty, with_large = (median(side) for side in zip(*took, strict=True))
    against = f'`python -c "{IMPORTS}"`'
    size = f"{PEOPLE:,} people and {FINISHED_TASKS:,} finished tasks"
    sizes = at_most(
        f"from start to connected, {size}",
        "the same, empty",
        [big / small for _, small, big in took],
        1.15,
        f"{with_large:.2f} s against {with_empty:.2f}",
    )
    return [
        at_most(
            "from start to connected, schema migrated, empty",
            against,
            [bot / bare for bare, bot, _ in took],
            3.0,
            f"{with_empty:.2f} s against {imports:.2f}",
        ),
        at_most(
            f"from start to connected, {size}",
            against,
            [bot / bare for bare, _, bot in took],
            3.0,
            f"{with_large:.2f} s against {imports:.2f}",
        ),
        replace(sizes, target="within 15%", is_reached=abs(sizes.ratio - 1) <= 0.15),
    ]


def _round(empty: BotProcess, large: BotProcess, slack: Slack) -> tuple[float, float, float]:
    """Seconds for the imports, and for a start with either database, in turn."""
    tries = [(_imported(), _connected(empty, slack), _connected(large, slack)) for _ in range(TRIES)]
    imports, with_empty, with_large = (min(side) for side in zip(*tries, strict=True))
    return imports, with_empty, with_large


@contextmanager
def _bot(slack: Slack, mailgun: Mailgun, *, is_large: bool = False) -> Iterator[BotProcess]:
    """A bot with a database of its own, whose tables are current. It is not started."""
    with TemporaryDirectory(prefix="bench-") as folder:
        url = migrated_url("sqlite", Path(folder))
        if is_large:
            filling = Filling(url)
            filling.add_people(PEOPLE)
            filling.add_passwords(FINISHED_TASKS)
        yield BotProcess(bot_environ(slack, mailgun, url, **USUAL), Path(folder) / "bot.log")


def _connected(bot: BotProcess, slack: Slack) -> float:
    """Seconds from its start to the moment at which Slack has its connection, by Slack's own word. It is killed then:
    how it leaves is not what is measured, and would take three seconds."""
    began = time.time()
    bot.start()
    try:
        bot.wait_until_connected(slack)
        return slack.connected_at() - began
    finally:
        bot.kill()


def _imported() -> float:
    """Seconds for a Python that imports the libraries and ends."""
    began = time.time()
    subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, env=surrounded({}), check=True)
    return time.time() - began


if __name__ == "__main__":
    print("\n".join(told(measured())))
