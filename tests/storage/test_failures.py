"""A database that does not do what it should is unavailable, in words; a mistake of the program is none of that."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from storage.database import Database
from storage.errors import DatabaseUnavailable, NewerDatabase, NotMigrated
from storage.failures import reachable
from tests.databases import empty_url, migrated_url
from tests.storage.given import an_incident, new_incident


def test_a_misspelt_column_passes_as_it_is(database: Database) -> None:
    with (
        pytest.raises(DBAPIError) as mistake,
        reachable(),
        database._writing.begin() as connection,
    ):
        connection.execute(text("SELECT stauts FROM tasks"))
    assert "stauts" in str(mistake.value)


def test_a_row_that_a_constraint_forbids_passes_as_it_is(database: Database) -> None:
    with pytest.raises(DBAPIError), reachable(), database._writing.begin() as connection:
        connection.execute(text("INSERT INTO identity (id) VALUES (1)"))


def test_a_damaged_file_says_that_a_backup_is_needed(tmp_path: Path, opened: Callable[[str], Database]) -> None:
    url = migrated_url("sqlite", tmp_path)
    file = Path(url.removeprefix("sqlite:///"))
    pages = file.read_bytes()
    file.write_bytes(pages[:4096] + b"\x00" * (len(pages) - 4096))
    with pytest.raises(DatabaseUnavailable, match="put a backup in its place"), opened(url).write() as tx:
        tx.incidents.add(new_incident())


def test_a_standby_says_that_it_takes_no_changes(opened: Callable[[str], Database]) -> None:
    url = migrated_url("postgresql", Path())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on")
    with pytest.raises(DatabaseUnavailable, match="in a read-only transaction") as refusal:
        an_incident(opened(url))
    assert "Name the primary" in str(refusal.value)


def test_a_user_without_rights_is_told_which_it_lacks(opened: Callable[[str], Database]) -> None:
    url = make_url(empty_url("postgresql", Path()))
    name = f"guest_{url.database}"
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with pytest.raises(DatabaseUnavailable, match="permission denied for schema public") as refusal:
        opened(url.set(username=name).render_as_string(hide_password=False)).migrate()
    assert "Give the user that DATABASE_URL names all rights" in str(refusal.value)


def test_a_newer_versions_tables_are_left_as_they_are(url: str, opened: Callable[[str], Database]) -> None:
    database = opened(url)
    with database._writing.begin() as connection:
        known = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        for look in (database.migrate, database.schema_is_current):
            with pytest.raises(NewerDatabase, match="its migration 9999; this version knows them up to"):
                look()
    finally:
        with database._writing.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :known"), {"known": known})


def test_a_migration_that_fails_changes_nothing(bare_url: str, opened: Callable[[str], Database]) -> None:
    database = opened(bare_url)
    with database._writing.begin() as connection:
        # The last table that the first migration makes: all the others are made before it fails.
        connection.execute(text("CREATE TABLE obligations (name TEXT)"))
    with pytest.raises(NotMigrated, match="nothing was changed"):
        database.migrate()
    with database._writing.begin() as connection:
        connection.execute(text("DROP TABLE obligations"))
    database.migrate()
    an_incident(database)
