"""The engine: two workers that do what is due, and a scheduler that wakes them. It knows no Slack."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event, Thread

from apscheduler.schedulers.background import BackgroundScheduler

from recovery.due import plan_due
from recovery.errors import RecoveryError
from recovery.kinds import all_task_kinds
from recovery.leaks import LeakScanner
from recovery.policy import Policy
from recovery.ports import Directory, Mailgun, Messenger, Vault
from recovery.progress import settle_after
from recovery.steps import STEPS
from recovery.tools import Tools
from recovery.worker import Worker
from storage.clock import DatabaseClock
from storage.database import Database

log = logging.getLogger(__name__)

QUICK_THREADS = 8
SLOW_THREADS = 12
MEASURE_CLOCK_EVERY = 60.0
HOLD_LOCK_EVERY = 2.0
JUMP = timedelta(seconds=5)
"""By how much a clock does not drift in a minute."""

LONGEST_WAIT = timedelta(minutes=1)
"""What a task waits for at most once the clock was set: longer than any pause between two looks or tries."""

LEAVE_WITHIN = 0.5
"""Seconds that a database gets to release the leases. One that does not answer must not keep the process: they run
out by themselves then."""


class Engine:
    """What a process does beside listening: claim tasks, run them, and look every `TICK` for what is due."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        vault: Vault,
        mailgun: Mailgun,
        messenger: Messenger,
        directory: Directory,
        leaks: LeakScanner,
        policy: Policy,
    ) -> None:
        self.stopping = Event()
        self._database = database
        self._tools = Tools(
            store=database,
            mailgun=mailgun,
            messenger=messenger,
            directory=directory,
            vault=vault,
            clock=clock,
            policy=policy,
            leaks=leaks,
            calls=ThreadPoolExecutor(policy.concurrency, thread_name_prefix="mailgun"),
            wake=self.wake,
            stopping=self.stopping,
        )
        kinds = all_task_kinds(STEPS)
        settle = settle_after(self._tools, STEPS)
        quick = [kind for kind in kinds if kind.quick]
        slow = [kind for kind in kinds if not kind.quick]

        self._workers = [
            Worker("desk", self._tools, quick, database.owner, QUICK_THREADS, settle),
            Worker("floor", self._tools, slow, database.owner, SLOW_THREADS, settle),
        ]
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._every(policy.tick.total_seconds(), "what is due", lambda: plan_due(self._tools, STEPS))
        self._every(MEASURE_CLOCK_EVERY, "the clock", lambda: keep_time(clock, database, policy))
        self._every(HOLD_LOCK_EVERY, "the process's lock", database.hold)

    def start(self) -> None:
        """Begin; what an earlier process left unfinished is taken up first."""
        self._database.listen(self.wake)
        self._scheduler.start()
        for worker in self._workers:
            worker.start()

    def wake(self) -> None:
        """There may be something to do."""
        for worker in self._workers:
            worker.wake()

    def last_round(self) -> datetime | None:
        """When every worker has last looked for work and been answered; None before the first time."""
        rounds = [worker.last_round for worker in self._workers]
        return None if None in rounds else min(at for at in rounds if at is not None)

    def stop(self, deadline: float) -> None:
        """Claim nothing more, wait for what runs until `deadline` (`time.monotonic`), then let go of the leases and
        of the database, which may take `LEAVE_WITHIN` seconds more."""
        self.stopping.set()
        self._scheduler.shutdown(wait=False)
        for worker in self._workers:
            worker.stop(deadline)
        # In a thread: a database that is silent, rather than down, holds up whoever asks it.
        leaving = Thread(target=self._leave_database, daemon=True)
        leaving.start()
        leaving.join(LEAVE_WITHIN)
        if leaving.is_alive():
            log.warning("the database does not answer; the leases run out by themselves")

    def _leave_database(self) -> None:
        try:
            with self._database.write(within=LEAVE_WITHIN) as tx:
                tx.tasks.release(self._database.owner)
            self._database.close()
        except RecoveryError as error:
            log.warning("the leases could not be released: %s", error)

    def _every(self, seconds: float, what: str, do: Callable[[], object]) -> None:
        job = telling_once(what, do)
        self._scheduler.add_job(job, "interval", seconds=seconds, id=what, max_instances=1, coalesce=True)


def telling_once(what: str, do: Callable[[], object]) -> Callable[[], None]:
    """`do`, for every few seconds: when it fails the log says so once for each reason in a row, and once when it
    works again."""
    failing: str | None = None

    def job() -> None:
        nonlocal failing
        before, failing = failing, None
        try:
            do()
        except RecoveryError as error:
            failing = str(error)
            if failing != before:
                log.warning("%s could not be looked after: %s", what, failing)
        else:
            if before:
                log.info("%s is looked after again", what)

    return job


def keep_time(clock: DatabaseClock, database: Database, policy: Policy) -> None:
    """Measure the clock. Where it was set, what runs keeps its lease, and what waits does not wait for hours."""
    moved = clock.measure()
    if abs(moved) < JUMP:
        return
    way = "forward" if moved > JUMP else "back"
    log.warning(
        "the clock was set %s by %.0f seconds; what waits goes on within a minute", way, abs(moved.total_seconds())
    )
    now = clock.now()
    with database.write() as tx:
        tx.tasks.keep_time(database.owner, now + policy.lease, now + LONGEST_WAIT)
