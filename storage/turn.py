"""Whose turn it is to write, among the threads of one process."""

from collections.abc import Callable
from threading import Condition


class Turn:
    """One at a time, as a lock; but whoever comes through `hurried` goes before all who do not.

    A click must be stored within a second, however many workers are writing what they have done.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._is_taken = False
        self._hurrying = 0
        self.hurried = Hurried(self)

    def acquire(self, timeout: float) -> bool:
        """Whether the turn came within so many seconds."""
        with self._changed:
            return self._take(timeout, lambda: not self._is_taken and not self._hurrying)

    def acquire_hurried(self, timeout: float) -> bool:
        """The same, before everybody else."""
        with self._changed:
            self._hurrying += 1
            try:
                return self._take(timeout, lambda: not self._is_taken)
            finally:
                self._hurrying -= 1
                # Whoever gives up here may have been what others waited for.
                self._changed.notify_all()

    def release(self) -> None:
        """It is somebody else's turn."""
        with self._changed:
            self._is_taken = False
            self._changed.notify_all()

    def _take(self, timeout: float, is_ours: Callable[[], bool]) -> bool:
        came = self._changed.wait_for(is_ours, timeout)
        self._is_taken = self._is_taken or came
        return came


class Hurried:
    """The same turn, for who is in a hurry."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def acquire(self, timeout: float) -> bool:
        """As `Turn.acquire_hurried`."""
        return self._turn.acquire_hurried(timeout)

    def release(self) -> None:
        """As `Turn.release`."""
        self._turn.release()
