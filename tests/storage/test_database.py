"""Transactions, the schema, the identity, and a database that cannot be reached."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from storage.database import Database
from storage.errors import BadDatabaseUrl, DatabaseUnavailable
from storage.migrate import MIGRATIONS, newest_revision
from storage.schema import Base
from storage.urls import parsed
from tests.databases import drop_connections
from tests.storage.given import an_incident, at_once, new_incident, new_request

ROOT = Path(__file__).parent.parent.parent


def test_an_error_rolls_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(RuntimeError, match="halfway"), database.write() as tx:
        tx.requests.add(new_request("d1"))
        tx.incidents.add(new_incident())
        raise RuntimeError("halfway")
    with database.write() as tx:
        assert tx.incidents.latest() is None
        assert tx.requests.add(new_request("d1")) is not None


def test_a_read_cannot_write(database: Database) -> None:
    incident = an_incident(database)
    with pytest.raises(DBAPIError), database.read() as tx:
        tx.incidents.set(incident.id, ticket="x")
    with database.write() as tx:
        assert tx.incidents.get(incident.id).ticket is None
        tx.incidents.set(incident.id, ticket="y")


def test_a_read_sees_one_moment(database: Database) -> None:
    incident = an_incident(database)
    with database.read() as tx:
        before = tx.incidents.get(incident.id)
        at_once([lambda: close_ticket(database, incident.id)])
        assert tx.incidents.get(incident.id) == before


def close_ticket(database: Database, incident_id: int) -> None:
    with database.write() as tx:
        tx.incidents.set(incident_id, ticket="closed")


def test_many_threads_write_at_once(database: Database) -> None:
    def store(thread: int) -> None:
        for number in range(10):
            with database.write() as tx:
                assert tx.requests.add(new_request(f"{thread} {number}")) is not None

    at_once([lambda thread=thread: store(thread) for thread in range(24)])


def test_the_identity_is_made_once(url: str, opened: Callable[[str], Database]) -> None:
    databases = [opened(url) for _ in range(4)]
    [identity] = set(at_once([database.identity for database in databases]))
    assert opened(url).identity() == identity
    assert len(identity) == 36


# --- the schema


def test_migrating_makes_the_schema_current_and_may_be_repeated(
    bare_url: str, opened: Callable[[str], Database]
) -> None:
    database = opened(bare_url)
    assert not database.schema_is_current()
    database.migrate()
    assert database.schema_is_current()
    database.migrate()
    an_incident(database)


def test_an_incident_of_an_earlier_version_gets_the_steps_and_is_suspect_from_some_time_before_it(
    database: Database,
) -> None:
    incident = an_incident(database)
    with database._writing.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0005'"))
        connection.execute(text("DROP TABLE buckets"))
    database.migrate()

    with database.read() as tx:
        assert tx.incidents.get(incident.id).suspect_from == incident.since - timedelta(days=14)
        assert [step.kind for step in tx.steps.of(incident.id)] == ["investigate", "queued_mail"]


def migrate(url: str) -> None:
    with Database.open(url) as database:
        database.migrate()


def test_processes_may_migrate_at_once(bare_url: str, opened: Callable[[str], Database]) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(migrate, [bare_url] * 2))
    assert opened(bare_url).schema_is_current()


def test_the_newest_revision_is_alembics() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [newest_revision()]


def test_a_start_with_a_current_schema_does_not_import_alembic(url: str) -> None:
    start = "import sys, bot; bot.Database.open(sys.argv[1]).migrate(); sys.exit('alembic' in sys.modules)"
    started = subprocess.run([sys.executable, "-c", start, url], cwd=ROOT, capture_output=True, text=True)
    assert started.returncode == 0, started.stderr


def test_threads_may_migrate_at_once(bare_url: str, opened: Callable[[str], Database]) -> None:
    databases = [opened(bare_url) for _ in range(4)]
    at_once([database.migrate for database in databases])
    assert databases[0].schema_is_current()


def test_the_migrations_make_exactly_the_mapped_tables(url: str) -> None:
    engine = create_engine(parsed(url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


# --- where it is


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_each_way_to_write_postgresql_means_psycopg(scheme: str) -> None:
    assert parsed(f"{scheme}://u:p@host/name").drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "url",
    ["mysql://u:hunter2@host/name", "hunter2", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://h/n"],
)
def test_an_unusable_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadDatabaseUrl, match="DATABASE_URL must be") as refusal:
        Database.open(url)
    assert "hunter2" not in str(refusal.value)


def test_a_database_that_is_not_there_is_unavailable(opened: Callable[[str], Database], tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such/folder.db", "postgresql://u:hunter2@127.0.0.1:1/name"):
        database = opened(url)
        with pytest.raises(DatabaseUnavailable) as refusal, database.write():
            pass
        assert "hunter2" not in str(refusal.value)
        with pytest.raises(DatabaseUnavailable):
            database.hold()


def test_a_server_that_dropped_its_connections_is_used_again(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    database = opened(postgresql_url)
    with pytest.raises(DatabaseUnavailable), database.write() as tx:
        drop_connections(postgresql_url)
        tx.incidents.latest()
    drop_connections(postgresql_url)
    an_incident(database)


def test_what_was_stored_does_not_show_in_errors(database: Database) -> None:
    incident = an_incident(database)
    with pytest.raises(DBAPIError) as refusal, database.read() as tx:
        tx.incidents.set(incident.id, description="hunter2")
    assert "hunter2" not in str(refusal.value)
