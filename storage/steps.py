"""Steps. A decision happens once because `move` compares and sets in one UPDATE."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam

from recovery import store
from recovery.state import StepState, StepStatus
from storage.rows import Rows
from storage.schema import StepRow

STEPS = Rows(StepRow, StepState)
_OF = STEPS.select().where(StepRow.incident_id == bindparam("incident")).order_by(StepRow.number)
_ONLY_MOVED = ("incident_id", "status", "version")


class Steps(store.Steps):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, incident_id: int, kind: str, number: int, status: StepStatus) -> StepState:
        return STEPS.insert(self._connection, StepState(0, incident_id, kind, number, status, version=1))

    def get(self, step_id: int) -> StepState:
        return STEPS.get(self._connection, step_id)

    def of(self, incident_id: int) -> list[StepState]:
        return STEPS.all(self._connection, _OF, {"incident": incident_id})

    def move(
        self, step: StepState, sources: Iterable[StepStatus], to: StepStatus, **fields: object
    ) -> StepState | None:
        changes = STEPS.changes(fields, apart_from=_ONLY_MOVED)
        return self.get(step.id) if STEPS.move(self._connection, step, sources, to, changes) else None

    def set(self, step_id: int, **fields: object) -> None:
        STEPS.update(self._connection, step_id, STEPS.changes(fields, apart_from=_ONLY_MOVED))
