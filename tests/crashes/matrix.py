"""The crash matrix: the cases are collected from unharmed runs, then each is run."""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.crashes.cases import MOST_REQUESTS, Case, cases
from tests.crashes.clicks import DEEDS, ClickCase, Stage
from tests.crashes.crew import Crew
from tests.crashes.databases import Templates
from tests.crashes.findings import Harm
from tests.crashes.one import Outcome, run_case, run_unharmed

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT_IN = ROOT / ".crashes"
"""Where the logs of runs that went wrong are."""

COLLECTING_RUNS = 3
SLOWER = (1, 2, 4)
"""How many times slower the ticks are, one after the other until the collecting runs are fit."""

_ORDER = 20240613
"""Shuffles the cases the same way each time, so that a tenth has some of every kind."""

AnyCase = Case | ClickCase


class CannotCollect(Exception):
    """Runs without any crash went wrong, or needed too much. The text says how."""


@dataclass(frozen=True)
class Collected:
    """Every case, in the order of their names; and how many times slower than usual the ticks had to be."""

    cases: list[AnyCase]
    slower: int


def collect(crew: Crew, templates: Templates) -> Collected:
    """The cases, from unharmed runs. Raises `CannotCollect`.

    Where something else holds the machine up, a tick falls into the midst of what people do at once, and costs a
    few requests: then the same is done again with slower ticks. Each of the runs that count must need few enough.
    """
    kinds = list(templates.urls)
    databases = [kinds[number % len(kinds)] for number in range(COLLECTING_RUNS)]
    for slower in SLOWER:
        runs = crew.all(partial(run_unharmed, templates=templates, slower=slower), databases)
        for run in runs:
            if run.findings:
                raise CannotCollect("\n".join(["A run without any crash went wrong:", *map(str, run.findings)]))
        if all(run.requests <= MOST_REQUESTS for run in runs):
            clicks = [ClickCase(deed, stage, kind) for deed in DEEDS for stage in Stage for kind in kinds]
            return Collected([*cases([run.spots for run in runs], kinds), *clicks], slower)
    most = max(runs, key=lambda run: run.requests)
    needed = "\n".join(f"{times} {spot}" for spot, times in sorted(most.spots.items()))
    raise CannotCollect(f"A run needs {most.requests} requests, {MOST_REQUESTS} at most are allowed:\n{needed}")


def tenth(every: Sequence[AnyCase], seed: int) -> list[AnyCase]:
    """A tenth of them, of every kind; seeds that differ in their last digit give another one."""
    mixed = list(every)
    random.Random(_ORDER).shuffle(mixed)
    return mixed[seed % 10 :: 10]


def seed_of_the_commit() -> int:
    """`SEED`, or what the commit's hash comes to; 0 where there is no git."""
    if os.environ.get("SEED"):
        return int(os.environ["SEED"])
    try:
        told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(told.stdout.strip(), 16)


def run_all(
    crew: Crew, chosen: Sequence[AnyCase], slower: int, templates: Templates, keep_in: Path
) -> Iterator[Outcome]:
    """The outcome of each, as they come."""
    return crew.each(partial(run_case, templates=templates, keep_in=keep_in, slower=slower), chosen)


@dataclass
class Total:
    """What all of them came to."""

    crashes: int = 0
    harms: Counter[Harm] = field(default_factory=Counter)
    not_reached: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one more. A case whose fault never fired is no crash."""
        self.harms.update({finding.harm for finding in outcome.findings})
        self.crashes += outcome.fired
        self.not_reached += not outcome.fired

    @property
    def is_well(self) -> bool:
        """Whether nothing was harmed, and everything reached."""
        return not self.not_reached and not self.harms.total()

    def __str__(self) -> str:
        told = ", ".join(f"{harm}: {self.harms[harm]}" for harm in Harm)
        return f"crashes: {self.crashes}, {told}, not reached: {self.not_reached}"
