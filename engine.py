"""The engine: two workers that do what is due, and a scheduler that wakes them. It knows no Slack."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event

from apscheduler.schedulers.background import BackgroundScheduler

from recovery.due import plan_due
from recovery.errors import RecoveryError
from recovery.kinds import all_task_kinds
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
HOLD_LOCK_EVERY = 5.0


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
        self._every(MEASURE_CLOCK_EVERY, "the clock", clock.measure)
        self._every(HOLD_LOCK_EVERY, "the process's lock", database.hold)

    def start(self) -> None:
        """Begin; what an earlier process left unfinished is taken up first."""
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
        """Claim nothing more, wait for what runs until `deadline` (`time.monotonic`), and release the leases."""
        self.stopping.set()
        self._scheduler.shutdown(wait=False)
        for worker in self._workers:
            worker.stop(deadline)
        try:
            # Bounded: a database that does not answer must not keep the process; its leases run out by themselves.
            with self._database.write(within=max(deadline - time.monotonic(), 1.0)) as tx:
                tx.tasks.release(self._database.owner)
        except RecoveryError as error:
            log.warning("the leases could not be released: %s", error)

    def _every(self, seconds: float, what: str, do: Callable[[], object]) -> None:
        def job() -> None:
            try:
                do()
            except RecoveryError as error:
                log.warning("%s could not be looked after: %s", what, error)

        self._scheduler.add_job(job, "interval", seconds=seconds, id=what, max_instances=1, coalesce=True)
