from datetime import timedelta, timezone

from recovery.audit import FIRST_HASH, Action, AuditEntry, AuditFacts, digest
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
