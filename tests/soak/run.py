"""A run in bad weather: the bot is killed at random moments, whoever waits starts it again, and waits longer."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from drill.account import Mailgun
from drill.actors import Slack
from drill.company import MESSAGES_A_SECOND, Company
from drill.mailgun.accounts import twofold_account
from drill.mailgun.app import create_app as create_mailgun
from drill.ordering import JsonObject, Orders
from drill.process import bot_environ
from drill.serving import PracticeServer
from drill.slack import create_app as create_slack
from drill.slack import drill_workspace
from tests.crashes.run import PATIENCE, CrashRun, MortalBot
from tests.crashes.wire import Wire, kill
from tests.soak.watch import Watch

Found = TypeVar("Found")

SHARE = 0.2
"""How many of the requests fail."""

KILLS = 2
BETWEEN_KILLS = (3.0, 30.0)
"""How often the bot dies at random moments, and the seconds from one to the next. Not without end: where the cores
are busy with other things, a bot that dies every few seconds gets nowhere. The weather kills it beside that."""

MORE_PATIENCE = 4
"""How much longer whoever waits is ready to wait than in fair weather."""

SETTINGS = {
    "MAILGUN_REGIONS": "us",
    "TICK": "1s",
    "POLL_EVERY": "5s",
    "REMIND_EVERY": "8s",
    "HANDOVER_TTL": "24s",
    "SETTLE": "1s",
    "SLACK_PACE": "0.05s",
    "HTTP_TIMEOUT": "2s",
    "LEASE": "8s",
}
"""Short, but longer than the weather's lateness and lag (`drill.weather`): what is longer is outside the guarantee."""


class SoakRun(CrashRun):
    """One bot in bad weather. `begin` and `clear_up` say from when to when."""

    def __init__(
        self, seed: int, company: Company, bot: MortalBot, database_url: str, wires: tuple[Wire, Wire]
    ) -> None:
        super().__init__(company, bot, database_url, wires)
        self.kills = 0
        self._seed = seed
        self._share = 0.0
        self._moments = random.Random(f"deaths of {seed}")
        self._fair = threading.Event()
        self._fair.set()
        self._reaper = threading.Thread(target=self._kill_at_random, daemon=True)
        self.watch = Watch(self)

    def begin(self) -> None:
        """From here on requests fail, and the bot dies now and then."""
        self._share = SHARE
        self._fair.clear()
        self._order_weather()
        self._reaper.start()

    def clear_up(self) -> None:
        """From here on nothing fails any more; the bot is not killed again."""
        self._share = 0.0
        self._fair.set()
        self._reaper.join()
        self._order_weather()

    def start(self) -> None:
        super().start()
        self._order_weather()

    def tend(self) -> None:
        super().tend()
        self.watch.look()

    def wait(self, what: str, look: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        return super().wait(what, look, seconds * MORE_PATIENCE)

    def weather(self) -> dict[str, JsonObject]:
        """What each server has done, by its name."""
        return {server: orders.look("weather") for server, orders in self._servers()}

    def _servers(self) -> tuple[tuple[str, Orders], ...]:
        return ("slack", self.slack.orders), ("mailgun", self.mailgun.orders)

    def _order_weather(self) -> None:
        """The weather that is due at both servers, which may kill the bot that runs now."""
        pid = {"pid": self.bot.pid} if self.starts else {}
        for number, (_, orders) in enumerate(self._servers()):
            # Two servers have two weathers.
            orders.give("weather", seed=2 * self._seed + number, share=self._share, **pid)

    def _kill_at_random(self) -> None:
        while self.kills < KILLS and not self._fair.wait(self._moments.uniform(*BETWEEN_KILLS)):
            if self.bot.is_running:
                kill(self.bot.pid)
                self.kills += 1


@contextmanager
def soak_run(seed: int, folder: Path, database_url: str) -> Iterator[SoakRun]:
    """A company with the twofold account on a migrated database; fair weather still, and no bot yet.

    The folder gets the bot's log.
    """
    prepared, workspace = twofold_account(), drill_workspace()
    workspace.message_rate = MESSAGES_A_SECOND
    slack_wire = Wire(create_slack(workspace), "slack")
    mailgun_wire = Wire(create_mailgun(prepared.account), "mailgun")
    with PracticeServer(slack_wire) as slack, PracticeServer(mailgun_wire) as mailgun:
        company = Company(Slack(slack.url, workspace), Mailgun(mailgun.url, prepared))
        environ = bot_environ(company.slack, company.mailgun, database_url, **SETTINGS)
        bot = MortalBot(environ, folder / "bot.log")
        run = SoakRun(seed, company, bot, database_url, (slack_wire, mailgun_wire))
        try:
            yield run
        finally:
            run.rest()
            run.let_go()
