"""The rows of the table: each is a ratio of two things that were measured in the same run, in turn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

ROUNDS = 5
"""How often each side is measured. The median counts."""


@dataclass(frozen=True)
class Row:
    """One row.

    `ratios` has one number for each round, or one where the figure is a count. `target` says in words what is to be
    reached, `is_reached` judges the median. `figures` has the absolute numbers behind it, for who wants them.
    """

    what: str
    against: str
    target: str
    ratios: Sequence[float]
    is_reached: bool
    figures: str
    unit: str = " ×"

    @property
    def ratio(self) -> float:
        """The median."""
        return median(self.ratios)

    @property
    def spread(self) -> str:
        """From the smallest to the largest."""
        return f"{min(self.ratios):.2f} to {max(self.ratios):.2f}" if len(self.ratios) > 1 else "one count"


def at_most(what: str, against: str, ratios: Sequence[float], limit: float, figures: str, unit: str = " ×") -> Row:
    """A row whose median may not be more than the limit."""
    return Row(what, against, f"at most {limit:g}{unit}", ratios, median(ratios) <= limit, figures, unit)


def at_least(what: str, against: str, ratios: Sequence[float], limit: float, figures: str, unit: str = " ×") -> Row:
    """A row whose median may not be less than the limit."""
    return Row(what, against, f"at least {limit:g}{unit}", ratios, median(ratios) >= limit, figures, unit)


def never_more(what: str, against: str, ratios: Sequence[float], limit: float, figures: str, unit: str = " ×") -> Row:
    """A row of which not even the largest may be more than the limit."""
    return Row(what, against, f"never more than {limit:g}{unit}", ratios, max(ratios) <= limit, figures, unit)


def exactly(what: str, against: str, counts: Sequence[int], wanted: int, figures: str, unit: str = "") -> Row:
    """A row whose count must be this one, each time."""
    return Row(what, against, f"{wanted:,}{unit} each time", counts, set(counts) == {wanted}, figures, unit)


def from_to(measured: Sequence[float], unit: str, digits: int = 2) -> str:
    """From the smallest to the largest."""
    return f"{min(measured):.{digits}f} to {max(measured):.{digits}f} {unit}"


Benchmark = Callable[[], Sequence[Row]]
"""Measures, and returns the rows that it fills."""


def told(rows: Sequence[Row]) -> Iterator[str]:
    """The table in Markdown, and how many rows are reached as its last line."""
    yield "| what | against | to reach | median | spread | reached | figures |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        reached = "yes" if row.is_reached else "**no**"
        cells = (row.what, row.against, row.target, f"{row.ratio:.2f}{row.unit}", row.spread, reached, row.figures)
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"reached: {sum(row.is_reached for row in rows)} of {len(rows)}"
