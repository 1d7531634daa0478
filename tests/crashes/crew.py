"""The processes that play runs, as many at once as keep the cores busy."""

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")

LEAST_A_CORE = 4
MOST_A_CORE = 9
"""A run mostly waits, for ticks and reminders. How many of them keep a core busy depends on the core."""

MOST = 40
"""However many cores there are: half of the runs share one PostgreSQL, and its connections."""

SPARE, NONE_TO_SPARE = 0.12, 0.05
"""Over which share of idle time one more run at once pays, and under which one fewer."""

LOOK_EVERY = 2.0
"""Seconds over which it is measured how idle the cores are."""

_TIMES = Path("/proc/stat")
_IDLE, _WAITS_FOR_DISK = 3, 4


@dataclass(frozen=True)
class AtOnce:
    """How many runs at once: never fewer than `least` while there are any, never more than `most`."""

    least: int
    most: int

    @classmethod
    def as_pays(cls, exactly: int | None = None) -> "AtOnce":
        """What suits this machine; or exactly so many, where that is said."""
        if exactly:
            return cls(exactly, exactly)
        cores = os.cpu_count() or 1
        return cls(min(LEAST_A_CORE * cores, MOST), min(MOST_A_CORE * cores, MOST))

    def fitting(self, many: int, idle: float | None) -> int:
        """How many instead of so many, where the cores were idle for that share of the time."""
        if idle is None:
            return many
        return min(max(many + (idle > SPARE) - (idle < NONE_TO_SPARE), self.least), self.most)


class Crew:
    """Processes that each do one piece of work at a time."""

    def __init__(self, pool: Executor, at_once: AtOnce) -> None:
        self._pool = pool
        self._at_once = at_once

    def all(self, do: Callable[[Work], Result], works: Iterable[Work]) -> list[Result]:
        """What comes of each, in their order; all at once."""
        return list(self._pool.map(do, works))

    def each(self, do: Callable[[Work], Result], works: Iterable[Work]) -> Iterator[Result]:
        """What comes of each, as they come."""
        waiting, running = deque(works), set[Future[Result]]()
        many, cores = self._at_once.least, Cores()
        while waiting or running:
            while waiting and len(running) < many:
                running.add(self._pool.submit(do, waiting.popleft()))
            done, running = wait(running, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            many = self._at_once.fitting(many, cores.idle())


class Cores:
    """What this machine's cores have to do."""

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self._before = _spent()

    def idle(self) -> float | None:
        """The share of their time that they were idle since it was last told, 0 to 1; None before `LOOK_EVERY` is
        over, and where the system does not tell."""
        if time.monotonic() - self._looked < LOOK_EVERY:
            return None
        now = _spent()
        idle, total = (after - before for after, before in zip(now, self._before, strict=True))
        self._looked, self._before = time.monotonic(), now
        return idle / total if total else None


def _spent() -> tuple[int, int]:
    """How long all cores were idle so far, and how long they have been there. `/proc/stat`, in its own unit."""
    if not _TIMES.exists():
        return 0, 0
    times = [int(word) for word in _TIMES.read_text().splitlines()[0].split()[1:9]]
    return times[_IDLE] + times[_WAITS_FOR_DISK], sum(times)


@contextmanager
def crew(at_once: AtOnce) -> Iterator[Crew]:
    """Whatever ends the block early ends the processes, and the bots that they have started."""
    context = multiprocessing.get_context("forkserver")
    # Their bots are forked from the same process.
    context.set_forkserver_preload(["tests.crashes.one", "bot"])
    pool = ProcessPoolExecutor(at_once.most, mp_context=context, initializer=_leave_when_told)
    try:
        yield Crew(pool, at_once)
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
