"""Token buckets that the processes on one PostgreSQL share."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import timedelta

from recovery.buckets import Bucket, Buckets
from recovery.errors import Paced
from storage.buckets import SERVERS_TIME, Time
from storage.database import Database
from storage.errors import DatabaseUnavailable
from storage.turn import Turn

PATIENCE = 1.0
"""Seconds in which a bucket must be had: the lease of whoever asks has to last for the call that follows."""

_AWAY = 1.0
"""Seconds after which whoever could not have one asks again."""


class SharedBuckets(Buckets):
    """In the database. Its clock alone counts here: moments a second apart are nothing for clocks that were compared a
    minute ago, as those of `storage.clock`.

    A bucket that cannot be had, because the database is away or slow, has no room: what is called then could not be
    recorded either.
    """

    def __init__(self, database: Database, longest_call: timedelta, clock: Time = SERVERS_TIME) -> None:
        """A call that has no answer after `longest_call` will have none: its process is dead."""
        self._database = database
        self._longest_call = longest_call.total_seconds()
        self._clock = clock
        # One at a time: the few connections that these transactions share with clicks are there for the clicks.
        self._turn = Turn()

    @contextmanager
    def use(self, key: str) -> Iterator[tuple[Bucket, float]]:
        deadline = time.monotonic() + PATIENCE
        if not self._turn.acquire(PATIENCE):
            raise Paced("Too many calls to Slack wait for the database.", seconds=_AWAY)
        try:
            with self._database.write(within=deadline - time.monotonic()) as tx:
                bucket, now = tx.buckets.lock(key, self._clock)
                before = deepcopy(bucket)
                bucket.on_the_way = [began for began in bucket.on_the_way if began + self._longest_call > now]
                yield bucket, now
                if bucket != before:
                    tx.buckets.keep(key, bucket, now)
        except DatabaseUnavailable as error:
            raise Paced(f"How much Slack takes now is not known. {error}", seconds=_AWAY) from error
        finally:
            self._turn.release()
