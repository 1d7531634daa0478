"""The database as a whole: opened once by `bot.py`, handed to whoever works with it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import uuid4

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from recovery import store
from storage import migrate
from storage.engines import (
    BOUNDED_PLACES,
    LOCK_WAIT,
    begin_by,
    postgresql_engine,
    postgresql_reading,
    sqlite_engine,
)
from storage.errors import DatabaseUnavailable, NotMigrated
from storage.failures import in_one_line, reachable
from storage.processes import FileProcesses, Processes, ServerProcesses
from storage.rows import unless_there
from storage.schema import IdentityRow
from storage.transaction import Transaction
from storage.turn import Turn
from storage.urls import parsed, sqlite_file
from storage.wakeups import Wakeups


class Database(store.Store):
    """SQLite or PostgreSQL, by its URL. Any number of threads may use one `Database` at once.

    Whatever touches the database raises `DatabaseUnavailable` when it cannot be reached.
    """

    def __init__(self, writing: Engine, reading: Engine, bounded: Engine, processes: Processes) -> None:
        self._writing = writing
        self._reading = reading
        self._bounded = bounded
        self._processes = processes
        self._turn = Turn() if writing.dialect.name == "sqlite" else None
        # As many as `bounded` has connections: a pool's own patience cannot be another one each time.
        self._bounded_turn = self._turn or Turn(BOUNDED_PLACES)
        self._identity: str | None = None
        self._wakeups: Wakeups | None = None

    @classmethod
    def open(cls, url: str) -> Self:
        """Ready for use; connects at its first use. Raises `BadDatabaseUrl`."""
        address = parsed(url)
        file = sqlite_file(address)
        if file is None:
            engine = postgresql_engine(address)
            bounded = postgresql_engine(address, bounded=True)
            return cls(engine, postgresql_reading(engine), bounded, ServerProcesses(engine))
        reading, bounded = sqlite_engine(address, reads_only=True), sqlite_engine(address, bounded=True)
        return cls(sqlite_engine(address), reading, bounded, FileProcesses(file))

    def close(self) -> None:
        """Let go of the process's lock and of all connections."""
        if self._wakeups is not None:
            self._wakeups.close()
        self._processes.release()
        for engine in (self._writing, self._reading, self._bounded):
            engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- the process

    @property
    def owner(self) -> int:
        """What this process signs its leases with."""
        return self._processes.owner

    def hold(self) -> None:
        """Take the lock that says that this process is alive. Call it before the first claim and every few
        seconds from then on: where the lock was lost with its connection it is taken again.

        Raises `AnotherProcess` where another one works on the same SQLite file.
        """
        with reachable():
            self._processes.hold()

    @property
    def serves_several(self) -> bool:
        """Whether other processes may work on this database at the same time."""
        return self._writing.dialect.name == "postgresql"

    def processes(self) -> int:
        """How many processes work on this database, this one among them."""
        with reachable(to_write=False), self._reading.begin() as connection:
            return self._processes.alive(connection)

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` from here on when another process has planned something. An SQLite file has no other."""
        if self.serves_several:
            self._wakeups = Wakeups(self._writing, self.owner, wake)

    # --- units of work

    @contextmanager
    def write(self, within: float | None = None) -> Iterator[Transaction]:
        if within is not None:
            with self._write_by(time.monotonic() + within) as tx:
                yield tx
            return
        with reachable(), self._own_turn(), self._writing.begin() as connection:
            yield Transaction(connection, self._processes)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with reachable(to_write=False), self._reading.begin() as connection:
            yield Transaction(connection, self._processes)

    def identity(self) -> str:
        if self._identity is None:
            with reachable(), self._own_turn(), self._writing.begin() as connection:
                # Two processes may come here at once: one uuid stays, and both read that one.
                connection.execute(unless_there(connection, IdentityRow).values(id=1, uuid=str(uuid4())))
                self._identity = connection.scalars(select(IdentityRow.uuid)).one()
        return self._identity

    @contextmanager
    def _write_by(self, deadline: float) -> Iterator[Transaction]:
        """Waits for its turn, for a connection and for locks until then, all together, and on connections that
        nobody else uses. Only making a connection to a PostgreSQL that is silent may take longer: 2 seconds."""
        with (
            reachable(),
            _turn(self._bounded_turn, deadline - time.monotonic(), hurried=True),
            begin_by(self._bounded, deadline) as connection,
        ):
            yield Transaction(connection, self._processes)

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        """On SQLite, one writing thread at a time: SQLite's own way to wait is to sleep and look again."""
        if self._turn is None:
            yield
            return
        with _turn(self._turn, LOCK_WAIT):
            yield

    # --- the schema and the time

    def migrate(self) -> None:
        """Bring the tables to what this version of the bot needs. Harmless to repeat, and to do in several
        processes at once: they take turns, and who comes later finds nothing left to do.

        Raises `NewerDatabase`, and `NotMigrated` where the database refuses; then nothing was changed.
        """
        try:
            with reachable(), self._own_turn(), self._writing.begin() as connection:
                migrate.upgrade(connection)
        except DBAPIError as error:
            raise NotMigrated(
                f"The database could not be migrated, and nothing was changed: {in_one_line(error.orig)} If another "
                "program uses it too, give the bot a database of its own in DATABASE_URL."
            ) from error

    def schema_is_current(self) -> bool:
        """Whether the tables are what this version of the bot needs. Raises `NewerDatabase`."""
        with reachable(), self._reading.begin() as connection:
            return migrate.is_current(connection)

    def clock_offset(self) -> timedelta:
        """How far the database's clock is ahead of this machine's; zero on SQLite, which has no clock."""
        if self._reading.dialect.name == "sqlite":
            return timedelta(0)
        with reachable(), self._reading.begin() as connection:
            asked = datetime.now(UTC)
            told: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            answered = datetime.now(UTC)
        return told - (asked + (answered - asked) / 2)


@contextmanager
def _turn(turn: Turn, patience: float, *, hurried: bool = False) -> Iterator[None]:
    if not turn.acquire(max(patience, 0), hurried=hurried):
        raise DatabaseUnavailable(f"The database is too busy: others have been writing for {patience:.1f} seconds.")
    try:
        yield
    finally:
        turn.release()
