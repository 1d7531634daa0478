"""One thing that the verdict looks at."""

from collections.abc import Sequence
from dataclasses import dataclass

_MOST_NAMED = 5


@dataclass(frozen=True)
class Check:
    """One thing that must be so. `found` says in a sentence how it is."""

    name: str
    passed: bool
    found: str


def check(name: str, wrong: Sequence[str], well: str, otherwise: str) -> Check:
    """A check that passes where nothing is wrong; else it names what is."""
    if not wrong:
        return Check(name, True, well)
    named = ", ".join(wrong[:_MOST_NAMED])
    more = len(wrong) - _MOST_NAMED
    return Check(name, False, otherwise.format(f"{named} and {more} more" if more > 0 else named))
