"""The crash matrix: the cases are collected from unharmed runs, then each is run, as many at once as pays."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.crashes.cases import MOST_REQUESTS, Case, cases
from tests.crashes.clicks import DEEDS, ClickCase, Stage
from tests.crashes.databases import Templates
from tests.crashes.findings import Harm
from tests.crashes.one import Outcome, run_case, run_unharmed

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT_IN = ROOT / ".crashes"
"""Where the logs of runs that went wrong are."""

COLLECTING_RUNS = 3
SLOWER = (1, 2, 4)
"""How many times slower the ticks are, one after the other until the collecting runs are fit."""

AT_ONCE_A_CORE = 6
"""A run mostly waits, for ticks and reminders: six of them keep a core busy."""

_ORDER = 20240613
"""Shuffles the cases the same way each time, so that a tenth has some of every kind."""

AnyCase = Case | ClickCase


class CannotCollect(Exception):
    """Runs without any crash went wrong, or needed too much. The text says how."""


@contextmanager
def workers(at_once: int | None = None) -> Iterator[Executor]:
    """Processes to run cases in. Whatever ends the block early ends them, and the bots that they have started."""
    context = multiprocessing.get_context("forkserver")
    # The workers' bots are forked from the same process.
    context.set_forkserver_preload(["tests.crashes.one", "bot"])
    many = at_once or AT_ONCE_A_CORE * (os.cpu_count() or 1)
    pool = ProcessPoolExecutor(many, mp_context=context, initializer=_leave_when_told)
    try:
        yield pool
    except BaseException:
        # Ctrl-C among them: nobody wants to wait for a dozen recoveries then.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _leave_when_told() -> None:
    """A worker leaves on SIGTERM through its `with` blocks; Ctrl-C is for the process that it works for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@dataclass(frozen=True)
class Collected:
    """Every case, in the order of their names; and how many times slower than usual the ticks had to be."""

    cases: list[AnyCase]
    slower: int


def collect(pool: Executor, templates: Templates) -> Collected:
    """The cases, from unharmed runs. Raises `CannotCollect`.

    Where something else holds the machine up, a tick falls into the midst of what people do at once, and costs a
    few requests: then the same is done again with slower ticks. Each of the runs that count must need few enough.
    """
    kinds = list(templates.urls)
    databases = [kinds[number % len(kinds)] for number in range(COLLECTING_RUNS)]
    for slower in SLOWER:
        runs = list(pool.map(run_unharmed, databases, [templates] * COLLECTING_RUNS, [slower] * COLLECTING_RUNS))
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
    pool: Executor, chosen: Sequence[AnyCase], slower: int, templates: Templates, keep_in: Path
) -> Iterator[Outcome]:
    """The outcome of each, as they come."""
    waiting = [pool.submit(run_case, case, templates, keep_in, slower) for case in chosen]
    for done in as_completed(waiting):
        yield done.result()


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
