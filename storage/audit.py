"""The audit trail: each entry chained to the one before, under the lock of its incident."""

from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from recovery import store
from recovery.audit import FIRST_HASH, AuditEntry, AuditFacts, chained
from storage.incidents import INCIDENTS
from storage.schema import AuditRow, IncidentRow


class AuditTrail(store.AuditTrail):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, incident_id: int, at: datetime, facts: AuditFacts) -> AuditEntry:
        # The lock comes first: whoever appends next reads this entry as the last.
        INCIDENTS.get(self._connection, incident_id, lock=True)
        number, previous = self._last(incident_id)
        # The hash covers the time as it will be read back.
        entry = chained(incident_id, number + 1, at.astimezone(UTC), facts, previous)
        self._connection.execute(
            insert(AuditRow).values(
                incident_id=incident_id,
                number=entry.number,
                at=at,
                actor=facts.actor,
                action=facts.action,
                subject=facts.subject,
                result=facts.result,
                private=facts.private,
                whom=facts.whom,
                previous=entry.previous,
                hash=entry.hash,
            )
        )
        grown = {"audit_count": entry.number, "revision": IncidentRow.revision + 1}
        INCIDENTS.update(self._connection, incident_id, grown)
        return entry

    def entries(self, incident_id: int, after: int = 0, most: int | None = None) -> list[AuditEntry]:
        rows = self._connection.execute(
            select(AuditRow.__table__)
            .where(AuditRow.incident_id == incident_id, AuditRow.number > after)
            .order_by(AuditRow.number)
            .limit(most)
        )
        return [
            AuditEntry(
                row.incident_id,
                row.number,
                row.at,
                AuditFacts(row.actor, row.action, row.subject, row.result, row.private, row.whom),
                row.previous,
                row.hash,
            )
            for row in rows
        ]

    def _last(self, incident_id: int) -> tuple[int, str]:
        last = self._connection.execute(
            select(AuditRow.number, AuditRow.hash)
            .where(AuditRow.incident_id == incident_id)
            .order_by(AuditRow.number.desc())
            .limit(1)
        ).first()
        return (0, FIRST_HASH) if last is None else (last.number, last.hash)
