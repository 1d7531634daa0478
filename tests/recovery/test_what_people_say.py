"""What people say of themselves: done, later, cannot. It is theirs to say, and heard by whom it concerns."""

from datetime import UTC, datetime, timedelta

import pytest

from recovery.account import SignIn
from recovery.actions import Ask
from recovery.audit import Action
from recovery.checklist import MOST_PUT_OFF
from recovery.content import Card, MarkerKind, Menu
from recovery.state import ObligationStatus, StepStatus
from tests.recovery.builders import HOUR, a_member, a_user
from tests.recovery.world import World

TOLD = MarkerKind.CHECKLIST


@pytest.fixture
def sid(world: World) -> World:
    """Sid signs in through Sinch ID, and is asked for both."""
    world.mailgun.has_user(a_user("sid", sign_in=SignIn.SINCH))
    world.directory.has(a_member("U-SID", email="sid@acme.example"))
    return world.opened().approved("3", "4")


def menus(world: World, user_id: str) -> list[Menu]:
    (message,) = world.slack.of_kind(TOLD, f"D-{user_id}")
    assert isinstance(message.content, Card)
    return [control for control in message.content.buttons if isinstance(control, Menu)]


# --- Done, where Mailgun cannot show it -----------------------------------------------------------------


def test_what_the_person_says_and_the_approver_confirms_has_both_names_in_the_trail(sid: World) -> None:
    obligation = sid.obligation("sid")
    sid.press(Ask.DONE, by="U-SID", obligation=str(obligation.id), version=str(obligation.version))
    assert sid.obligation("sid").is_open
    assert "An approver confirms it" in sid.answer
    sid.type("confirm sid@acme.example 4")

    assert sid.obligation("sid").status is ObligationStatus.VOUCHED
    assert sid.trail(Action.SAID_DONE)[0].facts.whom == "U-SID"
    confirmed = sid.trail(Action.VOUCHED)[0].facts
    assert (confirmed.actor, confirmed.whom) == ("U-APP", "U-SID")
    assert "as they said themselves" in confirmed.subject


def test_who_has_said_that_all_is_done_is_not_reminded_meanwhile(sid: World) -> None:
    sid.type("done", by="U-SID")
    for _ in range(3):
        sid.later(24 * HOUR)

    assert [r for r in sid.messages_to("U-SID", MarkerKind.REMINDER) if "One thing more" not in r] == []
    assert "say that they are done" in sid.card("4")


def test_who_has_said_so_has_nothing_to_put_off(sid: World) -> None:
    sid.type("done", by="U-SID")
    sid.work()

    assert menus(sid, "U-SID") == []
    assert "nothing that you would be reminded of now" in sid.type("later hour", by="U-SID")
    assert sid.person("sid").put_off == 0


def test_approvers_see_in_the_list_who_says_so(sid: World) -> None:
    sid.type("done 4", by="U-SID")

    assert "two-factor authentication: says that it is done" in sid.type("people")


def test_what_mailgun_shows_itself_is_not_taken_on_somebodys_word(ann: World) -> None:
    ann.approved("4")

    assert "Mailgun shows that by itself" in ann.type("done", by="U-ANN")
    assert ann.obligation("ann").said_at is None


def test_a_button_for_what_was_settled_meanwhile_changes_nothing(sid: World) -> None:
    obligation = sid.obligation("sid")
    sid.type("confirm sid@acme.example 4")
    said = sid.press(Ask.DONE, by="U-SID", obligation=str(obligation.id), version=str(obligation.version))

    assert "settled meanwhile" in said
    assert not sid.trail(Action.SAID_DONE)


# --- Later ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "wish", "until"),
    [
        # Berlin is an hour ahead of UTC.
        (datetime(2026, 11, 25, 9, 0, tzinfo=UTC), "hour", datetime(2026, 11, 25, 10, 0, tzinfo=UTC)),
        (datetime(2026, 11, 25, 16, 30, tzinfo=UTC), "hour", datetime(2026, 11, 26, 8, 0, tzinfo=UTC)),
        (datetime(2026, 11, 25, 9, 0, tzinfo=UTC), "afternoon", datetime(2026, 11, 25, 14, 0, tzinfo=UTC)),
        (datetime(2026, 11, 25, 15, 0, tzinfo=UTC), "afternoon", datetime(2026, 11, 26, 8, 0, tzinfo=UTC)),
        (datetime(2026, 11, 25, 9, 0, tzinfo=UTC), "tomorrow", datetime(2026, 11, 26, 8, 0, tzinfo=UTC)),
        (datetime(2026, 11, 27, 9, 0, tzinfo=UTC), "tomorrow", datetime(2026, 11, 30, 8, 0, tzinfo=UTC)),
    ],
)
def test_later_is_when_they_wished_within_their_own_hours(ann: World, at: datetime, wish: str, until: datetime) -> None:
    ann.approved("4")
    ann.clock.go_to(at)
    ann.type(f"later {wish}", by="U-ANN")

    next_at = ann.person("ann").next_message_at
    assert next_at is not None and abs(next_at - until) < timedelta(seconds=1)


def test_it_can_be_put_off_three_times_and_then_no_more(ann: World) -> None:
    ann.approved("4")
    for _ in range(MOST_PUT_OFF):
        assert len(menus(ann, "U-ANN")) == 1
        ann.press(Ask.LATER, by="U-ANN", person=str(ann.person("ann").id), chosen="hour")
        ann.work()
    due = ann.person("ann").next_message_at

    assert menus(ann, "U-ANN") == []
    assert "as often as it goes" in ann.type("later tomorrow", by="U-ANN")
    assert ann.person("ann").next_message_at == due
    assert len(ann.trail(Action.PUT_OFF)) == MOST_PUT_OFF


def test_nobody_puts_off_what_is_another_persons(ann: World) -> None:
    ann.approved("4")
    due = ann.person("ann").next_message_at
    ann.press(Ask.LATER, by="U-STRANGER", person=str(ann.person("ann").id), chosen="tomorrow")

    assert "Nothing is asked of you" in ann.answer
    assert ann.person("ann").next_message_at == due


# --- Cannot ---------------------------------------------------------------------------------------------


def test_who_cannot_says_why_and_the_requester_hears_of_it_and_nobody_else(ann: World) -> None:
    ann.approved("4")
    ann.press(Ask.CANNOT, by="U-ANN", text="My phone is broken", person=str(ann.person("ann").id))
    ann.work()
    ann.draw()

    (notice,) = ann.messages_to("U-REQ", MarkerKind.NOTICE)
    assert "My phone is broken" in notice and "Stop reminding" in notice
    elsewhere = [message.words for message in ann.slack.messages if message.place.channel_id == "C-OPS"]
    assert not any("phone" in said for said in elsewhere)
    assert "My phone is broken" in ann.trail(Action.CANNOT)[0].facts.subject


def test_after_saying_so_they_are_reminded_until_somebody_stops_it(ann: World) -> None:
    ann.approved("4")
    ann.type("cannot my phone is broken", by="U-ANN")
    ann.later(timedelta(hours=4, minutes=5))
    assert len(ann.messages_to("U-ANN", MarkerKind.REMINDER)) == 1
    ann.type("stop ann@acme.example gets a new phone on Monday", by="U-REQ")
    ann.later(48 * HOUR)

    assert len(ann.messages_to("U-ANN", MarkerKind.REMINDER)) == 1
    obligation = ann.obligation("ann")
    assert (obligation.status, obligation.settled_by) == (ObligationStatus.EXCUSED, "U-REQ")
    assert obligation.reason == "gets a new phone on Monday"
    assert ann.status("4") is StepStatus.DONE


def test_what_mailgun_shows_after_that_counts_all_the_same(ann: World) -> None:
    ann.approved("4")
    ann.type("stop ann@acme.example on leave")
    ann.mailgun.change_user("mailgun-ann", tfa_active=True, tfa_created_at=ann.clock.now() + timedelta(minutes=1))
    ann.later(timedelta(minutes=6))

    assert ann.obligation("ann").status is ObligationStatus.DONE
