"""A month played on a database of its own: a thousand people; or fewer, and a bot that dies at many messages."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import event

from storage.database import Database
from tests.databases import borrowed_url
from tests.month.natures import everyone
from tests.month.people import ASKED, END
from tests.month.record import Record
from tests.month.simulation import POLL_EVERY, Month
from tests.recovery.world import DefectLog, World

SEED = 4
MANY, FEW = 1_000, 60
CRASHES = 40


@contextmanager
def played(kind: str, folder: Path, *, is_crashing: bool) -> Iterator[Record]:
    """What became of it. The database is there until the block ends."""
    people, crashes = (FEW, CRASHES) if is_crashing else (MANY, 0)
    with _a_database(kind, folder) as database, _no_defects():
        yield Record(_a_month(database, people, crashes).play())


@contextmanager
def _a_database(kind: str, folder: Path) -> Iterator[Database]:
    with borrowed_url(kind, folder) as url, Database.open(url) as database:
        if kind == "sqlite":
            event.listen(database._writing, "connect", _forget_power_failures)
        database.hold()
        yield database


def _forget_power_failures(driver: Any, _record: object) -> None:
    driver.execute("PRAGMA synchronous = OFF")


@contextmanager
def _no_defects() -> Iterator[None]:
    """The worker logs a defect and goes on; a specification does not."""
    log, logger = DefectLog(), logging.getLogger("recovery.worker")
    logger.addHandler(log)
    yield
    logger.removeHandler(log)
    assert not log.met


def _a_month(database: Database, people: int, crashes: int = 0) -> Month:
    lot = Random(SEED)
    actors = everyone(people, lot)
    ends = sorted(ASKED + lot.random() * lot.random() * (END - ASKED) for _ in range(crashes))
    return Month(World.on(database, poll_every=POLL_EVERY), actors, ends)
