"""The audit trail: each entry chained to the one before, under the lock of its incident."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, Select, Text, bindparam, insert, select, type_coerce

from recovery import store
from recovery.audit import FIRST_HASH, Action, AuditEntry, AuditFacts, chained
from recovery.errors import Unreadable
from recovery.posting import POSTED
from recovery.state import TaskStatus
from recovery.thread import MIRROR_AUDIT, POST_AUDIT
from storage.incidents import INCIDENTS
from storage.schema import AuditRow, IncidentRow, TaskRow

_TEXTS = ("actor", "subject", "result", "whom", "previous", "hash")
_COLUMNS = [
    *(getattr(AuditRow, name) for name in ("incident_id", "number", "at", "private", *_TEXTS)),
    # Read as text: a word that this version does not know is for whoever checks the chain, not an error here.
    type_coerce(AuditRow.action, Text).label("action"),
]

_LAST = (
    select(AuditRow.number, AuditRow.hash)
    .where(AuditRow.incident_id == bindparam("incident"))
    .order_by(AuditRow.number.desc())
    .limit(1)
)


class AuditTrail(store.AuditTrail):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, incident_id: int, at: datetime, facts: AuditFacts) -> AuditEntry:
        return self._append(incident_id, at, [facts])[0]

    def append_all(self, incident_id: int, at: datetime, facts: Sequence[AuditFacts]) -> None:
        if facts:
            self._append(incident_id, at, facts)

    def _append(self, incident_id: int, at: datetime, facts: Sequence[AuditFacts]) -> list[AuditEntry]:
        # The lock comes first: whoever appends next reads the last of these as the last.
        INCIDENTS.get(self._connection, incident_id, lock=True)
        last, previous = self._last(incident_id)
        entries: list[AuditEntry] = []
        for number, each in enumerate(facts, start=last + 1):
            # The hash covers the time as it will be read back.
            entries.append(chained(incident_id, number, at.astimezone(UTC), each, previous))
            previous = entries[-1].hash
        self._connection.execute(insert(AuditRow), [_row(entry, at) for entry in entries])
        grown = {"audit_count": last + len(facts), "revision": IncidentRow.revision + 1}
        INCIDENTS.update(self._connection, incident_id, grown)
        return entries

    def entries(self, incident_id: int, after: int = 0, most: int | None = None) -> list[AuditEntry]:
        wanted = (
            select(*_COLUMNS)
            .where(AuditRow.incident_id == incident_id, AuditRow.number > after)
            .order_by(AuditRow.number)
            .limit(most)
        )
        try:
            return self._read(wanted)
        except (ValueError, TypeError):
            raise Unreadable(incident_id, self._first_unreadable(incident_id, after)) from None

    def posted(self, incident_id: int) -> dict[str, dict[int, str]]:
        done = select(TaskRow.payload).where(
            TaskRow.incident_id == incident_id,
            TaskRow.kind.in_((POST_AUDIT, MIRROR_AUDIT)),
            TaskRow.status == TaskStatus.DONE,
        )
        posted: dict[str, dict[int, str]] = {}
        for payload in self._connection.scalars(done):
            if "upto" in payload:
                numbers = range(int(payload["after"]) + 1, int(payload["upto"]) + 1)
                _, ts = payload.get(POSTED) or ("", "")
                posted.setdefault(str(payload["where"]), {}).update(dict.fromkeys(numbers, str(ts)))
        return posted

    def _read(self, wanted: Select[Any]) -> list[AuditEntry]:
        return [_entry(row) for row in self._connection.execute(wanted)]

    def _first_unreadable(self, incident_id: int, after: int) -> int:
        """A result that breaks off cannot be gone on with: they are read again, one by one."""
        of_incident = AuditRow.incident_id == incident_id
        for number in self._connection.scalars(
            select(AuditRow.number).where(of_incident, AuditRow.number > after).order_by(AuditRow.number)
        ).all():
            try:
                self._read(select(*_COLUMNS).where(of_incident, AuditRow.number == number))
            except (ValueError, TypeError):
                return number
        return after + 1

    def _last(self, incident_id: int) -> tuple[int, str]:
        last = self._connection.execute(_LAST, {"incident": incident_id}).first()
        return (0, FIRST_HASH) if last is None else (last.number, last.hash)


def _row(entry: AuditEntry, at: datetime) -> dict[str, Any]:
    return {
        "incident_id": entry.incident_id,
        "number": entry.number,
        "at": at,
        "actor": entry.facts.actor,
        "action": entry.facts.action,
        "subject": entry.facts.subject,
        "result": entry.facts.result,
        "private": entry.facts.private,
        "whom": entry.facts.whom,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _entry(row: Any) -> AuditEntry:
    """The entry in a row. SQLite keeps whatever it is given in a column: what is no text there is a `TypeError`."""
    if not all(isinstance(getattr(row, name), str) for name in (*_TEXTS, "action")):
        raise TypeError("a text is none")
    facts = AuditFacts(row.actor, _action(row.action), row.subject, row.result, bool(row.private), row.whom)
    return AuditEntry(row.incident_id, row.number, row.at, facts, row.previous, row.hash)


def _action(word: str) -> Action:
    try:
        return Action(word)
    except ValueError:
        return cast(Action, word)
