"""People and their obligations. Many of them are read and written by one statement, however many they are."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, bindparam, insert, select, update

from recovery import store
from recovery.state import IncidentStatus, Obligation, ObligationStatus, Person
from storage.rows import Rows
from storage.schema import Base, IncidentRow, ObligationRow, PersonRow

PEOPLE = Rows(PersonRow, Person)
OBLIGATIONS = Rows(ObligationRow, Obligation)

_OF = PEOPLE.select().where(PersonRow.incident_id == bindparam("incident")).order_by(PersonRow.id)
_IN_SLACK = _OF.where(PersonRow.slack_id == bindparam("slack"))
_OBLIGATIONS = OBLIGATIONS.select().where(ObligationRow.incident_id == bindparam("incident")).order_by(ObligationRow.id)
_OBLIGATIONS_OF_STEP = _OBLIGATIONS.where(ObligationRow.step_id == bindparam("step"))
_OBLIGATIONS_OF_PERSON = (
    OBLIGATIONS.select().where(ObligationRow.person_id == bindparam("person")).order_by(ObligationRow.id)
)
_DUE = (
    select(PersonRow.incident_id)
    .distinct()
    .join(IncidentRow, IncidentRow.id == PersonRow.incident_id)
    .where(
        PersonRow.next_message_at <= bindparam("now"),
        IncidentRow.status.in_((IncidentStatus.OPEN, IncidentStatus.RECOVERED)),
    )
)

_FIXED = ("id", "incident_id", "person_id", "step_id", "kind", "mailgun_id")


def _saving(table: type[Base], value: type[Person] | type[Obligation]) -> Update:
    """Writes all that may change in the row of a value; the value's fields are its parameters."""
    names = [field.name for field in fields(value) if field.name not in _FIXED]
    columns = table.__table__.c
    return update(table).where(columns.id == bindparam("its_id")).values({name: bindparam(name) for name in names})


_SAVE_PERSON = _saving(PersonRow, Person)
_SAVE_OBLIGATION = _saving(ObligationRow, Obligation)


class People(store.People):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, incident_id: int) -> list[Person]:
        return PEOPLE.all(self._connection, _OF, {"incident": incident_id})

    def get(self, person_id: int) -> Person:
        return PEOPLE.get(self._connection, person_id)

    def in_slack(self, incident_id: int, slack_id: str) -> list[Person]:
        return PEOPLE.all(self._connection, _IN_SLACK, {"incident": incident_id, "slack": slack_id})

    def add(self, people: Sequence[Person]) -> None:
        if people:
            self._connection.execute(insert(PersonRow), [_columns(person, "id") for person in people])

    def save(self, people: Sequence[Person]) -> None:
        if people:
            self._connection.execute(_SAVE_PERSON, [_changed(person) for person in people])

    def oblige(self, obligations: Sequence[Obligation]) -> None:
        if obligations:
            self._connection.execute(insert(ObligationRow), [_columns(one, "id") for one in obligations])

    def obligation(self, obligation_id: int) -> Obligation:
        return OBLIGATIONS.get(self._connection, obligation_id)

    def obligations(self, incident_id: int, step_id: int | None = None) -> list[Obligation]:
        if step_id is not None:
            return OBLIGATIONS.all(self._connection, _OBLIGATIONS_OF_STEP, {"incident": incident_id, "step": step_id})
        return OBLIGATIONS.all(self._connection, _OBLIGATIONS, {"incident": incident_id})

    def obligations_of(self, person_id: int) -> list[Obligation]:
        return OBLIGATIONS.all(self._connection, _OBLIGATIONS_OF_PERSON, {"person": person_id})

    def save_obligations(self, obligations: Sequence[Obligation]) -> None:
        if obligations:
            self._connection.execute(_SAVE_OBLIGATION, [_changed(one) for one in obligations])

    def settle(self, obligation: Obligation, to: ObligationStatus, **fields: object) -> bool:
        changes = OBLIGATIONS.changes(fields, apart_from=("incident_id", "person_id", "status", "version"))
        settled = self._connection.execute(
            update(ObligationRow)
            .where(ObligationRow.id == obligation.id, ObligationRow.version == obligation.version)
            .values(status=to, version=ObligationRow.version + 1, **changes)
        )
        return settled.rowcount == 1

    def due(self, now: datetime) -> set[int]:
        return set(self._connection.scalars(_DUE, {"now": now}))


def _columns(value: Person | Obligation, *apart_from: str) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in apart_from}


def _changed(value: Person | Obligation) -> dict[str, Any]:
    return {"its_id": value.id, **_columns(value, *_FIXED)}
