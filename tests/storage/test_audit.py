from datetime import timedelta, timezone

import pytest
from sqlalchemy import text

from recovery.audit import FIRST_HASH, Action, AuditEntry, AuditFacts, digest
from recovery.errors import Unreadable
from recovery.state import NewTask, TaskStatus
from storage.database import Database
from tests.storage.given import NOON, an_incident, at_once


def intact(entries: list[AuditEntry]) -> bool:
    """Whether numbers and hashes are those of a chain in which nothing was changed or left out."""
    previous = FIRST_HASH
    for number, entry in enumerate(entries, start=1):
        if (entry.number, entry.previous, entry.hash) != (number, previous, digest(entry)):
            return False
        previous = entry.hash
    return True


def test_entries_of_eight_threads_make_one_chain(database: Database) -> None:
    incident = an_incident(database)

    def append() -> None:
        for number in range(5):
            with database.write() as tx:
                tx.audit.append(incident.id, NOON, AuditFacts("bot", Action.NOTED, f"note {number}"))

    at_once([append] * 8)
    with database.read() as tx:
        entries = tx.audit.entries(incident.id)
        grown = tx.incidents.get(incident.id)
    assert len(entries) == 40 == grown.audit_count == grown.revision
    assert intact(entries)


def test_an_entry_is_read_back_as_it_was_appended(database: Database) -> None:
    incident = an_incident(database)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    facts = AuditFacts("U1", Action.VOUCHED, "Ann", "2FA", private=True)
    with database.write() as tx:
        appended = tx.audit.append(incident.id, elsewhere, facts)
    with database.read() as tx:
        assert tx.audit.entries(incident.id) == [appended]
    assert appended.hash == digest(appended)


def test_entries_are_read_in_order_from_a_number_on(database: Database) -> None:
    incident = an_incident(database)
    with database.write() as tx:
        for _ in range(5):
            tx.audit.append(incident.id, NOON, AuditFacts("bot", Action.NOTED))
        assert [entry.number for entry in tx.audit.entries(incident.id, after=2)] == [3, 4, 5]
        assert [entry.number for entry in tx.audit.entries(incident.id, after=1, most=2)] == [2, 3]


def test_each_incident_has_its_own_chain(database: Database) -> None:
    from_one = an_incident(database)
    with database.write() as tx:
        tx.incidents.set(from_one.id, status="closed")
        tx.audit.append(from_one.id, NOON, AuditFacts("bot", Action.CLOSED))
    from_two = an_incident(database)
    with database.write() as tx:
        assert tx.audit.append(from_two.id, NOON, AuditFacts("bot", Action.OPENED)).previous == FIRST_HASH


def noted(database: Database, many: int = 3) -> int:
    """An incident with so many entries; its id."""
    incident = an_incident(database)
    with database.write() as tx:
        for number in range(many):
            tx.audit.append(incident.id, NOON, AuditFacts("bot", Action.NOTED, f"note {number}"))
    return incident.id


def tamper(database: Database, change: str) -> None:
    with database._writing.begin() as connection:
        connection.execute(text(f"UPDATE audit_entries SET {change} WHERE number = 2"))


def test_a_word_that_no_version_knows_is_read_for_whoever_checks_the_chain(database: Database) -> None:
    incident_id = noted(database)
    tamper(database, "action = 'forgot'")
    with database.read() as tx:
        entries = tx.audit.entries(incident_id)

    assert entries[1].facts.action == "forgot"
    assert entries[1].hash != digest(entries[1])


@pytest.mark.parametrize("change", ["at = 'yesterday'", "subject = x'00ff'", "hash = x'00'"])
def test_an_entry_that_is_none_any_more_is_named(database: Database, change: str) -> None:
    if database._writing.dialect.name != "sqlite":
        pytest.skip("only SQLite keeps whatever it is given")
    incident_id = noted(database)
    tamper(database, change)
    with database.read() as tx, pytest.raises(Unreadable, match="Entry 2 ") as raised:
        tx.audit.entries(incident_id)
    assert raised.value.number == 2


def test_what_was_posted_is_told_by_where_with_its_message(database: Database) -> None:
    incident_id = noted(database)
    payloads = [
        {"where": "thread", "after": 0, "upto": 2, "posted": ["db:1:thread:1-2", "100.0"]},
        {"where": "thread", "after": 2, "upto": 3},
        {"where": "C-AUDIT", "after": 1, "upto": 3, "posted": ["db:1:C-AUDIT:2-3", "200.0"]},
        {"where": "thread", "after": 3},
    ]
    with database.write() as tx:
        for number, payload in enumerate(payloads):
            kind = "thread.audit" if payload["where"] == "thread" else "thread.mirror"
            tx.tasks.add([NewTask(kind, f"key {number}", incident_id, payload=payload)])
        unfinished = NewTask("thread.audit", "unfinished", incident_id, payload={**payloads[0], "upto": 9})
        while tasks := tx.tasks.claim(["thread.audit", "thread.mirror"], {}, 1, NOON, NOON + timedelta(hours=1)):
            tx.tasks.end(tasks[0], TaskStatus.DONE, NOON)
        tx.tasks.add([unfinished])
        assert tx.audit.posted(incident_id) == {
            "thread": {1: "100.0", 2: "100.0", 3: ""},
            "C-AUDIT": {2: "200.0", 3: "200.0"},
        }
