"""Writes that must be done within a second or not at all: a listener's, before it acknowledges."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from storage.database import Database
from storage.engines import BOUNDED_PLACES, POOL
from storage.errors import DatabaseUnavailable
from tests.databases import migrated_url
from tests.storage.given import an_incident, new_request

ALL = POOL["pool_size"] + POOL["max_overflow"]


@contextmanager
def given_up_soon() -> Iterator[None]:
    """What is inside raises `DatabaseUnavailable`, long before the ten seconds that others are given."""
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        yield
    assert time.monotonic() - began < 5


def keep(database: Database, within: float, dedupe: str = "d1") -> None:
    with database.write(within=within) as tx:
        assert tx.requests.add(new_request(dedupe)) is not None


def test_a_bounded_write_is_stored_when_it_returns(url: str, opened: Callable[[str], Database]) -> None:
    keep(opened(url), within=5)
    with opened(url).write() as tx:
        assert tx.requests.add(new_request("d1")) is None


def test_a_bounded_write_gets_a_connection_though_others_have_all_the_shared_ones(database: Database) -> None:
    keep(database, within=5, dedupe="the first one connects")
    with ExitStack() as others:
        for _ in range(ALL):
            others.enter_context(database.read())
        began = time.monotonic()
        keep(database, within=1)
        assert time.monotonic() - began < 1


def test_a_bounded_write_gives_up_when_other_bounded_writes_have_all_places(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    database = opened(postgresql_url)
    with ExitStack() as others:
        for _ in range(BOUNDED_PLACES):
            others.enter_context(database.write(within=60))
        with given_up_soon():
            keep(database, within=0.5)
    keep(database, within=5)


def test_a_bounded_write_gives_up_while_another_process_holds_what_it_needs(
    url: str, opened: Callable[[str], Database]
) -> None:
    here, there = opened(url), opened(url)
    incident = an_incident(there)
    with there.write() as theirs:
        theirs.incidents.set(incident.id, ticket="theirs")
        with given_up_soon(), here.write(within=0.5) as ours:
            ours.incidents.set(incident.id, ticket="ours")
    with here.write(within=5) as ours:
        assert ours.incidents.get(incident.id).ticket == "theirs"
        ours.incidents.set(incident.id, ticket="ours")


def test_on_sqlite_a_bounded_write_gives_up_while_another_thread_writes(
    tmp_path: Path, opened: Callable[[str], Database]
) -> None:
    database = opened(migrated_url("sqlite", tmp_path))
    with database.write(), given_up_soon():
        keep(database, within=0.5)
    keep(database, within=5)


def test_a_bounded_write_whose_time_is_over_stores_nothing(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    database = opened(postgresql_url)
    with given_up_soon(), database.write(within=0.3) as tx:
        tx.requests.add(new_request("d1"))
        time.sleep(0.4)
        tx.requests.add(new_request("d2"))
    keep(database, within=5, dedupe="d1")


def test_a_bounded_write_does_not_wait_long_for_a_server_that_does_not_answer(
    opened: Callable[[str], Database],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with given_up_soon():
            keep(opened(f"postgresql://u:p@127.0.0.1:{port}/name"), within=1)
