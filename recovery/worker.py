"""The worker: claims what can be claimed, runs it, and sees to it that nothing is lost on the way."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from threading import Event, Lock, Thread

from recovery.errors import LeaseLost, OutsideError, RecoveryError, Uncertain
from recovery.jobs import Job, Stopping, TaskKind
from recovery.state import NewTask
from recovery.store import Batch, Transaction
from recovery.tools import Tools

log = logging.getLogger(__name__)

MOST_CALLING = 2
"""Jobs that call Mailgun as often as they may: one keeps all calls busy, the next has them from there. What a process
claims beyond that other processes could do meanwhile."""

SPARE_THREADS = 4
"""Threads that such jobs leave to others, save the first of them: they may all be waiting for Slack's pace."""


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
        self._running: dict[Future[None], Job] = {}
        self._owed: list[NewTask] = []
        self._owing = Lock()
        self._put_off: list[float] = []
        self._putting_off = Lock()
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
            self._running = {future: job for future, job in self._running.items() if not future.done()}
            looked_at = time.monotonic()
            for job in self._claim(self._threads - len(self._running)):
                if self._tools.stopping.is_set():
                    # With nothing begun; the leases of these are released.
                    break
                future = self._pool.submit(self._run, job)
                self._running[future] = job
                future.add_done_callback(lambda _: self._wake.set())
            self._wake.wait(self._pause(tick, looked_at))

    def _pause(self, tick: float, looked_at: float) -> float:
        """Until the next look: a tick, or less where the pace has room for a task before that, since the last look or
        from now on."""
        with self._putting_off:
            self._put_off = [at for at in self._put_off if at > looked_at]
            return max(min([tick, *(at - time.monotonic() for at in self._put_off)]), 0.0)

    def _claim(self, most: int) -> list[Job]:
        """As many jobs as there are, up to `most`."""
        if most < 1:
            return []
        now = self._tools.clock.now()
        until = now + self._tools.policy.lease
        try:
            self._plan_owed()
            with self._tools.store.write() as tx:
                claimed = self._claimed(tx, most, now, until)
        except RecoveryError as error:
            log.warning("%s could not claim work: %s", self._name, error)
            return []
        except Exception:  # a process that listens and does nothing any more is worse than one that tries again
            log.exception("a defect in claiming work")
            return []
        self.last_round = now
        return claimed

    def _claimed(self, tx: Transaction, most: int, now: datetime, until: datetime) -> list[Job]:
        jobs: list[Job] = []
        while len(jobs) < most:
            kinds = self._with_room([*self._running.values(), *jobs])
            tasks = tx.tasks.claim(kinds, self._batches, self._owner, now, until)
            if not tasks:
                break
            jobs.append(Job(self._tools, self._kinds[tasks[0].kind], tasks, until))
        return jobs

    def _with_room(self, jobs: Sequence[Job]) -> list[str]:
        """The kinds of which one more may be claimed beside these jobs."""
        calling = sum(job.is_calling for job in jobs)
        holding = sum(job.kind.fills_calls for job in jobs)
        is_full = calling >= MOST_CALLING or holding >= max(self._threads - SPARE_THREADS, 1)
        return [name for name, kind in self._kinds.items() if not (is_full and kind.fills_calls)]

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
                if job.back_in is not None:
                    with self._putting_off:
                        self._put_off.append(time.monotonic() + job.back_in)
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
