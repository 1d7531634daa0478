"""Incidents. A unique index lets one be open; `revision` says that the thread has something new to show."""

from sqlalchemy import Connection, or_

from recovery import store
from recovery.state import Incident, IncidentStatus
from storage.rows import Rows
from storage.schema import IncidentRow

INCIDENTS = Rows(IncidentRow, Incident)


class Incidents(store.Incidents):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, incident: Incident) -> Incident | None:
        return INCIDENTS.insert_new(self._connection, incident)

    def get(self, incident_id: int, *, lock: bool = False) -> Incident:
        return INCIDENTS.get(self._connection, incident_id, lock=lock)

    def open_one(self) -> Incident | None:
        return INCIDENTS.first(self._connection, INCIDENTS.select().where(IncidentRow.status == IncidentStatus.OPEN))

    def latest(self) -> Incident | None:
        newest = INCIDENTS.select().order_by(IncidentRow.id.desc()).limit(1)
        return self.open_one() or INCIDENTS.first(self._connection, newest)

    def in_status(self, *statuses: IncidentStatus) -> list[Incident]:
        query = INCIDENTS.select().where(IncidentRow.status.in_(statuses)).order_by(IncidentRow.id)
        return INCIDENTS.all(self._connection, query)

    def unsettled(self) -> list[Incident]:
        goes_on = IncidentRow.status.in_((IncidentStatus.OPEN, IncidentStatus.RECOVERED))
        undrawn = IncidentRow.revision > IncidentRow.drawn_revision
        unposted = IncidentRow.audit_count > IncidentRow.audit_posted
        query = INCIDENTS.select().where(or_(goes_on, undrawn, unposted)).order_by(IncidentRow.id)
        return INCIDENTS.all(self._connection, query)

    def set(self, incident_id: int, **fields: object) -> None:
        changes = INCIDENTS.changes(fields, apart_from=("revision",))
        INCIDENTS.update(self._connection, incident_id, {**changes, "revision": IncidentRow.revision + 1})

    def mark_drawn(self, incident_id: int, **fields: object) -> None:
        changes = INCIDENTS.changes(fields, apart_from=("revision",))
        INCIDENTS.update(self._connection, incident_id, changes)
