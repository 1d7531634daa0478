"""Rows as frozen values: the little that all tables do alike."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Connection, Select, bindparam, insert, select, update
from sqlalchemy.dialects import sqlite

from recovery.errors import Missing
from storage.schema import Base

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Named = Mapping[str, Any] | None

Value = TypeVar("Value", bound="DataclassInstance")


class Rows(Generic[Value]):
    """One table with an `id`, read and written as values of one frozen dataclass.

    The dataclass's fields are named as the columns; columns that it lacks are the table's own business. `fixed` are
    the fields that stay as they were inserted. Queries that are asked often are built once: building one takes longer
    than answering it.
    """

    def __init__(self, table: type[Base], value: type[Value], fixed: Collection[str] = ()) -> None:
        self._table = table
        self._value = value
        self._names = [field.name for field in fields(value)]
        self.id: Any = table.__table__.c.id
        self.columns = [table.__table__.c[name] for name in self._names]
        self._by_id = self.select().where(self.id == bindparam("row_id"))
        self._by_id_locked = self._by_id.with_for_update(key_share=True)
        changing = [name for name in self._names if name not in {"id", *fixed}]
        changed: dict[str, Any] = {name: bindparam(name) for name in changing}
        self._save = update(table).where(self.id == bindparam("row_id")).values(changed)
        self._insert_new: dict[str, Any] = {}
        self._saved = {"row_id": "id"} | {name: name for name in changing}

    def select(self) -> Select[Any]:
        """A query for all of them, to be narrowed."""
        return select(*self.columns)

    def all(self, connection: Connection, query: Select[Any], named: Named = None) -> list[Value]:
        """The values that the query finds, in its order; `named` are its parameters."""
        return [self._value(*row) for row in connection.execute(query, named)]

    def first(self, connection: Connection, query: Select[Any], named: Named = None) -> Value | None:
        """The first that the query finds, or None. The query says itself that it looks for one."""
        row = connection.execute(query, named).first()
        return None if row is None else self._value(*row)

    def get(self, connection: Connection, row_id: int, *, lock: bool = False) -> Value:
        """The value with that id; raises `Missing`.

        The lock is FOR NO KEY UPDATE: FOR UPDATE would also wait for, and deadlock with, transactions that
        merely insert rows which refer to this one.
        """
        found = self.first(connection, self._by_id_locked if lock else self._by_id, {"row_id": row_id})
        if found is None:
            raise Missing(f"There is no row {row_id} in {self._table.__tablename__}.")
        return found

    def insert(self, connection: Connection, value: Value) -> Value:
        """Insert it, without its id, and return it as stored."""
        statement = insert(self._table).values(self._without_id(value)).returning(*self.columns)
        return self._value(*connection.execute(statement).one())

    def insert_new(self, connection: Connection, value: Value) -> Value | None:
        """Insert it unless a unique index forbids that; as stored, or None."""
        dialect = connection.dialect.name
        if dialect not in self._insert_new:
            self._insert_new[dialect] = unless_there(connection, self._table).returning(*self.columns)
        row = connection.execute(self._insert_new[dialect], self._without_id(value)).first()
        return None if row is None else self._value(*row)

    def insert_all(self, connection: Connection, values: Sequence[Value]) -> None:
        """Insert them, without their ids, by one statement."""
        if values:
            connection.execute(insert(self._table), [self._without_id(value) for value in values])

    def save_all(self, connection: Connection, values: Sequence[Value]) -> None:
        """Write all of their fields but the fixed ones, by one statement."""
        if values:
            saved = self._saved.items()
            connection.execute(self._save, [{key: getattr(value, name) for key, name in saved} for value in values])

    def update(self, connection: Connection, row_id: int, values: Mapping[str, Any]) -> None:
        """Set columns of the row with that id; raises `Missing`."""
        if not values:
            return
        if connection.execute(update(self._table).where(self.id == row_id).values(values)).rowcount == 0:
            raise Missing(f"There is no row {row_id} in {self._table.__tablename__}.")

    def move(
        self, connection: Connection, value: Any, sources: Iterable[StrEnum], to: StrEnum, fields: Mapping[str, Any]
    ) -> bool:
        """Compare and set, in one statement: the row in its next version, with these fields, if it still has the
        value's version and one of these statuses. Whether it had."""
        columns = self._table.__table__.c
        unchanged = (self.id == value.id, columns.version == value.version, columns.status.in_(tuple(sources)))
        moved = update(self._table).where(*unchanged).values(status=to, version=columns.version + 1, **fields)
        return connection.execute(moved).rowcount == 1

    def changes(self, changed: Mapping[str, Any], *, apart_from: Collection[str] = ()) -> dict[str, Any]:
        """The same, once each name is known to be a field that may be set here; raises `TypeError`."""
        settable = set(self._names) - {"id", *apart_from}
        if unknown := sorted(changed.keys() - settable):
            raise TypeError(f"{self._value.__name__} has no field to set here: {', '.join(unknown)}")
        return dict(changed)

    def _without_id(self, value: Value) -> dict[str, Any]:
        return {name: getattr(value, name) for name in self._names if name != "id"}


def unless_there(connection: Connection, table: type[Base]) -> Any:
    """An insert that leaves out rows which a unique index forbids, without failing."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # loaded with the engine; with SQLite, for nothing

    return postgresql.insert(table).on_conflict_do_nothing()
