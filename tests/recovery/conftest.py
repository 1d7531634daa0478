"""A fresh world for each specification that wants one, on an SQLite file."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from storage.database import Database
from storage.schema import Base, IdentityRow
from tests.recovery.builders import a_member, a_user
from tests.recovery.world import DefectLog, World


@pytest.fixture(scope="session")
def database_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for all, emptied before each: SQLAlchemy would have to learn every query anew for another."""
    return tmp_path_factory.mktemp("recovery") / "x.db"


@pytest.fixture(scope="session")
def shared_database(database_file: Path) -> Iterator[Database]:
    """The database with current tables, held by this process."""
    with Database.open(f"sqlite:///{database_file}") as database:

        @event.listens_for(database._writing, "connect")
        def forget_power_failures(driver: Any, _record: object) -> None:
            driver.execute("PRAGMA synchronous = OFF")

        database.migrate()
        database.hold()
        yield database


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The same, with nothing in it."""
    with shared_database._writing.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table is not IdentityRow.__table__:
                connection.execute(table.delete())
    return shared_database


@pytest.fixture
def defects() -> Iterator[list[str]]:
    """The worker logs a defect and goes on; a specification does not."""
    log = DefectLog()
    logger = logging.getLogger("recovery.worker")
    logger.addHandler(log)
    logger.propagate = False
    yield log.met
    logger.removeHandler(log)
    logger.propagate = True


@pytest.fixture
def make_world(database: Database, defects: list[str]) -> Iterator[Callable[..., World]]:
    """Makes the world, with the settings that the specification is about."""

    def make(**policy: Any) -> World:
        return World.on(database, **policy)

    yield make
    assert not defects


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def ann(world: World) -> World:
    """Ann signs in with a Mailgun password and is in Slack."""
    world.mailgun.has_user(a_user("ann"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    return world.opened()
