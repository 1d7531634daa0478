"""Requests are stored before they are acknowledged: many at once in one transaction, and none at another's expense."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from drill.waiting import wait_for
from recovery.actions import Ask
from recovery.errors import RecoveryError, TooBusy
from recovery.keeping import Keeper
from recovery.state import NewRequest, Source
from storage.database import Database
from storage.transaction import Transaction
from tests.databases import KINDS, borrowed_url

SOON = 10.0
MANY = 20
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_request(name: str, **about: str) -> NewRequest:
    return NewRequest(name, Source.COMMAND, Ask.TYPED, "UANN", "T", "C", NOON, about=about)


class Gate:
    """A store whose first transaction waits until it is let through; it counts them all."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.transactions = 0
        self.is_begun, self.may_go_on = Event(), Event()

    @contextmanager
    def write(self, within: float | None = None) -> Iterator[Transaction]:
        self.transactions += 1
        first = not self.is_begun.is_set()
        self.is_begun.set()
        if first:
            assert self.may_go_on.wait(SOON)
        with self.database.write(within) as tx:
            yield tx


class Crowd:
    """Many threads that keep a request each: the first begins alone, the others come while it is being stored."""

    def __init__(self, gate: Gate, clock: Callable[[], float]) -> None:
        self.gate = gate
        self.keeper = Keeper(gate, clock)
        self.pool = ThreadPoolExecutor(MANY + 1)

    def keep(self, first: NewRequest, others: list[NewRequest]) -> list[Future[None]]:
        kept = [self.pool.submit(self.keeper.keep, first, 1.0)]
        assert self.gate.is_begun.wait(SOON)
        kept += [self.pool.submit(self.keeper.keep, each, 1.0) for each in others]
        wait_for("the others to wait", lambda: len(self.keeper._waiting) == len(others))
        self.gate.may_go_on.set()
        return kept

    def stored(self) -> set[str]:
        """What the requests that are stored are called, each of which has the task that judges it."""
        with self.gate.database._reading.begin() as connection:
            query = "SELECT dedupe FROM requests r JOIN tasks t ON t.key = 'judge:' || r.id"
            return set(connection.exec_driver_sql(query).scalars())


@pytest.fixture
def time() -> list[float]:
    return [0.0]


@pytest.fixture(params=KINDS)
def crowd(request: pytest.FixtureRequest, tmp_path: Path, time: list[float]) -> Iterator[Crowd]:
    with borrowed_url(request.param, tmp_path) as url, Database.open(url) as database:
        database.hold()
        yield Crowd(Gate(database), lambda: time[0])


def test_what_comes_while_one_is_stored_is_stored_together(crowd: Crowd) -> None:
    kept = crowd.keep(a_request("first"), [a_request(f"r{number}") for number in range(MANY)])

    assert [each.result(SOON) for each in kept] == [None] * (MANY + 1)
    assert crowd.stored() == {"first", *(f"r{number}" for number in range(MANY))}
    assert crowd.gate.transactions == 2


def test_the_same_request_is_stored_once(crowd: Crowd) -> None:
    kept = crowd.keep(a_request("first"), [a_request("twice"), a_request("twice")])

    assert [each.result(SOON) for each in kept] == [None] * 3
    assert crowd.stored() == {"first", "twice"}


def test_what_the_database_does_not_take_fails_alone(crowd: Crowd) -> None:
    bad = a_request("bad", field=object())  # type: ignore[arg-type]  # nothing that JSON could carry
    first, good, failed, also_good = crowd.keep(a_request("first"), [a_request("good"), bad, a_request("also good")])

    assert [each.result(SOON) for each in (first, good, also_good)] == [None] * 3
    assert failed.exception(SOON) is not None
    assert crowd.stored() == {"first", "good", "also good"}


def test_whose_time_is_over_when_it_is_their_turn_are_told_so(crowd: Crowd, time: list[float]) -> None:
    crowd.gate.may_go_on.clear()
    first = crowd.pool.submit(crowd.keeper.keep, a_request("first"), 1.0)
    assert crowd.gate.is_begun.wait(SOON)
    late = crowd.pool.submit(crowd.keeper.keep, a_request("late"), 1.0)
    wait_for("the other to wait", lambda: len(crowd.keeper._waiting) == 1)
    time[0] = 2.0
    crowd.gate.may_go_on.set()
    first.exception(SOON)

    assert isinstance(late.exception(SOON), RecoveryError)
    assert "late" not in crowd.stored()


def test_nobody_waits_longer_than_their_time_behind_one_that_hangs(crowd: Crowd) -> None:
    first = crowd.pool.submit(crowd.keeper.keep, a_request("first"), 1.0)
    assert crowd.gate.is_begun.wait(SOON)
    waiting = crowd.pool.submit(crowd.keeper.keep, a_request("waiting"), 0.05)

    assert isinstance(waiting.exception(SOON), TooBusy)
    crowd.gate.may_go_on.set()
    assert first.result(SOON) is None
    crowd.keeper.keep(a_request("next"), 1.0)
    assert crowd.stored() == {"first", "next"}


def test_when_the_database_is_away_whoever_waits_is_told(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(within: float | None = None) -> Iterator[Transaction]:
        raise RecoveryError("The database is away.")

    monkeypatch.setattr(crowd.gate, "write", away)

    with pytest.raises(RecoveryError, match="away"):
        crowd.keeper.keep(a_request("r1"), 1.0)
    assert crowd.stored() == set()


def test_after_a_failure_the_next_is_stored(crowd: Crowd) -> None:
    bad = a_request("bad", field=object())  # type: ignore[arg-type]  # nothing that JSON could carry
    crowd.gate.may_go_on.set()
    assert crowd.pool.submit(crowd.keeper.keep, bad, 1.0).exception(SOON) is not None
    crowd.keeper.keep(a_request("next"), 1.0)

    assert crowd.stored() == {"next"}
