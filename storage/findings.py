"""Findings. A decision about one happens once because `move` compares and sets in one UPDATE."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, func, select

from recovery import store
from recovery.findings import Finding, FindingStatus
from storage.rows import Rows
from storage.schema import FindingRow

FINDINGS = Rows(FindingRow, Finding, fixed=("incident_id", "number", "trace"))
_OF = FINDINGS.select().where(FindingRow.incident_id == bindparam("incident")).order_by(FindingRow.number)
_LAST = select(func.max(FindingRow.number)).where(FindingRow.incident_id == bindparam("incident"))
_ONLY_MOVED = ("incident_id", "number", "status", "version")


class Findings(store.Findings):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, incident_id: int) -> list[Finding]:
        return FINDINGS.all(self._connection, _OF, {"incident": incident_id})

    def get(self, finding_id: int) -> Finding:
        return FINDINGS.get(self._connection, finding_id)

    def add(self, incident_id: int, findings: Sequence[Finding]) -> list[Finding]:
        last = self._connection.scalar(_LAST, {"incident": incident_id}) or 0
        numbered = [
            replace(finding, incident_id=incident_id, number=number)
            for number, finding in enumerate(findings, start=last + 1)
        ]
        FINDINGS.insert_all(self._connection, numbered)
        return [finding for finding in self.of(incident_id) if finding.number > last] if numbered else []

    def save(self, findings: Sequence[Finding]) -> None:
        FINDINGS.save_all(self._connection, findings)

    def move(
        self, finding: Finding, sources: Iterable[FindingStatus], to: FindingStatus, **fields: object
    ) -> Finding | None:
        changes = FINDINGS.changes(fields, apart_from=_ONLY_MOVED)
        return self.get(finding.id) if FINDINGS.move(self._connection, finding, sources, to, changes) else None
