from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from recovery.state import IncidentStatus, ObligationStatus, Standing
from storage.database import Database
from tests.storage.given import MINUTE, NOON, a_person, a_step, an_obligation, at_once, new_person


def test_a_person_is_in_an_incident_once(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        tx.people.add([new_person(step.incident_id)])
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.people.add([new_person(step.incident_id)])


def test_people_are_read_as_they_were_saved(database: Database) -> None:
    step = a_step(database)
    people = [a_person(database, step.incident_id, f"m{number}") for number in range(3)]
    changed = [
        replace(person, slack_id="U7", reached_at=NOON, standing=Standing.NAMED, next_message_at=NOON)
        for person in people[:2]
    ]
    with database.write() as tx:
        tx.people.save(changed)
        assert tx.people.of(step.incident_id) == [*changed, people[2]]
        assert tx.people.get(people[0].id) == changed[0]


def test_an_obligation_is_settled_once(database: Database) -> None:
    obligation = an_obligation(database, a_step(database))

    def settle() -> bool:
        with database.write() as tx:
            return tx.people.settle(obligation, ObligationStatus.VOUCHED, settled_by="U2", settled_at=NOON)

    assert sorted(at_once([settle] * 4)) == [False] * 3 + [True]
    with database.read() as tx:
        (settled,) = tx.people.obligations_of(obligation.person_id)
    assert (settled.status, settled.version) == (ObligationStatus.VOUCHED, obligation.version + 1)
    assert (settled.settled_by, settled.settled_at) == ("U2", NOON)


def test_obligations_are_listed_by_step_and_by_person(database: Database) -> None:
    first = a_step(database)
    obligation = an_obligation(database, first)
    with database.read() as tx:
        assert tx.people.obligations(first.incident_id) == [obligation]
        assert tx.people.obligations(first.incident_id, first.id) == [obligation]
        assert tx.people.obligations(first.incident_id, first.id + 1) == []
        assert tx.people.obligations_of(obligation.person_id) == [obligation]
        assert tx.people.obligations_of(obligation.person_id + 1) == []


def test_obligations_are_read_as_they_were_saved(database: Database) -> None:
    obligation = an_obligation(database, a_step(database))
    changed = replace(obligation, status=ObligationStatus.EXCUSED, version=2, reason="on leave", told_at=NOON)
    with database.write() as tx:
        tx.people.save_obligations([changed])
        assert tx.people.obligations_of(obligation.person_id) == [changed]


def test_an_incident_is_due_once_somebody_in_it_is_to_be_written_to(database: Database) -> None:
    step = a_step(database)
    a_person(database, step.incident_id, "m1", next_message_at=NOON + MINUTE)
    a_person(database, step.incident_id, "m2")
    with database.read() as tx:
        assert tx.people.due(NOON) == set()
        assert tx.people.due(NOON + MINUTE) == {step.incident_id}


def test_nobody_is_due_once_the_incident_is_closed(database: Database) -> None:
    step = a_step(database)
    a_person(database, step.incident_id, next_message_at=NOON)
    with database.write() as tx:
        tx.incidents.set(step.incident_id, status=IncidentStatus.RECOVERED)
        assert tx.people.due(NOON) == {step.incident_id}
        tx.incidents.set(step.incident_id, status=IncidentStatus.CLOSED)
        assert tx.people.due(NOON) == set()
