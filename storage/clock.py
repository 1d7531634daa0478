"""The time that everybody agrees on: the machine's, corrected to the database's."""

from datetime import UTC, datetime, timedelta

from recovery import ports
from storage.database import Database


class DatabaseClock(ports.Clock):
    """Leases and due times are compared across processes, whose machines may disagree about the time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def measure(self) -> timedelta:
        """Ask the database for its time, correct `now` by the difference from here on, and return it.

        Call it at start and every minute: clocks drift. Raises `DatabaseUnavailable`; the last offset stays.
        """
        self._offset = self._database.clock_offset()
        return self._offset
