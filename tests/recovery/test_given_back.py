"""A new incident, opened by mistake, is cancelled: the recovered one looks after its people again, as before."""

from datetime import timedelta

import pytest

from recovery.account import SignIn
from recovery.actions import ABOUT_PEOPLE, Ask
from recovery.content import MarkerKind
from recovery.errors import Refused, Uncertain
from recovery.people_asks import PEOPLE_ASKS
from recovery.state import IncidentStatus, ObligationStatus
from tests.recovery.builders import DAY, HOUR, a_member, a_user
from tests.recovery.fakes import words
from tests.recovery.people import MORNING, poll, turn_on
from tests.recovery.world import World

TOLD, REMINDER = MarkerKind.CHECKLIST, MarkerKind.REMINDER


def recovered(world: World) -> World:
    """Everything is done but two-factor authentication."""
    world.clock.go_to(MORNING)
    return world.opened().approved("4").recovered_but_for_two_factor()


def mistaken(world: World) -> World:
    """Another incident is opened, and cancelled."""
    earlier = world.incident.id
    world.opened()
    world.type("cancel opened by mistake")
    world.work()
    assert (world.incident.id, world.incident.status) == (earlier, IncidentStatus.RECOVERED)
    return world


@pytest.fixture
def sid(world: World) -> World:
    """Sid signs in through Sinch ID."""
    world.mailgun.has_user(a_user("sid", sign_in=SignIn.SINCH))
    world.directory.has(a_member("U-SID", email="sid@acme.example"))
    return recovered(world)


def test_check_now_works_again(world: World) -> None:
    world.mailgun.has_user(a_user("ann"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    mistaken(recovered(world))
    world.clock.pass_by(HOUR)
    turn_on(world)
    world.press(Ask.CHECK, by="U-ANN", person=str(world.person("ann").id))
    world.work()

    assert "done. Thank you." in world.answer


def test_what_people_say_of_themselves_is_heard_again(sid: World) -> None:
    mistaken(sid)

    assert "The next reminder comes at" in sid.type("later tomorrow", by="U-SID")
    assert "is told now" in sid.press(Ask.CANNOT, by="U-SID", text="no phone", person=str(sid.person("sid").id))
    assert "An approver confirms it" in sid.type("done", by="U-SID")


def test_what_is_left_can_be_settled_again(sid: World) -> None:
    mistaken(sid)
    assert "sid@acme.example" in sid.type("people")
    sid.type("confirm sid@acme.example 4")

    assert not sid.obligation("sid").is_open


def test_a_question_that_nobody_had_answered_is_asked_again(ann: World) -> None:
    ann.clock.go_to(MORNING)
    turn_on(ann)
    recovered(ann)
    assert ann.obligation("ann").status is ObligationStatus.QUESTIONED
    mistaken(ann)
    poll(ann)

    assert ann.obligation("ann").status is ObligationStatus.QUESTIONED
    assert "Was that you?" in ann.messages_to("U-ANN", TOLD)[0]


def test_an_answer_that_was_given_stands(ann: World) -> None:
    ann.clock.go_to(MORNING)
    turn_on(ann)
    recovered(ann)
    ann.type("mine no", by="U-ANN")
    mistaken(ann)
    poll(ann)

    assert ann.obligation("ann").status is ObligationStatus.OPEN
    assert "You said that the change" in ann.messages_to("U-ANN", TOLD)[0]


def test_who_was_promised_quiet_by_the_mistaken_one_has_it(ann: World) -> None:
    recovered(ann)
    ann.clock.go_to(MORNING + 3 * HOUR)
    ann.opened().approved("4")
    ann.type("later tomorrow", by="U-ANN")
    ann.type("cancel opened by mistake")
    ann.later(6 * HOUR)
    assert not ann.messages_to("U-ANN", REMINDER)

    ann.clock.go_to(MORNING + DAY)
    ann.work()
    assert len(ann.messages_to("U-ANN", REMINDER)) == 1


def test_who_has_asked_for_later_is_not_reminded_before_by_a_new_incident(ann: World) -> None:
    recovered(ann)
    ann.type("later tomorrow", by="U-ANN")
    ann.opened().approved("4")
    assert len(ann.messages_to("U-ANN", TOLD)) == 2
    ann.later(8 * HOUR + timedelta(minutes=30))

    assert not ann.messages_to("U-ANN", REMINDER)


def test_what_the_mistaken_one_has_changed_is_still_handed_over(ann: World) -> None:
    recovered(ann.with_logins("app"))
    ann.opened().vacated("2")
    ann.slack.fail("post", Refused("The conversation is closed.", code="is_archived"), "handover", times=50)
    ann.approved("2")
    ann.type("cancel opened by mistake")
    ann.work()
    assert ann.incident.status is IncidentStatus.RECOVERED and not ann.handed_over
    ann.slack.faults.clear()
    ann.type("reissue all", by="U-REQ")
    ann.work()

    assert len(ann.handed_over) == 2


def test_who_waits_for_a_look_at_mailgun_is_answered_by_the_incident_that_looks_after_them(ann: World) -> None:
    recovered(ann)
    ann.opened().approved("4")
    ann.mailgun.fail("users", Uncertain("Mailgun is away"))
    ann.press(Ask.CHECK, by="U-ANN")
    ann.drain("people.poll")
    ann.type("cancel opened by mistake")
    turn_on(ann)
    before = len(ann.slack.answers)
    ann.work()

    (answer,) = ann.slack.answers[before:]
    assert "done. Thank you." in words(answer[1])


def test_the_requesters_list_says_again_who_cannot_be_reached(ann: World) -> None:
    ann.mailgun.has_user(a_user("zoe"))
    recovered(ann)
    mistaken(ann)

    assert "nobody in Slack has this address" in ann.messages_to("U-REQ", MarkerKind.STRAYS)[0]


def test_once_nobody_is_left_the_incident_that_ended_last_is_the_one_that_people_mean(sid: World) -> None:
    earlier = mistaken(sid).incident.id
    sid.type("confirm sid@acme.example 4")
    sid.work()

    assert (sid.incident.id, sid.incident.status) == (earlier, IncidentStatus.CLOSED)


def test_whatever_is_asked_about_people_is_asked_of_the_incident_that_looks_after_them() -> None:
    assert {*PEOPLE_ASKS, Ask.KEEP_REMINDING} == ABOUT_PEOPLE
