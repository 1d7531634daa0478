"""The time that everybody agrees on: the database's. Between two measurements it goes by as this machine counts."""

import time
from datetime import UTC, datetime, timedelta

from recovery import ports
from storage.database import Database

_COUNTER = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts on while the machine sleeps, and whatever its clock is set to."""


class DatabaseClock(ports.Clock):
    """Leases and due times are compared across processes, whose machines may disagree about the time.

    With SQLite, the machine's clock is the database's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told = (datetime.now(UTC), _counted())

    def now(self) -> datetime:
        told, counted = self._told
        return told + timedelta(seconds=_counted() - counted)

    def measure(self) -> timedelta:
        """Ask the database for its time, go by it from here on, and return by how much that sets `now` forward.

        Call it at start and every minute: clocks drift, and are set. Raises `DatabaseUnavailable`; then nothing
        changes.
        """
        told = datetime.now(UTC) + self._database.clock_offset()
        moved = told - self.now()
        self._told = (told, _counted())
        return moved


def _counted() -> float:
    return time.clock_gettime(_COUNTER)
