"""The command line, and the one place where the rooms are wired together. It decides nothing."""

import getpass
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import time as time_of_day
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer
from rich.console import Console
from slack_sdk import WebClient

from engine import Engine
from handlers.app import build_app
from handlers.check import check_slack
from handlers.clients import web_client
from handlers.directory import SlackDirectory
from handlers.identity import Identity
from handlers.intake import STORE_WITHIN, Intake
from handlers.logging import quiet_libraries
from handlers.manifest import manifest as slack_manifest
from handlers.messenger import SlackMessenger
from handlers.socket import Socket
from mailgun.check import OneKey, check_mailgun
from mailgun.client import KeySource, MailgunClient
from mailgun.transport import Transport
from recovery.checks import Finding
from recovery.desk import keep_request
from recovery.errors import OutsideError, RecoveryError, Refused
from recovery.policy import Policy, ReminderHours
from recovery.secret import Secret
from recovery.state import NewRequest
from settings import Settings, SettingsError, load_settings
from storage.clock import DatabaseClock
from storage.database import Database
from storage.encryption import load_encryption_keys
from storage.errors import BadEncryptionKey, VaultSealed
from storage.vault import DatabaseVault

log = logging.getLogger("bot")

GRACE = 9.0
"""Seconds between SIGTERM and the end, for what runs."""

cli = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    help="Leads a team in Slack through Mailgun's recovery procedure. Without a command: runs the bot.",
)


@dataclass(frozen=True)
class Rooms:
    """Every room, wired by the settings."""

    settings: Settings
    database: Database
    clock: DatabaseClock
    vault: DatabaseVault
    mailgun: MailgunClient
    slack: WebClient
    identity: Identity
    messenger: SlackMessenger
    directory: SlackDirectory


def wire(settings: Settings) -> Rooms:
    """The rooms for these settings. Connects to nothing yet."""
    database = Database.open(settings.DATABASE_URL.reveal())
    clock = DatabaseClock(database)
    vault = wire_vault(settings, database, clock)
    slack = wire_slack(settings)
    identity = Identity(slack)
    return Rooms(
        settings=settings,
        database=database,
        clock=clock,
        vault=vault,
        mailgun=wire_mailgun(settings, vault),
        slack=slack,
        identity=identity,
        messenger=SlackMessenger(slack, identity, pace=settings.SLACK_PACE.total_seconds()),
        directory=SlackDirectory(slack, identity),
    )


def wire_vault(settings: Settings, database: Database, clock: DatabaseClock) -> DatabaseVault:
    """The vault in that database. Raises `BadEncryptionKey`."""
    given = ",".join(key.reveal() for key in settings.ENCRYPTION_KEY)
    keys = load_encryption_keys(given or None, settings.DATABASE_URL.reveal())
    return DatabaseVault(database, keys, settings.MAILGUN_API_KEY, clock)


def wire_mailgun(settings: Settings, keys: KeySource) -> MailgunClient:
    """Mailgun, asked with the key that `keys` has."""
    transport = Transport(timeout=settings.HTTP_TIMEOUT.total_seconds(), concurrency=settings.MAILGUN_CONCURRENCY)
    return MailgunClient(settings.MAILGUN_URLS, keys, transport, settings.MAILGUN_STATUS_URL)


def wire_slack(settings: Settings) -> WebClient:
    """Slack, asked with the bot's token."""
    timeout = settings.HTTP_TIMEOUT.total_seconds()
    return web_client(settings.SLACK_BOT_TOKEN.reveal(), settings.SLACK_API_URL, timeout)


def policy_of(settings: Settings) -> Policy:
    """The part of the settings that the rules depend on."""
    window = settings.REMIND_BETWEEN
    end = time_of_day(0) if window.end == time_of_day.max else window.end
    return Policy(
        approvers=tuple(sorted(settings.APPROVERS)),
        starters=tuple(sorted(settings.STARTERS)),
        two_person=settings.TWO_PERSON,
        recovery_channel=settings.RECOVERY_CHANNEL,
        audit_channel=settings.AUDIT_CHANNEL,
        reminders=ReminderHours(settings.REMIND_EVERY, window.start, end, settings.REMIND_DAYS),
        poll_every=settings.POLL_EVERY,
        handover_ttl=settings.HANDOVER_TTL,
        concurrency=settings.MAILGUN_CONCURRENCY,
        batch=settings.BATCH,
        http_timeout=settings.HTTP_TIMEOUT,
        lease=settings.LEASE,
        tick=settings.TICK,
        settle=settings.SETTLE,
    )


# --- Running --------------------------------------------------------------------------------------------


class Bot:
    """The running bot: the engine, and the connection to Slack."""

    def __init__(self, rooms: Rooms) -> None:
        settings = rooms.settings
        self._rooms = rooms
        self.engine = Engine(
            rooms.database,
            rooms.clock,
            rooms.vault,
            rooms.mailgun,
            rooms.messenger,
            rooms.directory,
            policy_of(settings),
        )
        app = build_app(
            settings.SLACK_BOT_TOKEN.reveal(),
            Intake(self.keep, rooms.clock.now),
            base_url=settings.SLACK_API_URL,
        )
        assert settings.SLACK_APP_TOKEN is not None, "the settings see to it"
        self._socket = Socket(
            app,
            settings.SLACK_APP_TOKEN.reveal(),
            base_url=settings.SLACK_API_URL,
            timeout=settings.HTTP_TIMEOUT.total_seconds(),
        )

    def keep(self, request: NewRequest) -> None:
        """Store a request and the task that judges it, in one transaction, or raise within a second."""
        with self._rooms.database.write(within=STORE_WITHIN) as tx:
            keep_request(tx, request)
        self.engine.wake()

    def run(self) -> None:
        """Run until the engine is told to stop. Unfinished work is taken up before Slack is connected."""
        stopping = self.engine.stopping
        self.engine.start()
        try:
            if self._knows_itself() and self._socket.connect_with_retry(stopping):
                log.info("the bot is ready")
                stopping.wait()
        finally:
            self._leave()

    def _knows_itself(self) -> bool:
        """Ask Slack who the bot is, for as long as it takes; False when the bot shall stop first."""
        stopping = self.engine.stopping
        while not stopping.is_set():
            try:
                self._rooms.identity.me()
                return True
            except Refused:
                raise
            except OutsideError as error:
                log.warning("Slack cannot be asked yet: %s", error)
                stopping.wait(2)
        return False

    def _leave(self) -> None:
        deadline = time.monotonic() + GRACE
        closing = Thread(target=self._socket.close, daemon=True)
        closing.start()
        self.engine.stop(deadline)
        closing.join(timeout=max(deadline - time.monotonic(), 0))
        self._rooms.database.close()


def adopt_environment_key(rooms: Rooms) -> None:
    """A changed `MAILGUN_API_KEY` takes the vault's place, but only after a call with it succeeded."""
    if not rooms.vault.environment_changed():
        return
    key = rooms.settings.MAILGUN_API_KEY
    try:
        rooms.mailgun.prove_key(key)
    except OutsideError as error:
        log.warning("MAILGUN_API_KEY has changed, but the vault's key stays: %s", error)
        return
    store_key(rooms, key)
    log.info("MAILGUN_API_KEY has changed and works: it is in the vault now")


def store_key(rooms: Rooms, key: Secret) -> None:
    """Put a proven key into the vault."""
    with rooms.database.write() as tx:
        rooms.vault.keep(tx, key, None, None)
    rooms.vault.refresh()


# --- Commands -------------------------------------------------------------------------------------------


def read_settings() -> Settings:
    """The settings from the environment; ends the program with status 2 when they are not right."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        typer.echo(f"The settings are not right yet:\n{error}", err=True)
        raise typer.Exit(2) from None
    logging.basicConfig(level=settings.LOG_LEVEL, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for library in ("apscheduler", "alembic", "sqlalchemy"):
        logging.getLogger(library).setLevel(logging.WARNING)
    quiet_libraries()
    return settings


@contextmanager
def told() -> Iterator[None]:
    """Ends the program with a sentence, not a traceback, where a room says what is wrong."""
    try:
        yield
    except RecoveryError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@cli.callback()
def run(context: typer.Context) -> None:
    """Run the bot."""
    if context.invoked_subcommand is not None:
        return
    settings = read_settings()
    with told():
        rooms = wire(settings)
        rooms.database.hold()
        rooms.database.migrate()
        rooms.clock.measure()
        adopt_environment_key(rooms)
        rooms.vault.current()
        rooms.vault.rotate_if_needed()
        bot = Bot(rooms)
        for stop in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop, lambda *_: bot.engine.stopping.set())
        bot.run()
    # Threads that hang in a call must not keep the process: their leases are released, a restart goes on.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


@cli.command()
def migrate() -> None:
    """Bring the database to this version. Harmless to repeat."""
    settings = read_settings()
    with told():
        Database.open(settings.DATABASE_URL.reveal()).migrate()
    typer.echo("The database is up to date.")


@cli.command()
def check(
    to: Annotated[str | None, typer.Option(help="A Slack user id that gets a test direct message.")] = None,
) -> None:
    """Say line by line whether the settings, the database, Slack and Mailgun are fine."""
    settings = read_settings()
    console = Console()
    findings = [Finding("Settings", True, "every variable is understood")]
    with told():
        stored, keys = check_database(settings)
        findings.append(stored)
        assert settings.SLACK_APP_TOKEN is not None, "the settings see to it"
        app_client = web_client(settings.SLACK_APP_TOKEN.reveal(), settings.SLACK_API_URL)
        slack = wire_slack(settings)
        identity = Identity(slack)
        findings += check_slack(slack, identity, SlackMessenger(slack, identity), app_client, to)
        findings += check_mailgun(wire_mailgun(settings, keys))
    for finding in findings:
        mark = "[green]fine[/]" if finding.fine else "[red]not yet[/]"
        console.print(f"{mark}  {finding.what}: ", end="")
        console.print(f"{finding.found} {finding.advice}".strip(), markup=False, highlight=False)
    raise typer.Exit(0 if all(finding.fine for finding in findings) else 1)


def check_database(settings: Settings) -> tuple[Finding, KeySource]:
    """Whether the database answers, is up to date, and holds a vault that opens; and where Mailgun's key is
    then to be taken from."""
    meanwhile = "Until then the vault cannot be read, so Mailgun is asked with MAILGUN_API_KEY."
    key = OneKey(settings.MAILGUN_API_KEY)
    try:
        database = Database.open(settings.DATABASE_URL.reveal())
        vault = wire_vault(settings, database, DatabaseClock(database))
        if not database.schema_is_current():
            return Finding("Database", False, "not migrated yet.", f"Run: python bot.py migrate. {meanwhile}"), key
        vault.current()
    except (BadEncryptionKey, VaultSealed) as error:
        return Finding("Vault", False, str(error), meanwhile), key
    except RecoveryError as error:
        return Finding("Database", False, str(error), f"Check DATABASE_URL. {meanwhile}"), key
    return Finding("Database", True, "up to date"), vault


@cli.command()
def key() -> None:
    """Take a fresh Mailgun key from hidden input into the vault, after a call with it."""
    settings = read_settings()
    with told():
        rooms = wire(settings)
        rooms.database.migrate()
        fresh = Secret(getpass.getpass("A Mailgun key with the role admin (not shown): ").strip())
        if not fresh.reveal():
            raise Refused("No key was entered; nothing was changed.")
        rooms.mailgun.prove_key(fresh)
        store_key(rooms, fresh)
    typer.echo("The key works and is in the vault. A running bot uses it from its next call on.")


@cli.command()
def manifest() -> None:
    """Print the Slack app's manifest, to paste at "create from manifest"."""
    typer.echo(json.dumps(slack_manifest(), indent=2))


@cli.command()
def drill(
    auto: Annotated[bool, typer.Option(help="Actors play the people; exit 0 if all is recovered.")] = False,
    port: Annotated[int | None, typer.Option(help="Where the page is served.")] = None,
) -> None:
    """Practise against a practice Slack and a practice Mailgun on this machine."""
    sys.path.insert(0, str(Path(__file__).parent))
    # Only here, because a deployed bot has neither the practice servers nor what they stand on.
    from drill.run import run_drill  # noqa: PLC0415

    raise typer.Exit(run_drill(auto=auto, port=port))


if __name__ == "__main__":
    cli()
