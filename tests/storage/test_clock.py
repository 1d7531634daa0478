from datetime import UTC, datetime, timedelta

import pytest

from storage.clock import DatabaseClock
from storage.database import Database


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
