"""The buckets of a process that shares them with no other."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from recovery.buckets import Bucket, Buckets

_KEPT = 60.0
"""Seconds for which a bucket is kept that nobody uses: somebody in its line may come a little late."""


class OwnBuckets(Buckets):
    """In memory. Buckets that are as good as new are forgotten."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._buckets: dict[str, Bucket] = {}

    @contextmanager
    def use(self, key: str) -> Iterator[tuple[Bucket, float]]:
        with self._lock:
            now = self._monotonic()
            self._forget(now)
            yield self._buckets.setdefault(key, Bucket()), now

    def _forget(self, now: float) -> None:
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if bucket.on_the_way or max(bucket.full_at, bucket.closed_until, *bucket.line.values()) + _KEPT > now
        }
