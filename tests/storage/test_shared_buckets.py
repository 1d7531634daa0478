"""Buckets that the processes on one PostgreSQL share: one at a time changes them, and no dead one holds them up."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import DateTime, bindparam

from recovery.buckets import Bucket
from recovery.errors import Paced
from storage.database import Database
from storage.shared_buckets import SharedBuckets
from tests.databases import drop_connections
from tests.storage.given import MINUTE, NOON, SECOND, at_once

LONGEST_CALL = 8 * SECOND

Process = Callable[[], SharedBuckets]


class Server:
    """The time of the server, which stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def shared_by(self, database: Database) -> SharedBuckets:
        told = bindparam("servers_time", callable_=lambda: self.now, type_=DateTime(timezone=True))
        return SharedBuckets(database, LONGEST_CALL, told)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def process(postgresql_url: str, opened: Callable[[str], Database], server: Server) -> Process:
    """Makes one more process on one database."""
    return lambda: server.shared_by(opened(postgresql_url))


@pytest.fixture
def two(process: Process) -> Sequence[SharedBuckets]:
    return [process(), process()]


def change(buckets: SharedBuckets, key: str = "here", **fields: object) -> None:
    with buckets.use(key) as (bucket, _):
        for name, value in fields.items():
            setattr(bucket, name, value)


def seen(buckets: SharedBuckets, key: str = "here") -> Bucket:
    with buckets.use(key) as (bucket, _):
        return bucket


def seconds(moment: datetime) -> float:
    return moment.timestamp()


def test_a_bucket_that_nobody_used_is_full(two: Sequence[SharedBuckets]) -> None:
    assert seen(two[0]) == Bucket()


def test_what_one_process_changes_all_others_see(two: Sequence[SharedBuckets]) -> None:
    now = seconds(NOON)
    change(two[0], full_at=now + 0.1, closed_until=now + 30, on_the_way=[now], line={"handover 1": now + 2.3})
    assert seen(two[1]) == Bucket(now + 0.1, now + 30, [now], {"handover 1": now + 2.3})


def test_each_key_has_a_bucket_of_its_own(two: Sequence[SharedBuckets]) -> None:
    change(two[0], full_at=5.0)
    assert seen(two[1], "there") == Bucket()


def test_one_at_a_time_has_a_bucket_over_all_threads_and_processes(process: Process) -> None:
    def count(buckets: SharedBuckets) -> None:
        for _ in range(5):
            with buckets.use("here") as (bucket, _):
                bucket.full_at += 1

    processes = [process() for _ in range(4)]
    at_once([lambda buckets=each: count(buckets) for each in processes * 2])
    assert seen(processes[0]).full_at == 40


def test_every_process_is_told_the_servers_time(two: Sequence[SharedBuckets], server: Server) -> None:
    server.now += MINUTE
    for buckets in two:
        with buckets.use("here") as (_, now):
            assert now == seconds(NOON + MINUTE)


def test_by_itself_the_servers_clock_goes_on(postgresql_url: str, opened: Callable[[str], Database]) -> None:
    buckets = SharedBuckets(opened(postgresql_url), LONGEST_CALL)
    with buckets.use("here") as (_, before):
        pass
    with buckets.use("here") as (_, after):
        assert after > before


def test_when_the_block_raises_nothing_is_kept(two: Sequence[SharedBuckets]) -> None:
    with pytest.raises(ValueError, match="no"), two[0].use("here") as (bucket, _):
        bucket.full_at = 5.0
        raise ValueError("no")
    assert seen(two[1]) == Bucket()


def test_a_call_whose_process_died_is_on_the_way_no_longer_than_a_call_may_take(
    two: Sequence[SharedBuckets], server: Server
) -> None:
    change(two[0], on_the_way=[seconds(NOON), seconds(NOON + 5 * SECOND)])
    server.now += LONGEST_CALL
    assert seen(two[1]).on_the_way == [seconds(NOON + 5 * SECOND)]


def test_when_the_servers_clock_was_set_back_nobody_waits_until_it_has_caught_up(
    two: Sequence[SharedBuckets], server: Server
) -> None:
    change(two[0], full_at=seconds(NOON + SECOND))
    server.now -= timedelta(hours=1)
    assert seen(two[1]) == Bucket()


def test_a_clock_that_is_set_back_a_little_forgets_nothing(two: Sequence[SharedBuckets], server: Server) -> None:
    change(two[0], full_at=seconds(NOON + SECOND))
    server.now -= SECOND
    assert seen(two[1]).full_at == seconds(NOON + SECOND)


def test_a_bucket_that_another_process_does_not_give_back_has_no_room(two: Sequence[SharedBuckets]) -> None:
    with two[0].use("here"), pytest.raises(Paced), two[1].use("here"):
        pass
    seen(two[1])


def test_a_thread_that_waits_for_another_gives_up_as_well(two: Sequence[SharedBuckets]) -> None:
    with two[0].use("here"), pytest.raises(Paced), two[0].use("there"):
        pass
    seen(two[0], "there")


def test_while_the_database_is_away_no_bucket_has_room(server: Server, opened: Callable[[str], Database]) -> None:
    nobody_there = opened("postgresql://bot@127.0.0.1:1/bot")
    with pytest.raises(Paced, match="The database cannot be used"), server.shared_by(nobody_there).use("here"):
        pass


def test_a_database_that_was_away_is_used_again(two: Sequence[SharedBuckets], postgresql_url: str) -> None:
    change(two[0], full_at=5.0)
    drop_connections(postgresql_url)
    assert seen(two[0]).full_at == 5


def test_a_commit_that_fails_is_told_as_having_no_room(two: Sequence[SharedBuckets], postgresql_url: str) -> None:
    with pytest.raises(Paced), two[0].use("here") as (bucket, _):
        bucket.full_at = 5.0
        drop_connections(postgresql_url)
    assert seen(two[1]) == Bucket()
