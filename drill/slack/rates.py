"""Slack's rate limits."""

import math

from drill.buckets import Bucket
from drill.slack.errors import SlackError
from drill.slack.model import Clock


class RateLimiter:
    """Counts what each key used. Rates are given with each call, so that a change counts at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def take(self, key: str, per_second: float, burst: float) -> None:
        """Use one of the key's tokens. A rate of 0 is no limit.

        Raises:
            SlackError: `ratelimited`, HTTP 429 with `Retry-After`, while there is none left.
        """
        if per_second <= 0:
            return
        wait = self._buckets.setdefault(key, Bucket()).take(self._clock(), per_second, burst)
        if wait:
            raise SlackError("ratelimited", status=429, retry_after=max(1, math.ceil(wait)))
