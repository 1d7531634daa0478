"""Whose turn it is to write, among the threads of one process."""

from threading import Condition


class Turn:
    """So many at a time; whoever is in a hurry goes before all who are not.

    A click must be stored within a second, however many workers are writing what they have done.
    """

    def __init__(self, places: int = 1) -> None:
        self._changed = Condition()
        self._free = places
        self._hurrying = 0

    def acquire(self, timeout: float, *, hurried: bool = False) -> bool:
        """Whether the turn came within so many seconds; whoever got it calls `release`."""
        with self._changed:
            self._hurrying += hurried
            try:
                came = self._changed.wait_for(lambda: self._free > 0 and (hurried or not self._hurrying), timeout)
            finally:
                self._hurrying -= hurried
                # Others may have waited for this one alone.
                self._changed.notify_all()
            self._free -= came
            return came

    def release(self) -> None:
        """It is somebody else's turn."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()
