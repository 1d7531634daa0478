"""What the benchmarks share: a bot as its own process, and what people do to it until the moment that is measured."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from benchmarks.limits import must_be_spared
from drill.account import Mailgun
from drill.actors import COMMAND, Person, Slack
from drill.messages import Message
from drill.process import BotProcess, bot_environ
from drill.slack import Workspace, drill_workspace
from drill.waiting import wait_for

Found = TypeVar("Found")

PATIENCE = 60.0

QUIET = 1.6
"""In seconds."""

DECIDED = (0, 1, 2, 3, 4, 6, 7)
"""The steps that people decide about, by number; step 5 opens after all of them."""

USUAL = {
    "HTTP_TIMEOUT": "8s",
    "LEASE": "30s",
    "TICK": "1s",
    "SETTLE": "30s",
    "SLACK_PACE": "1s",
    "SLACK_BURST": "1",
    "POLL_EVERY": "5m",
    "LOG_LEVEL": "INFO",
}
"""The settings of a company's bot. Tests shorten them; a benchmark measures what people run."""


def strict_workspace() -> Workspace:
    """A Slack that takes one message a second in a channel, without bursts, and its tiers' number of calls."""
    workspace = drill_workspace()
    workspace.message_rate, workspace.burst, workspace.tiers = 1.0, 1, True
    return workspace


@contextmanager
def running_bot(slack: Slack, mailgun: Mailgun, url: str = "", **changes: str) -> Iterator[BotProcess]:
    """The bot, connected, while the block runs, with the settings that it has by itself. `url` names its database;
    without one it has a new SQLite file.

    It is killed at the end, for nobody needs what it would still do. Raises `TooManyRefusals` where Slack had to refuse
    it too often meanwhile: no figure counts then.
    """
    with TemporaryDirectory(prefix="bench-") as folder:
        database = url or f"sqlite:///{Path(folder) / 'bench.db'}"
        environ = bot_environ(slack, mailgun, database, **{**USUAL, **changes})
        with BotProcess(environ, Path(folder) / "bot.log") as bot:
            bot.wait_until_connected(slack)
            yield bot
            must_be_spared(slack)
            bot.kill()


class Company:
    """The people of a company with one bot or several."""

    def __init__(self, slack: Slack, mailgun: Mailgun) -> None:
        self.slack = slack
        self.mailgun = mailgun

    @property
    def olivia(self) -> Person:
        """Who opens incidents, approves, and is handed the secrets."""
        return self.slack.person("UOLIVIA")

    def open_incident(self) -> None:
        """Type the command, and return when every step's card is there."""
        self.olivia.types(f"{COMMAND} open spam is leaving")
        self.wait("the cards", lambda: self.slack.step_status(2) == "waits for a decision" and self.slack.step(7))

    def skip_all_but(self, number: int) -> None:
        """Skip the other steps, so that only this one and the last look are left."""
        for step in DECIDED:
            if step != number:
                self.olivia.types(f"{COMMAND} skip {step} this is a benchmark")

    def approve(self, number: int) -> float:
        """Press Approve on a step's card, and yes to its dialog; when that was, in seconds."""
        card = self.card(number)
        clicked = time.time()
        self.olivia.clicks(card, "approve", confirmed=True)
        return clicked

    def rest(self) -> None:
        """Return once the bot has said nothing for longer than its pace: all that it had to draw is drawn."""
        said, since = 0, time.monotonic()
        while time.monotonic() - since < QUIET:
            if (now := len(self.slack.log())) != said:
                said, since = now, time.monotonic()
            time.sleep(0.2)

    def card(self, number: int) -> Message:
        """A step's card, which must be there."""
        card = self.slack.step(number)
        if card is None:
            raise RuntimeError(f"step {number} has no card")
        return card

    def wait(self, what: str, look: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        """What `look` finds, once it does."""
        return wait_for(what, look, seconds)
