"""Which processes are alive: each holds a lock for its life, so that a dead one's leases end at once."""

import fcntl
import os
import secrets
import time
from collections.abc import Set
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from storage.errors import AnotherProcess, DatabaseUnavailable


class Processes(Protocol):
    """The processes that work on one database, this one among them."""

    owner: int
    """What this process signs its leases with: random, positive, 63 bits at most."""

    def hold(self) -> None:
        """Take this process's lock, or take it again where its connection was lost. Harmless to repeat."""
        ...

    def release(self) -> None:
        """Let go of it."""
        ...

    def gone(self, connection: Connection, owners: Set[int]) -> Set[int]:
        """Those of `owners` whose process is dead.

        They must have been read from leases before this is asked: a process takes its lock before its first
        lease, so whoever signed one and holds no lock is dead.
        """
        ...

    def alive(self, connection: Connection) -> int:
        """How many there are, this one among them."""
        ...


def _new_owner() -> int:
    return secrets.randbits(62) + 1


class FileProcesses:
    """SQLite: one process at a time, held to that by `flock` beside the file. All other owners are gone."""

    def __init__(self, database: Path) -> None:
        self.owner = _new_owner()
        self._database = database
        self._guard = Lock()
        self._held: IO[str] | None = None

    def hold(self) -> None:
        """Raises `AnotherProcess` when another one holds it, `DatabaseUnavailable` where it cannot be made."""
        with self._guard:
            if self._held is not None:
                return
            # SQLite would open it to read alone, and fail at the first click.
            if self._database.exists() and not os.access(self._database, os.R_OK | os.W_OK):
                raise DatabaseUnavailable(f"{self._database} cannot be written: let the bot's user read and write it.")
            # Never deleted: a process could lock the file that another has just removed.
            path = self._database.with_name(f"{self._database.name}.lock")
            try:
                file = path.open("a+")
            except OSError as error:
                raise DatabaseUnavailable(
                    f"{path} cannot be written ({error.strerror}). Let the bot's user write in a folder that exists."
                ) from error
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip()
                file.close()
                raise AnotherProcess(
                    f"Another process{f' ({holder})' if holder else ''} works on {self._database} already; "
                    "an SQLite file serves one at a time. Stop that one first, or set DATABASE_URL to a "
                    "PostgreSQL database, which serves several."
                ) from None
            file.truncate(0)
            file.write(f"pid {os.getpid()}")
            file.flush()
            self._held = file

    def release(self) -> None:
        with self._guard:
            if self._held is not None:
                self._held.close()
                self._held = None

    def gone(self, connection: Connection, owners: Set[int]) -> Set[int]:
        return owners - {self.owner}

    def alive(self, connection: Connection) -> int:
        return 1


# Advisory locks by one 64-bit key show as two 32-bit halves with objsubid 1.
_HELD = text(
    "SELECT (CAST(classid AS bigint) << 32) | CAST(objid AS bigint) FROM pg_locks "
    "WHERE locktype = 'advisory' AND objsubid = 1 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


DOUBT = 6.0
"""Seconds for which a process that lost its own lock believes nobody else dead: a server that was away has dropped
everybody's. The engine takes it again every two."""


class ServerProcesses:
    """PostgreSQL: each process holds a session advisory lock, its owner, on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self.owner = _new_owner()
        self._engine = engine
        self._guard = Lock()
        self._session: Connection | None = None
        self._held = False
        self._doubts_until = 0.0

    def hold(self) -> None:
        with self._guard:
            if self._session is not None and not _answers(self._session):
                self._leave()
                self._doubts_until = time.monotonic() + DOUBT
            if self._session is None:
                self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                # Out of the pool: closing it must end the session, and with it the lock.
                self._session.detach()
            if not self._held:
                # False while the server has not noticed yet that the earlier session is dead: that one holds
                # the lock for us then, and a later call takes it over.
                taken = self._session.scalar(select(func.pg_try_advisory_lock(self.owner)))
                self._held = bool(taken)

    def release(self) -> None:
        with self._guard:
            self._leave()

    def gone(self, connection: Connection, owners: Set[int]) -> Set[int]:
        alive = set(connection.scalars(_HELD))
        has_lost_its_own = self._held and self.owner not in alive
        if has_lost_its_own or time.monotonic() < self._doubts_until:
            return set()
        return owners - alive - {self.owner}

    def alive(self, connection: Connection) -> int:
        return len({self.owner, *connection.scalars(_HELD)})

    def _leave(self) -> None:
        if self._session is not None:
            with suppress(DBAPIError):
                self._session.close()
        self._session = None
        self._held = False


def _answers(session: Connection) -> bool:
    try:
        session.execute(select(1))
    except DBAPIError:
        return False
    return True
