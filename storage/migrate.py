"""Alembic, configured here instead of in an ini file.

After a change to `storage.schema`, `python -m storage.migrate "what changed"` writes the next migration. Read
it before it is committed, and import nothing of `storage` in it: it must do tomorrow what it does today.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, select
from sqlalchemy.sql import func

from storage.engines import sqlite_engine

_LOCK_SPACE, _LOCK = 0x1A9E, 0x5C4E3A
"""Two 32-bit keys. Lanes have keys of this space too; meeting one of theirs would make it wait, no more."""

_one_at_a_time = Lock()
"""Alembic hands a migration its connection through module variables (`op`, `context`)."""


def upgrade(connection: Connection) -> None:
    """Run what is missing, inside the connection's transaction: all of it or nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_SPACE, _LOCK)))
    with _one_at_a_time:
        command.upgrade(_config(connection), "head")


def is_current(connection: Connection) -> bool:
    """Whether no migration is missing, nor one there that this version does not know."""
    wanted = ScriptDirectory.from_config(_config(connection)).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(wanted)


def revise(message: str) -> None:
    """Write the migration from the present migrations' tables to those of `storage.schema`."""
    with TemporaryDirectory() as folder:
        engine = sqlite_engine(URL.create("sqlite", database=str(Path(folder) / "revise.db")))
        with engine.begin() as connection:
            upgrade(connection)
            heads = MigrationContext.configure(connection).get_current_heads()
            number = int(heads[0]) + 1 if heads else 1
            command.revision(_config(connection), message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    # Alembic reads "%" as the beginning of an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    revise(" ".join(sys.argv[1:]) or "change")
