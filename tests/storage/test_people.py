import pytest
from sqlalchemy.exc import IntegrityError

from recovery.state import IncidentStatus, ObligationStatus
from storage.database import Database
from tests.storage.given import MINUTE, NOON, a_step, an_obligation, at_once, new_person


def test_a_person_is_in_an_incident_once(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        person = tx.people.add(new_person(step.incident_id))
        tx.people.set(person.id, slack_id="U7", reached_at=NOON)
        assert [one.slack_id for one in tx.people.of(step.incident_id)] == ["U7"]
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.people.add(new_person(step.incident_id))


def test_an_obligation_is_settled_once(database: Database) -> None:
    obligation = an_obligation(database, a_step(database))

    def settle() -> bool:
        with database.write() as tx:
            return tx.people.settle(obligation, "vouched", settled_by="U2", settled_at=NOON)

    assert sorted(at_once([settle] * 4)) == [False] * 3 + [True]
    with database.read() as tx:
        settled = tx.people.obligation(obligation.id)
    assert (settled.status, settled.version) == (ObligationStatus.VOUCHED, obligation.version + 1)
    assert (settled.settled_by, settled.settled_at) == ("U2", NOON)


def test_obligations_are_listed_by_step(database: Database) -> None:
    first = a_step(database)
    obligation = an_obligation(database, first)
    with database.read() as tx:
        assert tx.people.obligations(first.incident_id) == [obligation]
        assert tx.people.obligations(first.incident_id, first.id) == [obligation]
        assert tx.people.obligations(first.incident_id, first.id + 1) == []


def test_an_obligation_that_somebody_still_has_to_meet_is_due_at_its_reminder(database: Database) -> None:
    step = a_step(database)
    questioned = ObligationStatus.QUESTIONED
    soon = NOON + MINUTE
    opened = an_obligation(database, step, "m1", next_reminder_at=soon)
    asked = an_obligation(database, step, "m2", next_reminder_at=soon, status=questioned)
    an_obligation(database, step, "m3", next_reminder_at=soon, status=ObligationStatus.DONE)
    an_obligation(database, step, "m4")
    with database.read() as tx:
        assert tx.people.due(NOON) == []
        assert tx.people.due(soon) == [opened, asked]


def test_nobody_is_due_once_the_incident_is_closed(database: Database) -> None:
    step = a_step(database)
    an_obligation(database, step, next_reminder_at=NOON)
    with database.write() as tx:
        tx.incidents.set(step.incident_id, status=IncidentStatus.RECOVERED)
        assert len(tx.people.due(NOON)) == 1
        tx.incidents.set(step.incident_id, status=IncidentStatus.CLOSED)
        assert tx.people.due(NOON) == []


def test_setting_an_obligation_leaves_its_version_alone(database: Database) -> None:
    obligation = an_obligation(database, a_step(database))
    with database.write() as tx:
        tx.people.set_obligation(obligation.id, reminders=2)
        now = tx.people.obligation(obligation.id)
        with pytest.raises(TypeError, match="version"):
            tx.people.set_obligation(obligation.id, version=5)
    assert (now.reminders, now.version) == (2, obligation.version)
