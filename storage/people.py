"""People and their obligations."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from recovery import store
from recovery.state import IncidentStatus, Obligation, ObligationStatus, Person
from storage.rows import Rows
from storage.schema import IncidentRow, ObligationRow, PersonRow

PEOPLE = Rows(PersonRow, Person)
OBLIGATIONS = Rows(ObligationRow, Obligation)

_OF = PEOPLE.select().where(PersonRow.incident_id == bindparam("incident")).order_by(PersonRow.id)
_OBLIGATIONS = OBLIGATIONS.select().where(ObligationRow.incident_id == bindparam("incident")).order_by(ObligationRow.id)
_OBLIGATIONS_OF_STEP = _OBLIGATIONS.where(ObligationRow.step_id == bindparam("step"))
_DUE = (
    OBLIGATIONS.select()
    .join(IncidentRow, IncidentRow.id == ObligationRow.incident_id)
    .where(
        ObligationRow.next_reminder_at <= bindparam("now"),
        # A questioned one is open too: its person still has to answer.
        ObligationRow.status.in_((ObligationStatus.OPEN, ObligationStatus.QUESTIONED)),
        IncidentRow.status.in_((IncidentStatus.OPEN, IncidentStatus.RECOVERED)),
    )
    .order_by(ObligationRow.id)
)

_ONLY_SETTLED = ("incident_id", "person_id", "status", "version")


class People(store.People):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, incident_id: int) -> list[Person]:
        return PEOPLE.all(self._connection, _OF, {"incident": incident_id})

    def get(self, person_id: int) -> Person:
        return PEOPLE.get(self._connection, person_id)

    def add(self, person: Person) -> Person:
        return PEOPLE.insert(self._connection, person)

    def set(self, person_id: int, **fields: object) -> None:
        PEOPLE.update(self._connection, person_id, PEOPLE.changes(fields, apart_from=("incident_id",)))

    def oblige(self, obligation: Obligation) -> Obligation:
        return OBLIGATIONS.insert(self._connection, obligation)

    def obligation(self, obligation_id: int) -> Obligation:
        return OBLIGATIONS.get(self._connection, obligation_id)

    def obligations(self, incident_id: int, step_id: int | None = None) -> list[Obligation]:
        if step_id is not None:
            return OBLIGATIONS.all(self._connection, _OBLIGATIONS_OF_STEP, {"incident": incident_id, "step": step_id})
        return OBLIGATIONS.all(self._connection, _OBLIGATIONS, {"incident": incident_id})

    def settle(self, obligation: Obligation, to: str, **fields: object) -> bool:
        changes = OBLIGATIONS.changes(fields, apart_from=_ONLY_SETTLED)
        settled = self._connection.execute(
            update(ObligationRow)
            .where(ObligationRow.id == obligation.id, ObligationRow.version == obligation.version)
            .values(status=ObligationStatus(to), version=ObligationRow.version + 1, **changes)
        )
        return settled.rowcount == 1

    def set_obligation(self, obligation_id: int, **fields: object) -> None:
        changes = OBLIGATIONS.changes(fields, apart_from=_ONLY_SETTLED)
        OBLIGATIONS.update(self._connection, obligation_id, changes)

    def due(self, now: datetime) -> list[Obligation]:
        return OBLIGATIONS.all(self._connection, _DUE, {"now": now})
