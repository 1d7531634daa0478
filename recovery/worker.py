"""The worker: claims what can be claimed, runs it, and sees to it that nothing is lost on the way."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import partial
from itertools import takewhile
from threading import Event, Lock, Thread

from recovery.errors import LeaseLost, OutsideError, RecoveryError, Uncertain
from recovery.jobs import Job, Stopping, TaskKind
from recovery.state import NewTask
from recovery.store import Batch
from recovery.tools import Tools

log = logging.getLogger(__name__)


class Worker:
    """One claiming loop with a few threads. `bot.py` runs two: one for quick kinds, one for the rest."""

    def __init__(
        self,
        name: str,
        tools: Tools,
        kinds: Iterable[TaskKind],
        owner: int,
        threads: int,
        after: Callable[[Job], None],
    ) -> None:
        self._name = name
        self._tools = tools
        self._kinds: Mapping[str, TaskKind] = {kind.name: kind for kind in kinds}
        self._batches = {
            kind.name: Batch(min(kind.batch, tools.policy.batch), kind.fits)
            for kind in self._kinds.values()
            if kind.batch > 1
        }
        self._owner = owner
        self._threads = threads
        self._after = after
        self._wake = Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._running: set[Future[None]] = set()
        self._owed: list[NewTask] = []
        self._owing = Lock()
        self._loop = Thread(target=self._claim_until_stopped, name=f"{name}-claims", daemon=True)
        self.last_round: datetime | None = None

    def start(self) -> None:
        """Begin claiming."""
        self._loop.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self, deadline: float) -> None:
        """Claim nothing more, and wait for what runs until `deadline` (`time.monotonic`).

        `tools.stopping` must be set before. What still runs then is taken over after a restart.
        """
        self._wake.set()
        self._loop.join(timeout=max(deadline - time.monotonic(), 0))
        self._pool.shutdown(wait=False, cancel_futures=True)
        _, running = wait(self._running, timeout=max(deadline - time.monotonic(), 0))
        if running:
            log.warning("%d jobs were still running at the end; they will be taken over", len(running))

    def _claim_until_stopped(self) -> None:
        tick = self._tools.policy.tick.total_seconds()
        while not self._tools.stopping.is_set():
            self._wake.clear()
            self._running = {future for future in self._running if not future.done()}
            for job in self._claim(self._threads - len(self._running)):
                if self._tools.stopping.is_set():
                    # With nothing begun; the leases of these are released.
                    break
                future = self._pool.submit(self._run, job)
                self._running.add(future)
                future.add_done_callback(lambda _: self._wake.set())
            self._wake.wait(tick)

    def _claim(self, most: int) -> list[Job]:
        """As many jobs as there are, up to `most`."""
        if most < 1:
            return []
        now = self._tools.clock.now()
        until = now + self._tools.policy.lease
        try:
            self._plan_owed()
            with self._tools.store.write() as tx:
                claim = partial(tx.tasks.claim, list(self._kinds), self._batches, self._owner, now, until)
                claimed = list(takewhile(bool, (claim() for _ in range(most))))
        except RecoveryError as error:
            log.warning("%s could not claim work: %s", self._name, error)
            return []
        except Exception:  # a process that listens and does nothing any more is worse than one that tries again
            log.exception("a defect in claiming work")
            return []
        self.last_round = now
        return [Job(self._tools, self._kinds[tasks[0].kind], tasks, until) for tasks in claimed]

    def _plan_owed(self) -> None:
        """Plan what follows from leases that were lost. Kept until the database has it."""
        with self._owing:
            if self._owed:
                with self._tools.store.write() as tx:
                    tx.tasks.add(self._owed)
                self._owed.clear()

    def _run(self, job: Job) -> None:
        try:
            try:
                self._attempt(job)
                self._after(job)
            except LeaseLost as error:
                log.warning("lease lost: %s; %d follow-ups", error, len(job.follow_ups))
                with self._owing:
                    self._owed += job.follow_ups
                self._plan_owed()
        except RecoveryError as error:
            # The database is away: the lease runs out, and the tasks are claimed again.
            log.warning("%s was not recorded: %s", job.kind.name, error)

    def _attempt(self, job: Job) -> None:
        try:
            job.kind.run(job)
            job.finish()
        except OutsideError as error:
            log.info("%s: %s", job.kind.name, error)
            job.end_with(error)
        except Stopping:
            job.put_off()
        except RecoveryError:
            raise
        except Exception:  # a defect must not stop the worker: its tasks are tried again, then shown as failed
            log.exception("a defect in %s", job.kind.name)
            job.end_with(Uncertain("the bot met a defect of its own; its log has the details"))
