"""The worker: it begins what there is, as much as it has threads for, and nothing once it is told to stop."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Semaphore
from time import monotonic

import pytest

from recovery.errors import Paced
from recovery.jobs import Job, TaskKind
from recovery.state import NewTask, TaskStatus
from recovery.worker import MOST_CALLING, SPARE_THREADS, Worker
from tests.recovery.world import World

THREADS, MANY_THREADS = 3, 12
SOON = 10.0


class Workshop:
    """A worker whose jobs take until somebody lets them end. It never looks by itself: its tick is an hour."""

    def __init__(self, world: World, threads: int = THREADS, *, fills_calls: bool = False, calls: bool = True) -> None:
        self.world = world
        self.jobs: list[Job] = []
        self.begun, self.may_end = Semaphore(0), Semaphore(0)
        self.refusals: list[Paced] = []
        """What the next jobs end with, at once. The clock goes on by a second after each."""
        self._threads, self._calls = threads, calls
        kind = TaskKind("work", self.do, "working", fills_calls=fills_calls)
        self.worker = Worker("test", world.tools, [kind], world.database.owner, threads, self.after)

    def after(self, job: Job) -> None:
        if job.back_in is not None:
            self.world.clock.pass_by(timedelta(seconds=1))

    def do(self, job: Job) -> None:
        self.jobs.append(job)
        if not self._calls:
            job.calls_made()
            self.worker.wake()
        self.begun.release()
        if self.refusals:
            raise self.refusals.pop()
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
        for _ in range(self._threads):
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


def test_of_jobs_that_fill_the_calls_to_mailgun_it_begins_two(make_world: Callable[..., World]) -> None:
    workshop = Workshop(make_world(tick=timedelta(hours=1)), threads=MANY_THREADS, fills_calls=True)
    workshop.plan(4)
    workshop.worker.start()

    assert workshop.begins(MOST_CALLING)
    assert (workshop.many(TaskStatus.RUNNING), workshop.many(TaskStatus.READY)) == (2, 2)
    workshop.stop()


def test_the_next_of_them_begins_when_one_has_made_its_calls(make_world: Callable[..., World]) -> None:
    workshop = Workshop(make_world(tick=timedelta(hours=1)), threads=MANY_THREADS, fills_calls=True)
    workshop.plan(4)
    workshop.worker.start()
    assert workshop.begins(MOST_CALLING)
    workshop.jobs[0].calls_made()
    workshop.worker.wake()

    assert workshop.begins(1)
    assert workshop.many(TaskStatus.READY) == 1
    workshop.stop()


def test_however_many_of_them_wait_for_slack_others_have_threads(make_world: Callable[..., World]) -> None:
    workshop = Workshop(make_world(tick=timedelta(hours=1)), threads=SPARE_THREADS + 2, fills_calls=True, calls=False)
    workshop.plan(4)
    workshop.worker.start()

    assert workshop.begins(2)
    assert workshop.many(TaskStatus.READY) == 2
    workshop.stop()


def test_with_few_threads_one_of_them_begins(make_world: Callable[..., World]) -> None:
    workshop = Workshop(make_world(tick=timedelta(hours=1)), threads=1, fills_calls=True)
    workshop.plan(1)
    workshop.worker.start()

    assert workshop.begins(1)
    workshop.stop()


def test_what_the_bots_own_pace_put_off_begins_again_without_a_tick(workshop: Workshop) -> None:
    workshop.refusals = [Paced("one at a time", seconds=0.1)]
    workshop.plan(1)
    workshop.worker.start()

    assert workshop.begins(2)
    workshop.stop()
    assert workshop.many(TaskStatus.DONE) == 1


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
