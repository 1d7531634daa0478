"""A month with a thousand people in thirty time zones, who do what they are asked when they get to it, if at all."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from storage.database import Database
from tests.databases import KINDS, borrowed_url
from tests.recovery.month.people import ASKED, END, everyone
from tests.recovery.month.promises import Record
from tests.recovery.month.simulation import POLL_EVERY, Month
from tests.recovery.world import DefectLog, World

pytestmark = pytest.mark.timeout(600)

SEED = 4
MANY, FEW = 1_000, 60
CRASHES = 40


@contextmanager
def a_database(kind: str, folder: Path) -> Iterator[Database]:
    """A database of this month's own."""
    with borrowed_url(kind, folder) as url, Database.open(url) as database:
        if kind == "sqlite":
            event.listen(database._writing, "connect", forget_power_failures)
        database.hold()
        yield database


def forget_power_failures(driver: Any, _record: object) -> None:
    driver.execute("PRAGMA synchronous = OFF")


@contextmanager
def no_defects() -> Iterator[None]:
    """The worker logs a defect and goes on; a specification does not."""
    log, logger = DefectLog(), logging.getLogger("recovery.worker")
    logger.addHandler(log)
    yield
    logger.removeHandler(log)
    assert not log.met


def a_month(database: Database, people: int, crashes: int = 0) -> Month:
    lot = Random(SEED)
    actors = everyone(people, lot)
    ends = sorted(ASKED + lot.random() * lot.random() * (END - ASKED) for _ in range(crashes))
    return Month(World.on(database, poll_every=POLL_EVERY), actors, ends)


@pytest.fixture(scope="module", params=[(kind, crashing) for crashing in (False, True) for kind in KINDS], ids=str)
def record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    kind, is_crashing = request.param
    people, crashes = (FEW, CRASHES) if is_crashing else (MANY, 0)
    with a_database(kind, tmp_path_factory.mktemp("month")) as database, no_defects():
        yield Record(a_month(database, people, crashes).play())
