"""Alembic, configured here instead of in an ini file.

After a change to `storage.schema`, `python -m storage.migrate "what changed"` writes the next migration. Read
it before it is committed, and import nothing of `storage` in it: it must do tomorrow what it does today.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, column, func, inspect, select, table

from storage.engines import sqlite_engine
from storage.errors import NewerDatabase

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

_VERSION = table("alembic_version", column("version_num"))
"""Where Alembic keeps the revision that a database is at."""

_LOCK_SPACE, _LOCK = 0x1A9E, 0x5C4E3A
"""Two 32-bit keys. Lanes have keys of this space too; meeting one of theirs would make it wait, no more."""

_one_at_a_time = Lock()
"""Alembic hands a migration its connection through module variables (`op`, `context`)."""


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run what is missing, inside the connection's transaction: all of it or nothing.

    Raises `NewerDatabase` where a newer version has been at work.
    """
    if is_current(connection):
        return
    from alembic import command  # noqa: PLC0415  # a tenth of a second that most starts need not spend

    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_SPACE, _LOCK)))
    with _one_at_a_time:
        command.upgrade(_config(connection), to)


def is_current(connection: Connection) -> bool:
    """Whether no migration is missing. Raises `NewerDatabase` where there is one that this version does not know."""
    revision, known = _revision(connection), _revisions()
    if revision is not None and revision not in known:
        raise NewerDatabase(
            f"A newer version of the bot has worked on this database (its migration {revision}; this version knows "
            f"them up to {known[-1]}). Nothing was changed. Install that version again: no command takes a migration "
            "back. If DATABASE_URL names another program's database, give the bot one of its own."
        )
    return revision == known[-1]


def newest_revision() -> str:
    """The last migration's revision."""
    return _revisions()[-1]


def revise(message: str) -> None:
    """Write the migration from the present migrations' tables to those of `storage.schema`."""
    from alembic import command  # noqa: PLC0415  # as in `upgrade`

    with TemporaryDirectory() as folder:
        engine = sqlite_engine(URL.create("sqlite", database=str(Path(folder) / "revise.db")))
        with engine.begin() as connection:
            upgrade(connection)
            number = int(newest_revision()) + 1
            command.revision(_config(connection), message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


def _revisions() -> list[str]:
    """What this version knows, in order. They are numbered, and each file's name begins with its own."""
    return sorted(file.name.split("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revision(connection: Connection) -> str | None:
    """What the database is at; None before the first migration."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalars(select(_VERSION.c.version_num)).first()


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # as in `upgrade`

    config = Config()
    # Alembic reads "%" as the beginning of an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    revise(" ".join(sys.argv[1:]) or "change")
