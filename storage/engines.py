"""The two engines: how each database is connected to, and how its transactions begin."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from storage.errors import DatabaseUnavailable

LOCK_WAIT = 10.0
"""How many seconds a transaction waits for SQLite's one place to write, or for a free connection."""

POOL = {
    # Threads hold a connection for milliseconds, so fewer connections than threads do; small plans of hosted
    # PostgreSQL allow twenty.
    "pool_size": 12,
    "max_overflow": 2,
    "pool_timeout": LOCK_WAIT,
    "hide_parameters": True,  # what people typed and the vault's rows stay out of tracebacks and logs
}

BOUNDED_PLACES = 4
"""How many bounded writes PostgreSQL gets at once. SQLite writes one thing at a time anyway."""

_BOUNDED_POOL = {**POOL, "pool_size": BOUNDED_PLACES, "max_overflow": 0, "pool_timeout": 1.0}
"""Connections that only bounded writes use, so that no reader and no worker can have them all."""

_BOUNDED_CONNECT = 1.0
"""Seconds that a bounded write waits where a connection is made or silent; see `postgresql_engine`."""

LEFT_OPEN = 10
"""Seconds after which PostgreSQL ends a transaction whose process does nothing: it was stopped in the middle, or
its machine is gone. Others wait for its locks that long. None of ours lasts a tenth of a second."""

_SESSION = (
    "SET idle_in_transaction_session_timeout = '{left_open}s'; "
    # That the other end is gone is noticed by the server too; it would wait two hours otherwise.
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)

_READING_POSTGRESQL = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def sqlite_engine(url: URL, *, reads_only: bool = False, bounded: bool = False) -> Engine:
    """SQLite: transactions begin here rather than in the driver, which would begin none for a SELECT.

    With `reads_only`, an engine whose connections can write nothing, for transactions that see one moment; with
    `bounded`, an engine for `begin_by`.
    """
    patience = _BOUNDED_CONNECT if bounded else LOCK_WAIT
    engine = create_engine(url, connect_args={"timeout": patience}, **(_BOUNDED_POOL if bounded else POOL))

    @event.listens_for(engine, "connect")
    def configure(driver: Any, _record: object) -> None:
        driver.isolation_level = None
        _switch_to_wal(driver, patience)
        driver.execute("PRAGMA foreign_keys = ON")
        # In WAL mode the default, NORMAL, may forget commits when the power fails.
        driver.execute("PRAGMA synchronous = FULL")
        if reads_only:
            driver.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if bounded:
            # Other processes may be writing too. Only to begin takes waiting; the rest of a transaction has its turn.
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_milliseconds_left(connection)}")
        # A transaction that reads and writes later could be refused the write after its reading: so at once.
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def postgresql_engine(url: URL, *, bounded: bool = False) -> Engine:
    """PostgreSQL. A server that went away is noticed within seconds, as is a process; when it is back it is used again.

    With `bounded`, an engine for `begin_by`. A server that does not answer while a connection is made is given
    up after 2 seconds for each of its addresses: psycopg counts in whole seconds, and takes 1 for 2.
    """
    limits = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    # In milliseconds, for what was sent to an other end that has vanished.
    limits |= {"tcp_user_timeout": int((_BOUNDED_CONNECT if bounded else LOCK_WAIT) * 1000)}
    if bounded:
        limits |= {"connect_timeout": 2}
    engine = create_engine(
        url,
        connect_args=limits,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        **(_BOUNDED_POOL if bounded else POOL),
    )

    @event.listens_for(engine, "connect")
    def configure(driver: Any, _record: object) -> None:
        with driver.cursor() as cursor:
            cursor.execute(_SESSION.format(left_open=LEFT_OPEN))
        driver.commit()

    if bounded:

        @event.listens_for(engine, "before_cursor_execute")
        def bound(connection: Connection, cursor: Any, *_: object) -> None:
            # Anew for each statement: PostgreSQL's limit is for one, and several may each meet a lock.
            cursor.execute(f"SET LOCAL statement_timeout = {_milliseconds_left(connection)}")

    return engine


def postgresql_reading(engine: Engine) -> Engine:
    """The same engine and pool, for transactions that only read and see one moment."""
    return engine.execution_options(**_READING_POSTGRESQL)


@contextmanager
def begin_by(bounded: Engine, deadline: float) -> Iterator[Connection]:
    """A transaction whose statements wait for others until that moment of `time.monotonic`, and no longer.

    Raises `DatabaseUnavailable` when the moment has come before a statement could begin.
    """
    with bounded.connect() as connection:
        connection.execution_options(deadline=deadline)
        with connection.begin():
            yield connection


def _milliseconds_left(connection: Connection) -> int:
    deadline: float = connection.get_execution_options()["deadline"]
    left = int((deadline - time.monotonic()) * 1000)
    if left <= 0:  # PostgreSQL would take 0 for no limit at all
        raise DatabaseUnavailable("The database is too slow at the moment: the time for storing this is over.")
    return left


def _switch_to_wal(driver: sqlite3.Connection, patience: float) -> None:
    """The file stays in WAL mode; only the first connections to a new one meet each other here."""
    deadline = time.monotonic() + patience
    while True:
        try:
            driver.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # This one statement SQLite does not wait for, whatever its timeout.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)
