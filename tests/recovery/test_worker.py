"""The worker: it begins what there is, as much as it has threads for, and nothing once it is told to stop."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Semaphore
from time import monotonic

import pytest

from recovery.jobs import Job, TaskKind
from recovery.state import NewTask, TaskStatus
from recovery.worker import Worker
from tests.recovery.world import World

THREADS = 3
SOON = 10.0


class Workshop:
    """A worker whose jobs take until somebody lets them end. It never looks by itself: its tick is an hour."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.begun, self.may_end = Semaphore(0), Semaphore(0)
        kind = TaskKind("work", self.do, "working")
        self.worker = Worker("test", world.tools, [kind], world.database.owner, THREADS, lambda job: None)

    def do(self, job: Job) -> None:
        self.begun.release()
        assert self.may_end.acquire(timeout=SOON)

    def plan(self, many: int) -> None:
        with self.world.database.write() as tx:
            tx.tasks.add(NewTask("work", f"work {number}") for number in range(many))

    def begins(self, many: int) -> bool:
        """Whether so many more are begun soon."""
        return all(self.begun.acquire(timeout=SOON) for _ in range(many))

    def many(self, status: TaskStatus) -> int:
        with self.world.database._reading.begin() as connection:
            query = f"SELECT count(*) FROM tasks WHERE status = '{status.value}'"
            return int(connection.exec_driver_sql(query).scalar_one())

    def stop(self) -> None:
        self.world.stopping.set()
        for _ in range(THREADS):
            self.may_end.release()
        self.worker.stop(monotonic() + SOON)


@pytest.fixture
def workshop(make_world: Callable[..., World]) -> Workshop:
    return Workshop(make_world(tick=timedelta(hours=1)))


def test_it_begins_as_many_jobs_as_it_has_threads_and_claims_no_more(workshop: Workshop) -> None:
    workshop.plan(5)
    workshop.worker.start()

    assert workshop.begins(THREADS)
    assert (workshop.many(TaskStatus.RUNNING), workshop.many(TaskStatus.READY)) == (THREADS, 2)
    workshop.stop()


def test_when_a_job_ends_the_next_begins_without_a_tick(workshop: Workshop) -> None:
    workshop.plan(5)
    workshop.worker.start()
    assert workshop.begins(THREADS)
    workshop.may_end.release()
    workshop.may_end.release()

    assert workshop.begins(2)
    workshop.stop()
    assert workshop.many(TaskStatus.DONE) == 5


def test_what_is_planned_begins_as_soon_as_it_is_woken(workshop: Workshop) -> None:
    workshop.worker.start()
    workshop.plan(1)
    workshop.worker.wake()

    assert workshop.begins(1)
    workshop.stop()


def test_what_it_has_just_claimed_when_it_is_told_to_stop_does_not_begin(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, claim = Event(), workshop.worker._claim

    def claim_and_be_told(most: int) -> list[Job]:
        jobs = claim(most)
        workshop.world.stopping.set()
        claimed.set()
        return jobs

    monkeypatch.setattr(workshop.worker, "_claim", claim_and_be_told)
    workshop.plan(2)
    workshop.worker.start()
    assert claimed.wait(SOON)
    workshop.worker.stop(monotonic() + SOON)

    assert not workshop.begun.acquire(blocking=False)
    assert workshop.many(TaskStatus.RUNNING) == 2, "under leases that the process releases when it leaves"
