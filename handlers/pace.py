"""Slack's pace: about one message a second in a channel, short bursts allowed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from recovery.errors import Later


@dataclass
class _Bucket:
    left: float
    at: float


class Pace:
    """One token bucket a channel: `burst` at once, then one every `seconds`. It never waits itself."""

    def __init__(self, seconds: float, burst: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, channel_id: str) -> None:
        """Count one message to that channel. Raises `Later` while there is no room for it."""
        if self._seconds <= 0:
            return
        with self._lock:
            now = self._clock()
            self._refill(now)
            bucket = self._buckets.setdefault(channel_id, _Bucket(self._burst, now))
            if bucket.left < 1:
                raise Later(
                    "Slack takes about one message a second in a channel.",
                    seconds=(1 - bucket.left) * self._seconds,
                )
            bucket.left -= 1

    def _refill(self, now: float) -> None:
        for bucket in self._buckets.values():
            bucket.left += (now - bucket.at) / self._seconds
            bucket.at = now
        # A full bucket is as good as none, so that quiet channels are forgotten.
        self._buckets = {channel: bucket for channel, bucket in self._buckets.items() if bucket.left < self._burst}
