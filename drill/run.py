"""`make drill`: the company, the bot, and either a person at the page or the actors."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from drill.attendance import attended
from drill.cast import DOMAIN, OLD_DOMAIN, everybody_joins
from drill.company import company
from drill.mailgun.accounts import drill_account, with_subaccount
from drill.mailgun.visitors import an_attacker_was_there
from drill.performance import performed
from drill.process import BotGone, BotProcess, bot_environ, run_command
from drill.running import Drill
from drill.slack import drill_workspace
from drill.story import SCENARIOS, Scenario
from drill.transcript import console
from drill.waiting import NotInTime

PLAYED = {"HANDOVER_TTL": "9s", "REMIND_EVERY": "2s", "ESCALATE_AFTER": "4"}
"""Times for actors: a handover that nobody saves is wiped while they play."""

HUMANE = {"HANDOVER_TTL": "10m", "REMIND_EVERY": "30s", "POLL_EVERY": "5s", "TICK": "0.5s"}
"""Times for a person who reads what they click on."""


SUBACCOUNT, SUBACCOUNT_DOMAIN = "Shop", "shop.example.com"


class NotReady(Exception):
    """The drill could not be set up. The text says why."""


def run_drill(auto: bool, port: int | None, scenario: str = "") -> int:
    """Run the drill; its exit status. `scenario` is one of `SCENARIOS`.

    With `auto`, actors play the people, and the status is 0 only if the account is recovered by the practice
    servers' own account. Without, the page is served until Ctrl-C, and the status is 0.
    """
    terminal = console()
    if scenario and scenario not in SCENARIOS:
        terminal.print(Text(f"There is no scenario {scenario!r}. There are: {', '.join(SCENARIOS)}."))
        return 2
    story = SCENARIOS[scenario or next(iter(SCENARIOS))]
    try:
        with _stopped_by_sigterm_too(), drill(port or 0, PLAYED if auto else HUMANE, story) as running:
            return performed(running, terminal, story) if auto else attended(running, terminal)
    except (NotReady, BotGone, NotInTime, OSError) as error:
        terminal.print(Text(f"The drill cannot go on: {error}"))
        return 1
    except KeyboardInterrupt:
        return _stopped(terminal, auto)


@contextmanager
def drill(port: int, times: Mapping[str, str], story: Scenario) -> Iterator[Drill]:
    """A company with a bot that is connected, while the block runs; everything in a temporary folder.

    Raises:
        NotReady: the database could not be migrated.
        BotGone, NotInTime: the bot did not connect to the practice Slack.
        OSError: the port is taken.
    """
    workspace, prepared = drill_workspace(), drill_account()
    everybody_joins(workspace, prepared)
    with_subaccount(prepared, SUBACCOUNT, SUBACCOUNT_DOMAIN)
    visit = an_attacker_was_there(prepared)
    times = {**times, "EMAIL_DOMAINS": f"{OLD_DOMAIN}={DOMAIN}"}
    with TemporaryDirectory(prefix="mailgun-drill-") as folder, company(workspace, prepared, port) as where:
        database_url = f"sqlite:///{Path(folder) / 'drill.db'}"
        environ = bot_environ(where.slack, where.mailgun, database_url, **times)
        migrated = run_command(environ, "migrate")
        if migrated.returncode:
            raise NotReady(f"the database could not be migrated.\n{migrated.stderr}")
        story.befalls(where)
        before = where.mailgun.state()
        with BotProcess(environ, Path(folder) / "bot.log") as bot:
            bot.wait_until_connected(where.slack)
            yield Drill(where, bot, database_url, before, visit)


@contextmanager
def _stopped_by_sigterm_too() -> Iterator[None]:
    # Otherwise a terminated drill would leave its bot running.
    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _stopped(terminal: Console, auto: bool) -> int:
    terminal.print("\nThe drill was stopped.")
    return 130 if auto else 0
