"""Handovers, numbered within their incident. Their secrets never come near the database."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, or_, select, update

from recovery import store
from recovery.state import Handover, HandoverStatus
from storage.incidents import INCIDENTS
from storage.rows import Rows
from storage.schema import HandoverRow

HANDOVERS = Rows(HandoverRow, Handover)

_OF = HANDOVERS.select().where(HandoverRow.incident_id == bindparam("incident")).order_by(HandoverRow.number)
_OF_STATUSES = _OF.where(HandoverRow.status.in_(bindparam("statuses")))
_DUE = (
    HANDOVERS.select()
    .where(
        HandoverRow.status == HandoverStatus.SENT,
        or_(HandoverRow.next_reminder_at <= bindparam("now"), HandoverRow.expires_at <= bindparam("now")),
    )
    .order_by(HandoverRow.id)
)


class Handovers(store.Handovers):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, handover: Handover) -> Handover:
        # Whoever numbers a handover of this incident waits here for the others.
        INCIDENTS.get(self._connection, handover.incident_id, lock=True)
        last = self._connection.scalar(
            select(func.max(HandoverRow.number)).where(HandoverRow.incident_id == handover.incident_id)
        )
        return HANDOVERS.insert(self._connection, replace(handover, number=(last or 0) + 1))

    def get(self, handover_id: int) -> Handover:
        return HANDOVERS.get(self._connection, handover_id)

    def of(self, incident_id: int, *statuses: HandoverStatus) -> list[Handover]:
        if statuses:
            return HANDOVERS.all(self._connection, _OF_STATUSES, {"incident": incident_id, "statuses": statuses})
        return HANDOVERS.all(self._connection, _OF, {"incident": incident_id})

    def move(self, handover: Handover, sources: Iterable[HandoverStatus], to: HandoverStatus, **fields: object) -> bool:
        changes = HANDOVERS.changes(fields, apart_from=("incident_id", "number", "status"))
        moved = self._connection.execute(
            update(HandoverRow)
            .where(HandoverRow.id == handover.id, HandoverRow.status.in_(tuple(sources)))
            .values(status=to, **changes)
        )
        return moved.rowcount == 1

    def set(self, handover_id: int, **fields: object) -> None:
        changes = HANDOVERS.changes(fields, apart_from=("incident_id", "number", "status"))
        HANDOVERS.update(self._connection, handover_id, changes)

    def due(self, now: datetime) -> list[Handover]:
        return HANDOVERS.all(self._connection, _DUE, {"now": now})
