"""Every specification of the storage runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.databases import KINDS, borrowed_url, empty_url


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path) -> Iterator[str]:
    """A fresh database with current tables."""
    with borrowed_url(kind, tmp_path) as url:
        yield url


@pytest.fixture
def postgresql_url(tmp_path: Path) -> Iterator[str]:
    """The same, for what SQLite has no second process for."""
    with borrowed_url("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
def bare_url(kind: str, tmp_path: Path) -> str:
    """A fresh database without tables."""
    return empty_url(kind, tmp_path)


@pytest.fixture
def opened() -> Iterator[Callable[[str], Database]]:
    """Opens databases, and closes them after the test."""
    databases: list[Database] = []

    def open_one(url: str) -> Database:
        databases.append(Database.open(url))
        return databases[-1]

    yield open_one
    for database in databases:
        database.close()


@pytest.fixture
def database(url: str, opened: Callable[[str], Database]) -> Database:
    """The database of this process, its lock held."""
    database = opened(url)
    database.hold()
    return database
