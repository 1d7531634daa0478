"""Token buckets, for Slack's rate limits."""

import math
from dataclasses import dataclass

from drill.slack.errors import SlackError
from drill.slack.model import Clock


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimiter:
    """Counts what each key used. Rates are given with each call, so that a change counts at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str, per_second: float, burst: float) -> None:
        """Use one of the key's tokens. A rate of 0 is no limit.

        Raises:
            SlackError: `ratelimited`, HTTP 429 with `Retry-After`, while there is none left.
        """
        if per_second <= 0:
            return
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.tokens < 1:
            wait = max(1, math.ceil((1 - bucket.tokens) / per_second))
            raise SlackError("ratelimited", status=429, retry_after=wait)
        bucket.tokens -= 1
