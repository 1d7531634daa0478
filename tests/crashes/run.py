"""A run whose bot may die at any moment: whoever waits starts it again, and everything on the wire is heard.

`CrashRun` is a `tests.e2e.recovery_run.Run` with four differences: `wait` calls `tend` between two looks, which
starts the bot whenever it is gone; `rows` keeps its connection, so that looking costs next to nothing; two wires
hear every request; and `on_deed` is told what somebody is about to do.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from drill.account import Mailgun
from drill.actors import Slack
from drill.company import MESSAGES_A_SECOND, Company
from drill.mailgun.accounts import Prepared, twofold_account
from drill.mailgun.app import create_app as create_mailgun
from drill.ordering import JsonObject
from drill.process import bot_environ
from drill.serving import PracticeServer
from drill.slack import create_app as create_slack
from drill.slack import drill_workspace
from drill.waiting import NotInTime
from storage.database import Database
from tests.crashes.wire import Heard, Wire
from tests.e2e.recovery_run import Run
from tests.forks import ForkedBot

Found = TypeVar("Found")

LOOK_EVERY = 0.1
PATIENCE = 90.0
STARTS_WITHIN = 180.0
"""Where other things keep the cores busy, a dozen bots that start at once take their time."""

MOST_ENDINGS = 3
"""How often the bot may end by itself, without being killed, before that is a failure."""

SETTINGS = {
    "MAILGUN_REGIONS": "us",
    "POLL_EVERY": "1h",
    "SETTLE": "0.2s",
    "SLACK_PACE": "0.05s",
    "HTTP_TIMEOUT": "5s",
    "LEASE": "15s",
    "SSL_CERT_FILE": os.devnull,
}
"""No polls that nobody asked for, so that a run needs few requests and the same ones each time. Nothing here speaks
TLS, and a bot that starts a thousand times need not read the authorities' certificates each time."""


def slowed(times: int = 1) -> dict[str, str]:
    """The settings of what happens by itself, so many times slower than usual.

    A third of `HANDOVER_TTL` is a little less than `TICK`: whenever a handover is sent between two ticks, its
    reminders and its end fall into three different ones.
    """
    every = {"TICK": 2.0, "REMIND_EVERY": 1.4, "HANDOVER_TTL": 5.8}
    return {name: f"{seconds * times:g}s" for name, seconds in every.items()}


class MortalBot(ForkedBot):
    """A bot of which one can tell whether it was killed."""

    @property
    def was_killed(self) -> bool:
        """Whether it ended by a signal."""
        process = self._started()
        return (process.poll() or 0) < 0


class CrashRun(Run):
    """One bot, or none for a moment, that serves one company."""

    def __init__(self, company: Company, bot: MortalBot, database_url: str, wires: tuple[Wire, Wire]) -> None:
        super().__init__(company, bot, database_url)
        self.bot: MortalBot = bot
        self.slack_wire, self.mailgun_wire = wires
        self.before: JsonObject = self.mailgun.state()
        """Mailgun as it was before anything was done."""
        self.on_deed: Callable[[str], None] = lambda name: None
        """Called with a deed's name just before somebody does it, each time that they do."""
        with Database.open(database_url) as database:
            self.identity = database.identity()
        self.starts = 0
        self._engine = sa.create_engine(database_url, isolation_level="AUTOCOMMIT")
        self._endings = 0

    # The bot

    def start(self) -> None:
        """Start the bot; returns before it is connected."""
        self.bot.start()
        self.starts += 1

    def tend(self) -> None:
        """Start the bot if it is gone. Raises `BotGone` when it keeps ending by itself."""
        if self.bot.is_running:
            return
        if self.starts and not self.bot.was_killed:
            self._endings += 1
            if self._endings >= MOST_ENDINGS:
                self.bot.check()
        self.start()

    def rest(self) -> None:
        """Kill the bot, and keep it so: from here on the run is only looked at."""
        if self.bot.is_running:
            self.bot.kill()

    # Looking

    def wait(self, what: str, look: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        """What `look` finds once it finds something, the bot being tended meanwhile. Raises `NotInTime`."""
        found = self.comes(look, seconds)
        if not found:
            raise NotInTime(f"Waited {seconds:g} seconds for {what}; it did not come.\n{self.story()}")
        return found

    def comes(self, look: Callable[[], Found | None], seconds: float) -> Found | None:
        """The same, for somebody who can do without: what the last look found, when the time is over."""
        end = time.monotonic() + seconds
        while not (found := look()) and time.monotonic() < end:
            self.tend()
            time.sleep(LOOK_EVERY)
        return found

    def rows(self, query: str) -> list[tuple[object, ...]]:
        # As the database's own library has it: somebody looks ten times a second.
        with self._engine.connect() as connection:
            cursor = connection.connection.cursor()
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def execute(self, statement: str) -> None:
        """Change something in the bot's database: what a test does to it, no person could."""
        with self._engine.connect() as connection:
            connection.execute(sa.text(statement))

    def has(self, query: str) -> bool:
        """Whether the query finds a row."""
        return bool(self.rows(query))

    @property
    def heard(self) -> list[Heard]:
        """Every request so far, of either server."""
        return [*self.slack_wire.heard, *self.mailgun_wire.heard]

    def story(self) -> str:
        """How things stand, for whoever reads that something did not come."""
        tasks = self.rows("SELECT kind, status, attempts, failure FROM tasks WHERE finished_at IS NULL")
        unfinished = "\n".join(f"  {' '.join(map(str, task))}" for task in tasks)
        return f"{self.standing()}\n--- unfinished:\n{unfinished}\n--- the bot's log ends:\n{self.bot.log_end()}"

    def let_go(self) -> None:
        """Let go of the database."""
        with suppress(DBAPIError):
            self._engine.dispose()


@contextmanager
def crash_run(folder: Path, database_url: str, prepared: Prepared | None = None, **settings: str) -> Iterator[CrashRun]:
    """A company with this account (the twofold one) on a migrated database; the bot is not started yet.

    The folder gets the bot's log.
    """
    prepared = prepared or twofold_account()
    workspace = drill_workspace()
    workspace.message_rate = MESSAGES_A_SECOND
    slack_wire = Wire(create_slack(workspace), "slack")
    mailgun_wire = Wire(create_mailgun(prepared.account), "mailgun")
    with PracticeServer(slack_wire) as slack, PracticeServer(mailgun_wire) as mailgun:
        company = Company(Slack(slack.url, workspace), Mailgun(mailgun.url, prepared))
        environ = bot_environ(company.slack, company.mailgun, database_url, **(SETTINGS | slowed() | settings))
        run = CrashRun(company, MortalBot(environ, folder / "bot.log"), database_url, (slack_wire, mailgun_wire))
        try:
            yield run
        finally:
            run.rest()
            run.let_go()
