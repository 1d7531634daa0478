"""Token buckets, as those know them who call the same other side.

The recovery itself calls nobody and has no use for them. They stand here because `handlers` fills them, `storage` keeps
them where several processes share them, and both know the recovery alone.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass
class Bucket:
    """All moments are seconds by the clock of whoever keeps the bucket; a new one is full."""

    full_at: float = 0.0
    """When all of its tokens are back, as far as calls have been answered."""
    closed_until: float = 0.0
    """Until when the other side takes no call at all: it said so."""
    on_the_way: list[float] = field(default_factory=list)
    """When each call began that has no answer yet."""
    line: dict[str, float] = field(default_factory=dict)
    """Who is urgent and was told when to come back."""


class Buckets(Protocol):
    """Buckets by their key, kept for all who share them."""

    def use(self, key: str) -> AbstractContextManager[tuple[Bucket, float]]:
        """That bucket and what time it is, for one alone: what the block changes in the bucket is kept.

        The block computes, and does nothing that takes time. Raises `Paced` where the bucket cannot be had now; then
        nothing is kept.
        """
        ...
