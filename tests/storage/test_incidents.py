from datetime import timedelta, timezone

import pytest

from recovery.audit import Action, AuditFacts
from recovery.errors import Missing
from recovery.state import Incident, IncidentStatus
from storage.database import Database
from storage.errors import NaiveTime
from tests.storage.given import NOON, a_step, an_incident, at_once, new_incident


def test_an_incident_comes_back_as_it_was_stored(database: Database) -> None:
    given = Incident(**{**vars(new_incident()), "watched": ("us/a.example", "eu/b.example")})
    with database.write() as tx:
        stored = tx.incidents.add(given)
    assert stored is not None
    with database.read() as tx:
        assert tx.incidents.get(stored.id) == stored == Incident(**{**vars(given), "id": stored.id})


def test_one_incident_is_open_at_most(database: Database) -> None:
    an_incident(database)
    with database.write() as tx:
        assert tx.incidents.add(new_incident()) is None


def test_of_incidents_opened_at_the_same_moment_one_stays(database: Database) -> None:
    def open_one() -> bool:
        with database.write() as tx:
            return tx.incidents.add(new_incident()) is not None

    assert sorted(at_once([open_one] * 8)) == [False] * 7 + [True]


def test_a_refused_incident_leaves_the_rest_of_its_transaction_alone(database: Database) -> None:
    first = an_incident(database)
    with database.write() as tx:
        tx.incidents.set(first.id, ticket="before")
        tx.incidents.add(new_incident())
        tx.incidents.set(first.id, troubles={"a task": "after"})
    with database.read() as tx:
        assert (tx.incidents.get(first.id).ticket, tx.incidents.get(first.id).troubles) == (
            "before",
            {"a task": "after"},
        )


def test_another_incident_opens_once_the_first_has_recovered(database: Database) -> None:
    first = an_incident(database)
    with database.write() as tx:
        tx.incidents.set(first.id, status=IncidentStatus.RECOVERED)
        second = tx.incidents.add(new_incident())
        assert second is not None and tx.incidents.open_one() == second


def test_the_current_incident_is_the_open_one_then_the_recovered_one_then_the_latest(database: Database) -> None:
    first = an_incident(database)
    cancelled = an_incident(database, IncidentStatus.CANCELLED)

    def current() -> int | None:
        with database.read() as tx:
            incident = tx.incidents.current()
        return incident and incident.id

    assert current() == first.id
    with database.write() as tx:
        tx.incidents.set(first.id, status=IncidentStatus.RECOVERED)
    assert current() == first.id
    opened = an_incident(database)
    assert current() == opened.id
    with database.write() as tx:
        for incident in (first, opened):
            tx.incidents.set(incident.id, status=IncidentStatus.CLOSED)
    assert current() == opened.id
    with database.write() as tx:
        latest = tx.incidents.latest()
    assert latest is not None and latest.id == opened.id != cancelled.id


def test_set_grows_the_revision_and_mark_drawn_does_not(database: Database) -> None:
    incident = an_incident(database)
    with database.write() as tx:
        tx.incidents.set(incident.id, thread_ts="1.2")
        tx.incidents.mark_drawn(incident.id, drawn_revision=1, drawn_board="abc")
        now = tx.incidents.get(incident.id)
    assert (now.thread_ts, now.drawn_board) == ("1.2", "abc")
    assert now.revision == incident.revision + 1 == now.drawn_revision


@pytest.mark.parametrize("name", ["colour", "revision", "id"])
def test_a_field_that_may_not_be_set_is_refused_by_name(database: Database, name: str) -> None:
    incident = an_incident(database)
    with database.write() as tx, pytest.raises(TypeError, match=name):
        tx.incidents.set(incident.id, **{name: 1})


def test_an_incident_that_is_not_there_is_missing(database: Database) -> None:
    with database.read() as tx, pytest.raises(Missing):
        tx.incidents.get(77)
    with database.write() as tx, pytest.raises(Missing):
        tx.incidents.set(77, ticket="x")


def test_a_settled_incident_is_closed_drawn_and_posted(database: Database) -> None:
    incident = an_incident(database, IncidentStatus.CLOSED)
    a_step(database, incident)

    def unsettled() -> list[int]:
        with database.read() as tx:
            return [one.incident.id for one in tx.glance(NOON, "review")]

    assert unsettled() == [incident.id]
    with database.write() as tx:
        tx.incidents.mark_drawn(incident.id, drawn_revision=0)
    assert unsettled() == []
    with database.write() as tx:
        tx.audit.append(incident.id, NOON, AuditFacts("bot", Action.CLOSED))
        tx.incidents.mark_drawn(incident.id, drawn_revision=1)
    assert unsettled() == [incident.id]
    with database.write() as tx:
        tx.incidents.mark_drawn(incident.id, audit_posted=1)
    assert unsettled() == []


def test_a_recovered_incident_is_unsettled_whatever_its_thread_shows(database: Database) -> None:
    incident = an_incident(database, IncidentStatus.RECOVERED)
    a_step(database, incident)
    with database.write() as tx:
        tx.incidents.mark_drawn(incident.id, drawn_revision=9)
        assert [one.incident.id for one in tx.glance(NOON, "review")] == [incident.id]


def test_times_come_back_in_utc_to_the_microsecond(database: Database) -> None:
    incident = an_incident(database)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    with database.write() as tx:
        tx.incidents.set(incident.id, recovered_at=elsewhere)
    with database.read() as tx:
        recovered_at = tx.incidents.get(incident.id).recovered_at
    assert recovered_at is not None
    assert recovered_at.isoformat() == "2026-03-01T12:00:00.123456+00:00"


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    incident = an_incident(database)
    with pytest.raises(NaiveTime), database.write() as tx:
        tx.incidents.set(incident.id, recovered_at=NOON.replace(tzinfo=None))
