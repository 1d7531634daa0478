"""The two engines: how each database is connected to, and how its transactions begin."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from storage.errors import DatabaseUnavailable

LOCK_WAIT = 10.0
"""How many seconds a transaction waits for SQLite's one place to write, or for a free connection."""

POOL = {
    # Threads hold a connection for milliseconds, so fewer connections than threads do; small plans of hosted
    # PostgreSQL allow twenty.
    "pool_size": 12,
    "max_overflow": 6,
    "pool_timeout": LOCK_WAIT,
    "hide_parameters": True,  # what people typed and the vault's rows stay out of tracebacks and logs
}

_SQLITE_NOT_NOW = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}

_READING = {"reads_only": True}
_READING_POSTGRESQL = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def sqlite_engine(url: URL) -> Engine:
    """SQLite: transactions begin here rather than in the driver, which would begin none for a SELECT."""
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT}, **POOL)

    @event.listens_for(engine, "connect")
    def configure(driver: Any, _record: object) -> None:
        driver.isolation_level = None
        _switch_to_wal(driver)
        driver.execute("PRAGMA foreign_keys = ON")
        # In WAL mode the default, NORMAL, may forget commits when the power fails.
        driver.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads_only = bool(connection.get_execution_options().get("reads_only"))
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reads_only)}")
        # A transaction that reads and writes later could be refused the write after its reading: so at once.
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def postgresql_engine(url: URL) -> Engine:
    """PostgreSQL. A server that went away is noticed within seconds, and when it is back it is used again."""
    alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    return create_engine(
        url,
        connect_args={"connect_timeout": 5, **alive},
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        **POOL,
    )


def for_reading(engine: Engine) -> Engine:
    """The same engine and pool, for transactions that only read and see one moment."""
    own = _READING_POSTGRESQL if engine.dialect.name == "postgresql" else {}
    return engine.execution_options(**_READING, **own)


def bound_statements(connection: Connection, seconds: float) -> None:
    """No statement of this transaction waits longer than that. On SQLite only the wait to begin matters."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")


def _switch_to_wal(driver: sqlite3.Connection) -> None:
    """The file stays in WAL mode; only the first connections to a new one meet each other here."""
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        try:
            driver.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # This one statement SQLite does not wait for, whatever its timeout.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@contextmanager
def reachable() -> Iterator[None]:
    """Turns the drivers' words for "not now" into `DatabaseUnavailable`; mistakes of the program pass."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        # SQLite's driver says OperationalError of a misspelt column too; only the code tells them apart.
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code is not None and code & 0xFF not in _SQLITE_NOT_NOW:
            raise
        raise DatabaseUnavailable(f"The database cannot be used at the moment: {error.orig}") from error
    except TimeoutError as error:
        raise DatabaseUnavailable("The database is too busy: no connection became free.") from error
