from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from engine import LONGEST_WAIT, keep_time
from recovery.policy import Policy
from recovery.state import NewTask
from storage import clock as clocks
from storage.clock import DatabaseClock
from storage.database import Database
from tests.storage.given import claim, plan

HOUR = timedelta(hours=1)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets this machine's clock, as far as the clock of the bot can tell."""

    def set_to(ahead: timedelta) -> None:
        class Wrong(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:
                return datetime.now(UTC) + ahead

        monkeypatch.setattr(clocks, "datetime", Wrong)

    return set_to


def test_the_clock_is_aware_and_close_to_the_machines(database: Database) -> None:
    clock = DatabaseClock(database)
    assert abs(clock.measure()) < timedelta(seconds=1)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert clock.now().tzinfo is UTC


def test_the_clock_goes_by_the_databases_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "clock_offset", lambda: timedelta(hours=2))
    clock = DatabaseClock(database)
    clock.measure()
    assert abs(clock.now() - datetime.now(UTC) - timedelta(hours=2)) < timedelta(seconds=1)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_setting_the_machines_clock_changes_nothing_until_the_next_measurement(
    database: Database, set_clock: Callable[[timedelta], None], ahead: timedelta
) -> None:
    clock = DatabaseClock(database)
    set_clock(ahead)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    # PostgreSQL has a time of its own. There the machine's clock was never counted on.
    database.clock_offset = lambda: timedelta(0)
    assert abs(clock.measure() - ahead) < timedelta(seconds=1)
    assert abs(clock.now() - datetime.now(UTC) - ahead) < timedelta(seconds=1)


def test_when_the_clock_was_set_forward_what_runs_keeps_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = DatabaseClock(database)
    plan(database, NewTask("work", "runs"))
    running = claim(database, now=clock.now())
    monkeypatch.setattr(database, "clock_offset", lambda: HOUR)
    keep_time(clock, database, Policy())
    assert "the clock was set forward by 3600 seconds" in caplog.text
    assert claim(database, now=clock.now()) == []
    with database.write() as tx:
        assert tx.tasks.holds(running)


def test_when_the_clock_was_set_back_what_waits_is_due_within_a_minute(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = DatabaseClock(database)
    plan(database, NewTask("work", "waits", not_before=clock.now() + timedelta(seconds=5)))
    monkeypatch.setattr(database, "clock_offset", lambda: -HOUR)
    keep_time(clock, database, Policy())
    assert "the clock was set back by 3600 seconds" in caplog.text
    assert claim(database, now=clock.now()) == []
    assert [task.key for task in claim(database, now=clock.now() + LONGEST_WAIT)] == ["waits"]


def test_a_clock_that_drifts_is_nothing_to_speak_of(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "clock_offset", lambda: timedelta(seconds=1))
    keep_time(DatabaseClock(database), database, Policy())
    assert caplog.text == ""
