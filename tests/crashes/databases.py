"""A new database for each run: copies of one that was migrated once, for a migration costs more than a start."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import sqlalchemy as sa

from tests.databases import migrated_url, postgres

CONNECTIONS = 400
"""A bot has a dozen, and dozens of bots run at once."""

_IN_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Templates:
    """The URLs of migrated databases to copy, by kind. They can be handed to other processes."""

    urls: dict[str, str]

    @contextmanager
    def copy(self, kind: str, folder: Path) -> Iterator[str]:
        """The URL of a new copy, which is gone when the block ends. An SQLite file lies in the folder."""
        template = sa.make_url(self.urls[kind])
        if kind == "sqlite":
            file = folder / "recovery.db"
            shutil.copy(str(template.database), file)
            yield f"sqlite:///{file}"
            return
        name = f"crash_{uuid4().hex[:12]}"
        with _server(template) as server:
            # Copied as files: what a run wrote need not survive a power cut.
            server.execute(f"CREATE DATABASE {name} TEMPLATE {template.database} STRATEGY FILE_COPY".encode())
        try:
            yield template.set(database=name).render_as_string(hide_password=False)
        finally:
            with _server(template) as server:
                server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def templates(kinds: tuple[str, ...], folder: Path) -> Templates:
    """Migrated databases of these kinds. Their PostgreSQL server is this process's, and ends with it."""
    urls = {}
    if "postgresql" in kinds:
        postgres().allow(CONNECTIONS)
    for kind in kinds:
        url = migrated_url(kind, folder) if kind == "sqlite" else postgres().migrated()
        urls[kind] = url
    return Templates(urls)


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder for one run, gone when the block ends; where it can be, nothing in it waits for a disk."""
    with TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None, prefix="run-") as name:
        yield Path(name)


@contextmanager
def _server(of: sa.URL) -> Iterator[psycopg.Connection]:
    """A connection to the server of that database, beside it: a database that is copied must be idle."""
    address = of.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection
