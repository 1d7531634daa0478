"""A clock for what counts in seconds."""

from dataclasses import dataclass


@dataclass
class StillClock:
    """Stands still until it is set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
