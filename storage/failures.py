"""What the drivers say when a database does not do what it should: sorted, and in words for whoever runs the bot.

A mistake of the program (a misspelt column, a row that a constraint forbids) passes as it is.
"""

import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from sqlalchemy.exc import DBAPIError, TimeoutError

from storage.errors import DatabaseUnavailable

_PASSES = ""
_FULL = "Make room on the disk; the bot then goes on by itself."
_NOT_WRITABLE = (
    "Let the bot's user read and write the file and its folder, or change DATABASE_URL: an SQLite database lies in a "
    "folder that exists and keeps other files beside it."
)
_DAMAGED = "Stop the bot and put a backup in its place (docs/operations.md, Backups), or change DATABASE_URL."

_SQLITE = {
    sqlite3.SQLITE_PERM: _NOT_WRITABLE,
    sqlite3.SQLITE_BUSY: _PASSES,
    sqlite3.SQLITE_LOCKED: _PASSES,
    sqlite3.SQLITE_NOMEM: _PASSES,
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
    sqlite3.SQLITE_INTERRUPT: _PASSES,
    sqlite3.SQLITE_IOERR: _FULL,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CANTOPEN: _NOT_WRITABLE,
    sqlite3.SQLITE_PROTOCOL: _PASSES,
    sqlite3.SQLITE_AUTH: _NOT_WRITABLE,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
"""What to do about each of SQLite's results that is not the program's mistake; nothing where it passes."""

_RIGHTS = "Give the user that DATABASE_URL names all rights on the database and its schema public."
_STANDBY = "It takes no changes now: a standby, perhaps. Name the primary in DATABASE_URL."
_READ_ONLY = "25006"
"""PostgreSQL's code for a transaction that may not write."""


@cache
def _postgresql() -> Mapping[type[Exception], str]:
    """The same for PostgreSQL, the first that fits."""
    import psycopg  # noqa: PLC0415  # whoever has an error of its has loaded it; with SQLite nobody needs to

    return {
        psycopg.errors.DiskFull: _FULL,
        psycopg.errors.InsufficientPrivilege: _RIGHTS,
        psycopg.errors.ReadOnlySqlTransaction: _STANDBY,
        psycopg.errors.FeatureNotSupported: _STANDBY,
        psycopg.errors.IdleInTransactionSessionTimeout: _PASSES,
        psycopg.InterfaceError: _PASSES,
        psycopg.OperationalError: _PASSES,
    }


def _databases_errors() -> tuple[type[Exception], ...]:
    """What SQLAlchemy raises of a database's, and the drivers that it has loaded: psycopg only for PostgreSQL."""
    psycopg = sys.modules.get("psycopg")
    return (DBAPIError, sqlite3.Error, *([psycopg.Error] if psycopg else []))


@contextmanager
def reachable(*, to_write: bool = True) -> Iterator[None]:
    """Turns a database that does not do what it should into `DatabaseUnavailable`.

    Without `to_write`, a statement that writes is the program's mistake.
    """
    try:
        yield
    except TimeoutError as error:
        raise DatabaseUnavailable("The database is too busy: no connection became free.") from error
    except _databases_errors() as error:
        # What an event of SQLAlchemy's executes itself comes as the driver raised it.
        said = error.orig if isinstance(error, DBAPIError) else error
        # Connecting is no statement: SQLite then writes on its own account.
        by_statement = isinstance(error, DBAPIError) and error.statement is not None
        advice = None if by_statement and not to_write and _is_read_only(said) else _advice(said)
        if advice is None:
            raise
        words = f"The database cannot be used at the moment: {in_one_line(said)} {advice}"
        raise DatabaseUnavailable(words.rstrip()) from error


def _advice(said: BaseException | None) -> str | None:
    """What to do about it; None where it is the program that is wrong."""
    if isinstance(said, sqlite3.Error):
        return _SQLITE.get(_code(said))
    return next((advice for kind, advice in _postgresql().items() if isinstance(said, kind)), None)


def _is_read_only(said: BaseException | None) -> bool:
    if isinstance(said, sqlite3.Error):
        return _code(said) == sqlite3.SQLITE_READONLY
    return getattr(said, "sqlstate", None) == _READ_ONLY


def _code(said: sqlite3.Error) -> int:
    """SQLite's driver says OperationalError of a misspelt column too; only the code tells them apart."""
    return getattr(said, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def in_one_line(said: BaseException | None) -> str:
    """What the driver said, as a sentence."""
    diagnosis = getattr(said, "diag", None)
    words = diagnosis.message_primary if diagnosis is not None else None
    # Where the server said nothing itself, the hints of the library stand in lines of their own.
    words = words or str(said).split("\n\t")[0]
    return " ".join(words.split()).rstrip(".") + "."
