"""What a tick costs that finds nothing due, for ten thousand people and for a hundred."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.filling import Filling
from benchmarks.inside import alone, tools_of
from benchmarks.rows import ROUNDS, Row, at_most, told
from recovery.due import plan_due
from recovery.steps import STEPS
from recovery.tools import Tools
from tests.databases import KINDS, migrated_url
from tests.statements import counted

FEW, MANY = 100, 10_000
TICKS = 200
"""In each round, of each side: one takes less than a millisecond."""


def measured() -> Sequence[Row]:
    """One row for each kind of database. The number of statements must be the same, too."""
    return [_row(kind) for kind in KINDS]


def _row(kind: str) -> Row:
    with _idle(kind, FEW) as few, _idle(kind, MANY) as many:
        took = [(_seconds(many), _seconds(few)) for _ in range(ROUNDS)]
        with counted() as of_many:
            plan_due(many, STEPS)
        with counted() as of_few:
            plan_due(few, STEPS)
    row = at_most(
        f"one tick over {MANY:,} people, nobody due, {kind}",
        f"the same at {FEW}",
        [large / small for large, small in took],
        2.0,
        f"{median(large for large, _ in took) * 1000:.2f} ms against {median(small for _, small in took) * 1000:.2f}; "
        f"statements: {len(of_many)} and {len(of_few)}",
    )
    return replace(
        row,
        target=f"{row.target}, and as many SQL statements",
        is_reached=row.is_reached and len(of_many) == len(of_few),
    )


@contextmanager
def _idle(kind: str, people: int) -> Iterator[Tools]:
    """A database of that kind with so many people, none of whom is due."""
    with TemporaryDirectory(prefix="bench-") as folder:
        url = migrated_url(kind, Path(folder))
        Filling(url).add_people(people)
        with tools_of(alone(url)) as tools:
            yield tools


def _seconds(tools: Tools) -> float:
    """How long a tick takes: the median of many."""
    took = []
    for _ in range(TICKS):
        began = time.perf_counter()
        plan_due(tools, STEPS)
        took.append(time.perf_counter() - began)
    return median(took)


if __name__ == "__main__":
    print("\n".join(told(measured())))
