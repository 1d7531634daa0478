"""A token bucket: what the practice servers limit calls with."""

from dataclasses import dataclass


@dataclass
class Bucket:
    """Full to begin with. Its size and what flows in are given with each call, so that a change counts at once."""

    _tokens: float | None = None
    _at: float = 0.0

    def take(self, now: float, per_second: float, burst: float) -> float:
        """Use one token. 0 if there was one; otherwise none is used, and this is in how many seconds there is."""
        filled = burst if self._tokens is None else min(burst, self._tokens + (now - self._at) * per_second)
        self._at = now
        if filled < 1:
            self._tokens = filled
            return (1 - filled) / per_second
        self._tokens = filled - 1
        return 0.0
