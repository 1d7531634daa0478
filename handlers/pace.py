"""The pace at which something may be called: token buckets that are known, so that nobody has to be refused first."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf

from handlers.errors import SlowDown
from recovery.buckets import Bucket, Buckets
from recovery.errors import Later, Paced

_ROUNDING = 1e-6
"""Seconds that sums of seconds may be off."""


class Pace:
    """One token bucket a key: `burst` at once, then one every `seconds`. It never waits itself; 0 seconds is no pace.

    A call counts from its answer. The other side counted it before that, so its own bucket is never emptier than this
    one, however unevenly calls travel.

    Who is refused comes back when the refusal says. Nobody keeps them a place, except those who give a name: these are
    urgent, and each is told a moment of their own, in order. All others come after them. Who does not come back at
    their moment loses it once it is over, which is `seconds` later.

    All this holds over everybody who shares the `buckets`, be they threads or processes.
    """

    def __init__(self, what: str, seconds: float, burst: int, buckets: Buckets) -> None:
        self._what = what
        self._seconds = seconds
        self._burst = burst
        self._buckets = buckets

    @contextmanager
    def turn(self, key: str, urgent: str | None = None) -> Iterator[None]:
        """Make one call within the block; `urgent` is a name that is the same whenever it is tried again.

        Raises `Paced` while there is no room for it. Where the call itself raises `SlowDown`, nobody gets through for
        as long as the other side asked: else each would be refused on their own.
        """
        if self._seconds <= 0:
            yield
            return
        began = self._begin(key, urgent)
        asked_to_wait = 0.0
        try:
            yield
        except SlowDown as refusal:
            asked_to_wait = refusal.seconds
            raise
        finally:
            self._end(key, began, asked_to_wait)

    def _begin(self, key: str, name: str | None) -> float:
        """When that was."""
        with self._buckets.use(key) as (bucket, now):
            bucket.line = {each: due for each, due in bucket.line.items() if due + self._seconds > now}
            due = self._due(bucket, name, now)
            if due <= now + _ROUNDING:
                if name is not None:
                    bucket.line.pop(name, None)
                bucket.on_the_way.append(now)
                return now
            if name is not None:
                bucket.line[name] = due
        raise self._refusal(bucket, now, due - now)

    def _end(self, key: str, began: float, asked_to_wait: float) -> None:
        # The call was made, and its result must not be lost over this. A call whose end nobody hears of is on its way
        # until those who share the bucket believe that no more.
        with suppress(Paced), self._buckets.use(key) as (bucket, now):
            if began in bucket.on_the_way:
                bucket.on_the_way.remove(began)
            if asked_to_wait <= 0:
                bucket.full_at = max(bucket.full_at, now) + self._seconds
                return
            bucket.closed_until = max(bucket.closed_until, now + asked_to_wait)
            bucket.full_at = max(bucket.full_at, bucket.closed_until + (self._burst - 1) * self._seconds)
            late = bucket.closed_until - min(bucket.line.values(), default=inf)
            if late > 0:
                bucket.line = {name: due + late for name, due in bucket.line.items()}

    def _due(self, bucket: Bucket, name: str | None, now: float) -> float:
        """When it is their turn, as far as that is known; now or earlier where it is."""
        free = bucket.full_at
        if bucket.on_the_way:
            # At the earliest they are all counted now.
            free = max(free, now) + len(bucket.on_the_way) * self._seconds
        free = max(free - (self._burst - 1) * self._seconds, bucket.closed_until)
        if name in bucket.line:
            return max(free, bucket.line[name])
        return max([free, *(due + self._seconds for due in bucket.line.values())])

    def _refusal(self, bucket: Bucket, now: float, seconds: float) -> Later:
        if bucket.closed_until > now:
            return Later(f"Slack asked the bot to slow down. {self._what}", seconds=seconds)
        return Paced(self._what, seconds=seconds)
