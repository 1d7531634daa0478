"""The trail on the command line: what `python bot.py audit verify` and `audit export` do."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from handlers.calls import Calls
from handlers.clients import web_client
from handlers.directory import SlackDirectory
from handlers.identity import Identity
from handlers.messenger import SlackMessenger
from recovery.audit_check import Fault, chain_fault
from recovery.errors import Missing, Refused
from recovery.export import Export, Form, chain_words, names_of, user_ids, write
from recovery.verifying import Scene, read_kept, verify
from settings import Settings
from storage.clock import DatabaseClock
from storage.database import Database

TAMPERED, NOT_COMPARED = 1, 2


def verify_trail(settings: Settings, incident_id: int | None) -> int:
    """Say what was found, a line each; the exit status: 0 if the trail is as it was written, `TAMPERED` if it is not,
    `NOT_COMPARED` where Slack could not be asked and the rest is fine. It may run beside the bot."""
    slack, _ = _slack(settings)
    with _database(settings) as database:
        scene = Scene(database, slack, settings.AUDIT_CHANNEL, lambda: time.sleep(settings.SETTLE.total_seconds()))
        with _known(incident_id):
            verdicts = verify(scene, incident_id)
    for line in (line for verdict in verdicts for line in verdict.lines):
        typer.echo(line)
    if not verdicts:
        typer.echo("There is no incident yet, so there is no trail.")
    if any(verdict.faults for verdict in verdicts):
        return TAMPERED
    return NOT_COMPARED if any(verdict.unread for verdict in verdicts) else 0


def print_trail(settings: Settings, form: Form, incident_id: int | None) -> None:
    """Print the whole trail of an incident, the newest if none is named: private entries with names."""
    _, directory = _slack(settings)
    with _database(settings) as database:
        with _known(incident_id), database.read() as tx:
            incident = tx.incidents.latest() if incident_id is None else tx.incidents.get(incident_id)
        if incident is None:
            raise Refused("There is no incident yet, so there is no trail.")
        kept = read_kept(database, incident.id)
        if isinstance(kept, Fault):
            raise Refused(kept.says)
        clock = DatabaseClock(database)
        clock.measure()
    names = names_of(directory, user_ids(incident, kept.entries), lambda: None)
    chain = chain_words(chain_fault(kept))
    sys.stdout.write(write(Export(incident, kept.entries, clock.now(), chain, whole=True, names=names), form))


@contextmanager
def _known(incident_id: int | None) -> Iterator[None]:
    try:
        yield
    except Missing:
        raise Refused(f"There is no incident {incident_id}.") from None


def _slack(settings: Settings) -> tuple[SlackMessenger, SlackDirectory]:
    timeout = settings.HTTP_TIMEOUT.total_seconds()
    client = web_client(settings.SLACK_BOT_TOKEN.reveal(), settings.SLACK_API_URL, timeout)
    identity = Identity(client)
    # No pace: a command that reads a long trail has no later. Slack itself says when that is enough.
    calls = Calls(pace=0)
    return SlackMessenger(client, identity, calls), SlackDirectory(client, identity, calls)


def _database(settings: Settings) -> Database:
    database = Database.open(settings.DATABASE_URL.reveal())
    if not database.schema_is_current():
        raise Refused("The database is not migrated to this version yet. Run: python bot.py migrate")
    return database
