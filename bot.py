"""The command line, and the one place where the rooms are wired together. It decides nothing."""

import gc

if __name__ == "__main__":
    # Nothing that is imported goes away again: looking for that takes a fifth of the time that the imports take.
    gc.disable()

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
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Annotated

import typer
from slack_sdk import WebClient

from auditing import NOT_COMPARED, print_trail, verify_trail
from doors import Doors
from engine import Engine
from handlers.calls import Calls
from handlers.check import check_slack
from handlers.clients import web_client
from handlers.directory import SlackDirectory
from handlers.identity import Identity
from handlers.logging import quiet_libraries
from handlers.manifest import manifest as slack_manifest
from handlers.messenger import SlackMessenger
from leaks.check import check_leaks
from leaks.kingfisher import Kingfisher
from mailgun.asking import KeySource, OneKey
from mailgun.check import check_mailgun
from mailgun.client import MailgunClient
from mailgun.transport import Transport
from recovery.checks import Finding
from recovery.errors import OutsideError, RecoveryError, Refused
from recovery.export import Form
from recovery.fresh_key import admin_key_id, must_be_of_the_account, take_up_everywhere
from recovery.secret import Secret
from settings import Settings, SettingsError, load_settings, policy_of
from settings_values import parse_mailgun_key
from storage.clock import DatabaseClock
from storage.database import Database
from storage.encryption import load_encryption_keys
from storage.errors import BadEncryptionKey, VaultSealed
from storage.shared_buckets import SharedBuckets
from storage.vault import DatabaseVault

log = logging.getLogger("bot")

GRACE = 9.0
"""Seconds between SIGTERM and the end, for what runs."""

GONE_WITHIN = 9.7
"""Seconds from SIGTERM to the end in any case. A lease goes with its process, so that nothing is left behind."""

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
    leaks: Kingfisher


def wire(settings: Settings) -> Rooms:
    """The rooms for these settings. Connects to nothing yet."""
    database = Database.open(settings.DATABASE_URL.reveal())
    clock = DatabaseClock(database)
    vault = wire_vault(settings, database, clock)
    slack = wire_slack(settings)
    identity = Identity(slack)
    buckets = SharedBuckets(database, settings.HTTP_TIMEOUT) if database.serves_several else None
    calls = Calls(settings.SLACK_PACE.total_seconds(), settings.SLACK_BURST, buckets)
    return Rooms(
        settings=settings,
        database=database,
        clock=clock,
        vault=vault,
        mailgun=wire_mailgun(settings, vault),
        slack=slack,
        identity=identity,
        messenger=SlackMessenger(slack, identity, calls),
        directory=SlackDirectory(slack, identity, calls),
        leaks=Kingfisher(settings.LEAK_SCAN_TIME),
    )


def wire_vault(settings: Settings, database: Database, clock: DatabaseClock) -> DatabaseVault:
    """The vault in that database. Raises `BadEncryptionKey`."""
    given = ",".join(key.reveal() for key in settings.ENCRYPTION_KEY)
    keys = load_encryption_keys(given or None, settings.DATABASE_URL.reveal())
    return DatabaseVault(database, keys, settings.MAILGUN_API_KEY, clock)


def wire_mailgun(settings: Settings, keys: KeySource) -> MailgunClient:
    """Mailgun, asked with the key that `keys` has."""
    transport = Transport(timeout=settings.HTTP_TIMEOUT.total_seconds(), concurrency=settings.MAILGUN_CONCURRENCY)
    status, storage = settings.MAILGUN_STATUS_URL, settings.MAILGUN_STORAGE_URLS
    return MailgunClient(settings.MAILGUN_URLS, keys, transport, status, storage)


def wire_slack(settings: Settings) -> WebClient:
    """Slack, asked with the bot's token."""
    timeout = settings.HTTP_TIMEOUT.total_seconds()
    return web_client(settings.SLACK_BOT_TOKEN.reveal(), settings.SLACK_API_URL, timeout)


# --- Running --------------------------------------------------------------------------------------------


class Bot:
    """The running bot: the engine, and the doors."""

    def __init__(self, rooms: Rooms) -> None:
        settings = rooms.settings
        self.engine = Engine(
            rooms.database,
            rooms.clock,
            rooms.vault,
            rooms.mailgun,
            rooms.messenger,
            rooms.directory,
            rooms.leaks,
            policy_of(settings),
        )
        seal = rooms.vault.seal
        self._doors = Doors(settings, rooms.database, rooms.clock, rooms.identity, self.engine, seal)

    def run(self) -> None:
        """Run until the engine is told to stop. Unfinished work is taken up before Slack is connected."""
        stopping = self.engine.stopping
        self.engine.start()
        try:
            if self._doors.open():
                log.info("the bot is ready")
                stopping.wait()
        finally:
            self._leave()

    def _leave(self) -> None:
        deadline = time.monotonic() + GRACE
        closing = Thread(target=self._doors.close, args=(deadline,), daemon=True)
        closing.start()
        self.engine.stop(deadline)
        closing.join(timeout=max(deadline - time.monotonic(), 0))


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
    # Applications may work with that one too: step 1 replaces it as any other.
    store_key(rooms, key, None)
    log.info("MAILGUN_API_KEY has changed and works: it is in the vault now")


def store_key(rooms: Rooms, key: Secret, key_id: str | None) -> None:
    """Put a proven key into the vault; what Mailgun refused to the one before it is tried again."""
    with rooms.database.write() as tx:
        rooms.vault.keep(tx, key, key_id, None)
        take_up_everywhere(tx, rooms.clock.now())
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
        # Above warnings: APScheduler has one at every tick while a job waits for a silent database.
        logging.getLogger(library).setLevel(logging.ERROR)
    quiet_libraries()
    return settings


@contextmanager
def told(status: int = 1) -> Iterator[None]:
    """Ends the program with a sentence, not a traceback, where a room says what is wrong."""
    try:
        yield
    except RecoveryError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(status) from None


@cli.callback()
def run(context: typer.Context) -> None:
    """Run the bot."""
    if context.invoked_subcommand is not None:
        return
    settings = read_settings()
    with told():
        bot = Bot(start(wire(settings)))
        stop_when_told(bot.engine.stopping)
        with leaving_at_once():
            bot.run()


def start(rooms: Rooms) -> Rooms:
    """The rooms, once this process may work: it has its lock, the tables are current, the vault opens, and what a scan
    left behind that was killed is gone."""
    rooms.database.hold()
    rooms.database.migrate()
    rooms.clock.measure()
    adopt_environment_key(rooms)
    rooms.vault.current()
    rooms.vault.rotate_if_needed()
    rooms.leaks.delete_left_behind()
    return rooms


def stop_when_told(stopping: Event) -> None:
    """SIGTERM and SIGINT set the event; and `GONE_WITHIN` later the process ends, whatever still holds it up."""

    def stop(*_: object) -> None:
        stopping.set()
        last_resort = Timer(GONE_WITHIN, os._exit, [0])
        last_resort.daemon = True
        last_resort.start()

    for told_by in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told_by, stop)


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Ends the process with the block, its message said if it fails: threads that hang in a call must not keep it.

    Their leases are released, and a restart goes on with what they did.
    """
    status = 0
    try:
        with told():
            yield
    except typer.Exit as ended:
        status = ended.exit_code
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)


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
    findings = [Finding("Settings", True, "every variable is understood")]
    with told():
        stored, keys = check_database(settings)
        findings.append(stored)
        app_token = settings.SLACK_APP_TOKEN
        app_client = web_client(app_token.reveal(), settings.SLACK_API_URL) if app_token else None
        slack = wire_slack(settings)
        identity = Identity(slack)
        findings += check_slack(slack, identity, SlackMessenger(slack, identity), app_client, to)
        findings += check_mailgun(wire_mailgun(settings, keys))
        findings += check_leaks(settings.LEAK_SCAN)
    for finding in findings:
        mark = typer.style("fine", fg="green") if finding.fine else typer.style("not yet", fg="red")
        typer.echo(f"{mark}  {finding.what}: " + f"{finding.found} {finding.advice}".strip())
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
        typed = getpass.getpass("A Mailgun key with the role admin, for the bot alone (not shown): ").strip()
        if not typed:
            raise Refused("No key was entered; nothing was changed.")
        try:
            fresh = parse_mailgun_key(typed)
        except ValueError as error:
            raise Refused(f"What was entered {error}; nothing was changed.") from None
        # One that could not replace the others is no use.
        key_id = admin_key_id(fresh, rooms.mailgun.keys_listed_by(fresh))
        must_be_of_the_account(fresh, rooms.mailgun, rooms.database)
        store_key(rooms, fresh, key_id)
    typer.echo("The key works and is in the vault. A running bot uses it within seconds.")


@cli.command()
def manifest(
    http: Annotated[str, typer.Option(help="For HTTP mode: where Slack reaches the bot, https://…")] = "",
) -> None:
    """Print the Slack app's manifest, to paste at "create from manifest"."""
    with told():
        typer.echo(json.dumps(slack_manifest(http), indent=2))


audit = typer.Typer(help="The trail of what was done: verify it, export it.", no_args_is_help=True)
cli.add_typer(audit, name="audit")


@audit.command("verify")
def audit_verify(
    incident: Annotated[int | None, typer.Option(help="Only this one; every one if left out.")] = None,
) -> None:
    """Compare the trail in the database with its copies in Slack. Exit 1 names the first entry that was changed."""
    settings = read_settings()
    with told(NOT_COMPARED):
        raise typer.Exit(verify_trail(settings, incident))


@audit.command("export")
def audit_export(
    form: Annotated[Form, typer.Option("--format", help="For a spreadsheet, a program, or a reader.")] = Form.CSV,
    incident: Annotated[int | None, typer.Option(help="Which one; the newest if left out.")] = None,
) -> None:
    """Print the whole trail of an incident, names included."""
    settings = read_settings()
    with told():
        print_trail(settings, form, incident)


@cli.command()
def drill(
    auto: Annotated[bool, typer.Option(help="Actors play the people; exit 0 if all is recovered.")] = False,
    port: Annotated[int | None, typer.Option(help="Where the page is served.")] = None,
    scenario: Annotated[str, typer.Option(help="What has happened: compromised, or disabled with a dead key.")] = "",
) -> None:
    """Practise against a practice Slack and a practice Mailgun on this machine."""
    sys.path.insert(0, str(Path(__file__).parent))
    from drill.run import run_drill  # noqa: PLC0415  # a deployed bot has neither this nor what it stands on

    raise typer.Exit(run_drill(auto=auto, port=port, scenario=scenario))


if __name__ == "__main__":
    # Nor need it ever be looked at later.
    gc.freeze()
    gc.enable()
    cli()
