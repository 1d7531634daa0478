"""A clock that stands still until it is moved, and waiting that moves it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event, RLock

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""A Tuesday, in working hours."""


class FakeClock:
    """Stands still but for a thousandth of a second at each look, so that no two moments are the same."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at
        self._lock = RLock()

    def now(self) -> datetime:
        with self._lock:
            self._at += timedelta(milliseconds=1)
            return self._at

    def pass_by(self, time: timedelta) -> None:
        with self._lock:
            self._at += time

    def go_to(self, at: datetime) -> None:
        with self._lock:
            self._at = max(self._at, at)


class Stopping(Event):
    """The process's end. Waiting for it takes no time here: the clock is moved instead."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.while_waiting: Callable[[], None] = lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self._clock.pass_by(timedelta(seconds=timeout or 0))
            self.while_waiting()
        return self.is_set()
