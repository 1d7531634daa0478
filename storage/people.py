"""People and their obligations. Many of them are read and written by one statement, however many they are."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from recovery import store
from recovery.state import IncidentStatus, Obligation, ObligationStatus, Person
from storage.rows import Rows
from storage.schema import IncidentRow, ObligationRow, PersonRow

PEOPLE = Rows(PersonRow, Person, fixed=("incident_id", "mailgun_id"))
OBLIGATIONS = Rows(ObligationRow, Obligation, fixed=("incident_id", "person_id", "step_id", "kind"))

_OF = PEOPLE.select().where(PersonRow.incident_id == bindparam("incident")).order_by(PersonRow.id)
_IN_SLACK = _OF.where(PersonRow.slack_id == bindparam("slack"))
_DUE_IN_SLACK = select(PersonRow.slack_id).where(
    PersonRow.incident_id == bindparam("incident"), PersonRow.next_message_at <= bindparam("now")
)
_DUE_TOGETHER = _OF.where(or_(PersonRow.next_message_at <= bindparam("now"), PersonRow.slack_id.in_(_DUE_IN_SLACK)))
_OBLIGATIONS = OBLIGATIONS.select().where(ObligationRow.incident_id == bindparam("incident")).order_by(ObligationRow.id)
_OBLIGATIONS_OF_STEP = _OBLIGATIONS.where(ObligationRow.step_id == bindparam("step"))
_OBLIGATIONS_OF_PERSON = (
    OBLIGATIONS.select().where(ObligationRow.person_id == bindparam("person")).order_by(ObligationRow.id)
)
_OBLIGATIONS_DUE_TOGETHER = _OBLIGATIONS.where(
    ObligationRow.person_id.in_(_DUE_TOGETHER.with_only_columns(PersonRow.id).order_by(None))
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


class People(store.People):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, incident_id: int) -> list[Person]:
        return PEOPLE.all(self._connection, _OF, {"incident": incident_id})

    def get(self, person_id: int) -> Person:
        return PEOPLE.get(self._connection, person_id)

    def in_slack(self, incident_id: int, slack_id: str) -> list[Person]:
        return PEOPLE.all(self._connection, _IN_SLACK, {"incident": incident_id, "slack": slack_id})

    def due_together(self, incident_id: int, now: datetime) -> tuple[list[Person], list[Obligation]]:
        named = {"incident": incident_id, "now": now}
        people = PEOPLE.all(self._connection, _DUE_TOGETHER, named)
        return people, OBLIGATIONS.all(self._connection, _OBLIGATIONS_DUE_TOGETHER, named)

    def add(self, people: Sequence[Person]) -> None:
        PEOPLE.insert_all(self._connection, people)

    def save(self, people: Sequence[Person]) -> None:
        PEOPLE.save_all(self._connection, people)

    def oblige(self, obligations: Sequence[Obligation]) -> None:
        OBLIGATIONS.insert_all(self._connection, obligations)

    def obligations(self, incident_id: int, step_id: int | None = None) -> list[Obligation]:
        if step_id is not None:
            return OBLIGATIONS.all(self._connection, _OBLIGATIONS_OF_STEP, {"incident": incident_id, "step": step_id})
        return OBLIGATIONS.all(self._connection, _OBLIGATIONS, {"incident": incident_id})

    def obligations_of(self, person_id: int) -> list[Obligation]:
        return OBLIGATIONS.all(self._connection, _OBLIGATIONS_OF_PERSON, {"person": person_id})

    def save_obligations(self, obligations: Sequence[Obligation]) -> None:
        OBLIGATIONS.save_all(self._connection, obligations)

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
