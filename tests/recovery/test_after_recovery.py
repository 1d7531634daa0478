"""The account works again: people are still reminded, secrets issued anew, until nobody is left."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Refused
from recovery.state import Incident, IncidentStatus, Obligation, ObligationStatus, StepStatus
from tests.recovery.builders import DAY, a_member
from tests.recovery.people import poll, turn_on
from tests.recovery.world import POSTMASTER, World


@pytest.fixture
def recovered(ann: World) -> World:
    """Step 2 is done, Support was told, the account works; Ann has not turned on 2FA yet."""
    ann.with_logins().approved("2", "4").press(Ask.KEEP_REMINDING, "4")
    return tell_support(ann.vacated("2", "4"))


def tell_support(world: World) -> World:
    world.press(Ask.SENT, "5", text="4711")
    world.work()
    return world


def fail_to_issue_anew(world: World) -> None:
    """What was handed over is to be issued anew, and Slack refuses the message."""
    world.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    world.type("reissue all", by="U-REQ")
    world.work()
    assert world.status("2") is StepStatus.NEEDS_ATTENTION


def of_incident(world: World, incident: Incident) -> tuple[Incident, list[Obligation]]:
    """An incident as it stands now, and what it asks of people."""
    with world.database.read() as tx:
        return tx.incidents.get(incident.id), list(tx.people.obligations(incident.id))


def test_it_stays_open_to_remind_people_and_closes_when_nobody_is_left(recovered: World) -> None:
    assert recovered.incident.status is IncidentStatus.RECOVERED
    turn_on(recovered)
    poll(recovered)

    assert recovered.incident.status is IncidentStatus.CLOSED
    assert len(recovered.trail(Action.CLOSED)) == 1


# --- Issuing anew after recovery ------------------------------------------------------------------------


def test_secrets_that_could_not_be_issued_anew_keep_it_from_closing(recovered: World) -> None:
    fail_to_issue_anew(recovered)
    turn_on(recovered)
    poll(recovered)

    assert not recovered.obligation("ann").is_open
    assert recovered.incident.status is IncidentStatus.RECOVERED


def test_a_retry_hands_them_over_and_lets_it_close(recovered: World) -> None:
    fail_to_issue_anew(recovered)
    turn_on(recovered)
    poll(recovered)
    recovered.press(Ask.RETRY, "2")
    recovered.work()

    assert recovered.handed_over[-1] == recovered.mailgun.password_of(POSTMASTER)
    assert recovered.status("2") is StepStatus.DONE
    assert recovered.incident.status is IncidentStatus.CLOSED


def test_a_retry_works_although_the_incident_had_closed_before(world: World) -> None:
    tell_support(world.with_logins().opened().approved("2").vacated("2"))
    assert world.incident.status is IncidentStatus.CLOSED
    fail_to_issue_anew(world)
    world.press(Ask.RETRY, "2")
    world.work()

    assert world.handed_over[-1] == world.mailgun.password_of(POSTMASTER)
    assert world.status("2") is StepStatus.DONE


def test_nothing_is_approved_once_the_incident_has_closed(world: World) -> None:
    tell_support(world.with_logins().opened().approved("2").vacated("2"))

    assert "has ended" in world.press(Ask.APPROVE, "3")
    assert world.status("3") is StepStatus.SKIPPED


# --- The next incident ----------------------------------------------------------------------------------


def test_a_new_incident_takes_the_people_of_a_recovered_one(recovered: World) -> None:
    earlier = recovered.incident
    recovered.opened()

    incident, asked = of_incident(recovered, earlier)
    assert recovered.incident.id != earlier.id
    assert incident.status is IncidentStatus.CLOSED
    assert [obligation.status for obligation in asked] == [ObligationStatus.DROPPED]


def test_the_trail_of_the_earlier_one_says_who_looks_after_its_people(recovered: World) -> None:
    (earlier,) = {entry.incident_id for entry in recovered.trail()}
    recovered.opened()

    with recovered.database.read() as tx:
        closed = [entry for entry in tx.audit.entries(earlier) if entry.facts.action is Action.CLOSED]
    assert [entry.facts.result for entry in closed] == [
        f"its people are looked after by incident {recovered.incident.id}"
    ]


def test_nobody_is_reminded_for_the_earlier_one_any_more(recovered: World) -> None:
    recovered.opened()
    for _ in range(2):
        recovered.later(DAY)

    assert not recovered.messages_to("U-ANN", MarkerKind.REMINDER)
    assert "Nothing is asked of you" in recovered.messages_to("U-ANN", MarkerKind.CHECKLIST)[0]


def test_the_new_one_asks_everybody_itself(recovered: World) -> None:
    recovered.opened().approved("4")

    _, asked = recovered.messages_to("U-ANN", MarkerKind.CHECKLIST)
    assert "Turn on two-factor authentication" in asked
    assert recovered.obligation("ann").is_open


def test_who_was_identified_is_known_in_the_next_incident_too(recovered: World) -> None:
    person = recovered.person("ann")
    recovered.directory.has(a_member("U-ANNE", email="anne@private.example"))
    recovered.press(Ask.IDENTIFY, chosen="U-ANNE", person=str(person.id), version=str(person.version))
    recovered.work()
    recovered.opened().approved("4")

    assert len(recovered.messages_to("U-ANNE", MarkerKind.CHECKLIST)) == 2
