"""Incidents. A unique index lets one be open; `revision` says that the thread has something new to show."""

from sqlalchemy import Connection, bindparam, case, or_

from recovery import store
from recovery.state import Incident, IncidentStatus
from storage.rows import Rows
from storage.schema import IncidentRow

INCIDENTS = Rows(IncidentRow, Incident)

_OPEN = INCIDENTS.select().where(IncidentRow.status == IncidentStatus.OPEN)
_IN_STATUS = INCIDENTS.select().where(IncidentRow.status.in_(bindparam("statuses"))).order_by(IncidentRow.id)
ALIVE = IncidentRow.status.in_((IncidentStatus.OPEN, IncidentStatus.RECOVERED))
_UNDRAWN = IncidentRow.revision > IncidentRow.drawn_revision
_UNPOSTED = IncidentRow.audit_count > IncidentRow.audit_posted
UNSETTLED = or_(ALIVE, _UNDRAWN, _UNPOSTED)
_LATEST = INCIDENTS.select().order_by(IncidentRow.id.desc()).limit(1)
_CURRENT = _LATEST.order_by(None).order_by(
    case((IncidentRow.status == IncidentStatus.OPEN, 0), (ALIVE, 1), else_=2),
    IncidentRow.ended_at.desc(),
    IncidentRow.id.desc(),
)


class Incidents(store.Incidents):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, incident: Incident) -> Incident | None:
        return INCIDENTS.insert_new(self._connection, incident)

    def get(self, incident_id: int, *, lock: bool = False) -> Incident:
        return INCIDENTS.get(self._connection, incident_id, lock=lock)

    def open_one(self) -> Incident | None:
        return INCIDENTS.first(self._connection, _OPEN)

    def current(self) -> Incident | None:
        return INCIDENTS.first(self._connection, _CURRENT)

    def latest(self) -> Incident | None:
        return INCIDENTS.first(self._connection, _LATEST)

    def in_status(self, *statuses: IncidentStatus) -> list[Incident]:
        return INCIDENTS.all(self._connection, _IN_STATUS, {"statuses": statuses})

    def set(self, incident_id: int, **fields: object) -> None:
        changes = INCIDENTS.changes(fields, apart_from=("revision",))
        INCIDENTS.update(self._connection, incident_id, {**changes, "revision": IncidentRow.revision + 1})

    def mark_drawn(self, incident_id: int, **fields: object) -> None:
        changes = INCIDENTS.changes(fields, apart_from=("revision",))
        INCIDENTS.update(self._connection, incident_id, changes)
