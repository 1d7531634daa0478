"""What becomes of a process's tasks when it dies, hangs, or loses its connection."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from recovery.state import NewTask, TaskStatus
from storage import engines, processes
from storage.database import Database
from storage.errors import AnotherProcess, DatabaseUnavailable
from tests.databases import drop_connections, migrated_url
from tests.storage.given import LEASE, NOON, SECOND, a_step, an_incident, at_once, claim, plan

ROOT = Path(__file__).parents[2]


@contextmanager
def claimer(url: str) -> Iterator[subprocess.Popen[str]]:
    """The process of `tests.storage.claimer`; killed at the end in any case."""
    command = [sys.executable, "-m", "tests.storage.claimer", url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def eventually(claimed: Callable[[], list[int]]) -> list[int]:
    """What it returns once that is something, within five seconds: a server needs a moment to see a death."""
    deadline = time.monotonic() + 5
    while not (ids := claimed()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return ids


def test_a_killed_process_leaves_its_task_claimable_at_once(url: str, opened: Callable[[str], Database]) -> None:
    database = opened(url)
    plan(database, NewTask("work", "k"))
    with claimer(url) as process:
        task_id = int(first_line(process))
        process.kill()
        process.wait()
    database.hold()
    assert eventually(lambda: [task.id for task in claim(database)]) == [task_id]


def test_a_living_process_keeps_its_task(postgresql_url: str, opened: Callable[[str], Database]) -> None:
    database = opened(postgresql_url)
    database.hold()
    plan(database, NewTask("work", "k"))
    with claimer(postgresql_url) as process:
        assert first_line(process)
        assert claim(database) == []
        assert len(claim(database, now=NOON + timedelta(hours=1))) == 1


def test_a_second_process_on_an_sqlite_file_refuses_to_start(tmp_path: Path) -> None:
    url = migrated_url("sqlite", tmp_path)
    with Database.open(url) as database:
        database.hold()
        with claimer(url) as process:
            _, why = process.communicate(timeout=20)
            assert process.returncode == 1
            assert "Another process (pid " in why and "PostgreSQL" in why and "Traceback" not in why


def test_two_databases_on_an_sqlite_file_cannot_both_hold_it(tmp_path: Path, opened: Callable[[str], Database]) -> None:
    url = migrated_url("sqlite", tmp_path)
    first, second = opened(url), opened(url)
    first.hold()
    with pytest.raises(AnotherProcess):
        second.hold()
    first.close()
    second.hold()


def test_the_lock_is_not_needed_to_read(tmp_path: Path, opened: Callable[[str], Database]) -> None:
    url = migrated_url("sqlite", tmp_path)
    opened(url).hold()
    with opened(url).read() as tx:
        assert tx.incidents.latest() is None


def test_holding_again_is_harmless(database: Database) -> None:
    database.hold()
    database.hold()


def test_who_lost_a_task_to_another_process_learns_it(postgresql_url: str, opened: Callable[[str], Database]) -> None:
    slow, quick = opened(postgresql_url), opened(postgresql_url)
    slow.hold()
    quick.hold()
    plan(slow, NewTask("work", "k"))
    tasks = claim(slow)
    assert claim(quick) == []
    taken = claim(quick, now=NOON + LEASE)
    with slow.write() as tx:
        assert not tx.tasks.holds(tasks)
    with quick.write() as tx:
        assert tx.tasks.holds(taken)


def test_a_process_takes_its_lock_again_after_the_server_dropped_it(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    dropped, other = opened(postgresql_url), opened(postgresql_url)
    dropped.hold()
    plan(dropped, NewTask("work", "k1"), NewTask("work", "k2"))
    claim(dropped)
    drop_connections(postgresql_url)
    other.hold()
    dropped.hold()
    assert [task.key for task in claim(other)] == ["k2"]
    assert claim(other) == []


def test_a_server_that_dropped_everybody_does_not_make_everybody_look_dead(
    postgresql_url: str, opened: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "DOUBT", 0.5)
    working, other = opened(postgresql_url), opened(postgresql_url)
    working.hold()
    other.hold()
    plan(working, NewTask("work", "k"))
    claim(working)
    drop_connections(postgresql_url)
    assert claim(other) == []
    other.hold()
    assert claim(other) == []
    # One that has not come back by then is dead.
    assert eventually(lambda: [task.id for task in claim(other)])


def test_a_process_that_stops_in_a_transaction_holds_others_up_for_seconds_only(
    postgresql_url: str, opened: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LEFT_OPEN", 1)
    stopped, other = opened(postgresql_url), opened(postgresql_url)
    incident = an_incident(other)
    with pytest.raises(DatabaseUnavailable), stopped.write() as tx:
        tx.incidents.get(incident.id, lock=True)
        with other.write() as theirs:
            theirs.incidents.set(incident.id, ticket="theirs")
        tx.incidents.set(incident.id, ticket="too late")
    with other.read() as tx:
        assert tx.incidents.get(incident.id).ticket == "theirs"


def test_a_closed_database_lets_its_leases_go(postgresql_url: str, opened: Callable[[str], Database]) -> None:
    leaving, staying = opened(postgresql_url), opened(postgresql_url)
    leaving.hold()
    plan(leaving, NewTask("work", "k"))
    claim(leaving)
    leaving.close()
    assert eventually(lambda: [task.id for task in claim(staying)])


def test_a_task_that_is_being_recorded_is_not_taken_over(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    slow, quick = opened(postgresql_url), opened(postgresql_url)
    plan(slow, NewTask("work", "k"))
    tasks = claim(slow)
    with slow.write() as tx:
        assert tx.tasks.holds(tasks)
        assert claim(quick, now=NOON + LEASE) == []
        tx.tasks.end(tasks[0], TaskStatus.DONE, NOON)
    assert claim(quick, now=NOON + LEASE) == []


def test_two_processes_never_claim_from_one_lane_at_once(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    one, two = opened(postgresql_url), opened(postgresql_url)
    step = a_step(one)
    plan(one, *(NewTask("work", f"k{n}", lane="a", step_id=step.id) for n in (1, 2)))
    [first] = claim(one)
    with one.write() as tx:
        tx.tasks.end(first, TaskStatus.FAILED, NOON)
    with one.write() as claiming:
        assert [task.key for task in claiming.tasks.claim(["work"], {}, one.owner, NOON, NOON + LEASE)] == ["k2"]
        with two.write() as tx:
            tx.tasks.retry_failed(step.id, NOON)
        # The first of the lane is ready again, and that the second runs is not committed yet.
        assert claim(two) == []
    one.hold()
    assert claim(two) == []


def test_processes_that_work_through_lanes_keep_to_their_order(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    databases = [opened(postgresql_url) for _ in range(3)]
    for database in databases:
        database.hold()
    plan(databases[0], *(NewTask("work", f"{n}", lane=f"lane {n % 3}", subject=f"{n % 3}") for n in range(45)))
    running: set[str] = set()
    order: dict[str, list[int]] = {"0": [], "1": [], "2": []}

    def work(database: Database) -> None:
        idle_until = time.monotonic() + 0.5
        while time.monotonic() < idle_until:
            for task in claim(database, lease=timedelta(hours=1), work=2):
                assert task.subject not in running
                running.add(task.subject)
                order[task.subject].append(int(task.key))
                running.remove(task.subject)
                with database.write() as tx:
                    tx.tasks.end(task, TaskStatus.DONE, NOON)
                idle_until = time.monotonic() + 0.5

    at_once([lambda database=database: work(database) for database in databases for _ in range(2)])
    assert all(len(keys) == 15 and keys == sorted(keys) for keys in order.values())


def test_a_lane_that_another_process_claims_from_does_not_hold_up_others(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    one, two = opened(postgresql_url), opened(postgresql_url)
    plan(one, NewTask("work", "a1", lane="a"), NewTask("work", "a2", lane="a"), NewTask("work", "b1", lane="b"))
    with one.write() as claiming, ThreadPoolExecutor(1) as pool:
        claiming.tasks.claim(["work"], {}, one.owner, NOON, NOON + SECOND)
        assert [task.key for task in pool.submit(claim, two).result(timeout=10)] == ["b1"]
