"""`DATABASE_URL`: the forms that are accepted, and the file that an SQLite URL names."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import BadDatabaseUrl

_POSTGRESQL = ("postgres", "postgresql", "postgresql+psycopg")


def parsed(url: str) -> URL:
    """The URL with the driver that the bot uses; raises `BadDatabaseUrl`, which never shows it."""
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):
        # `from None`: the messages repeat the URL or a part of it, the password's perhaps.
        raise BadDatabaseUrl(_EXPECTED) from None
    if made.drivername in _POSTGRESQL:
        return made.set(drivername="postgresql+psycopg")
    if made.drivername == "sqlite" and not made.host and made.database and made.database != ":memory:":
        return made
    raise BadDatabaseUrl(_EXPECTED)


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite URL, None for PostgreSQL."""
    if url.get_backend_name() != "sqlite" or url.database is None:
        return None
    return Path(url.database)


_EXPECTED = (
    "DATABASE_URL must be sqlite:///some/file.db or postgresql://user:password@host/name (postgres:// is accepted too)."
)
