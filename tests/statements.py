"""What is asked of the database, counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

_SET_UP = ("BEGIN", "PRAGMA", "SET ")
"""How statements begin that are the connection's affair."""


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of every engine meanwhile: one for each `before_cursor_execute`, so a batch counts once."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if not statement.startswith(_SET_UP):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
