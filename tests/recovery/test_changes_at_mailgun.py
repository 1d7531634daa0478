"""What changes at Mailgun while people are asked: how they sign in, whether they may, and the steps themselves."""

from datetime import timedelta

from recovery.account import SignIn
from recovery.actions import Ask
from recovery.content import MarkerKind
from recovery.errors import Uncertain
from recovery.state import ObligationStatus, StepStatus
from tests.recovery.builders import HOUR
from tests.recovery.people import poll, turn_on
from tests.recovery.world import World

TOLD, REMINDER = MarkerKind.CHECKLIST, MarkerKind.REMINDER


def test_who_signs_in_elsewhere_by_now_is_no_longer_shown_what_would_break_that(ann: World) -> None:
    ann.approved("3", "4")
    ann.mailgun.change_user("mailgun-ann", sign_in=SignIn.SINCH)
    poll(ann)

    (message,) = ann.messages_to("U-ANN", TOLD)
    assert "Sinch ID" in message and "I have two-factor on" in message
    assert "login.mailgun.com" not in message


def test_who_has_another_address_by_now_is_called_by_that(ann: World) -> None:
    ann.approved("4")
    ann.mailgun.change_user("mailgun-ann", email="ann.lee@acme.example")
    poll(ann)

    assert "ann.lee@acme.example" in ann.messages_to("U-ANN", TOLD)[0]


def test_who_is_enabled_again_and_has_done_it_is_not_reminded(ann: World) -> None:
    ann.approved("4").later(timedelta(hours=3, minutes=30))
    ann.mailgun.change_user("mailgun-ann", is_disabled=True)
    poll(ann)
    ann.mailgun.change_user("mailgun-ann", is_disabled=False)
    turn_on(ann)
    ann.later(HOUR)

    assert ann.obligation("ann").status is ObligationStatus.DONE
    assert not ann.messages_to("U-ANN", REMINDER)


def test_a_no_stands_though_the_user_was_disabled_for_some_time(ann: World) -> None:
    turn_on(ann)
    ann.approved("4")
    ann.type("mine no", by="U-ANN")
    for is_disabled in (True, False):
        ann.mailgun.change_user("mailgun-ann", is_disabled=is_disabled)
        poll(ann)

    assert ann.obligation("ann").status is ObligationStatus.OPEN
    assert "You said that the change" in ann.messages_to("U-ANN", TOLD)[0]


def test_a_question_that_nobody_answered_is_asked_again_after_the_user_was_disabled(ann: World) -> None:
    turn_on(ann)
    ann.approved("4")
    for is_disabled in (True, False):
        ann.mailgun.change_user("mailgun-ann", is_disabled=is_disabled)
        poll(ann)

    assert ann.obligation("ann").status is ObligationStatus.QUESTIONED


def skipped_when_stuck(ann: World) -> World:
    """Listing the users failed until the step needed attention; by then people were asked all the same."""
    ann.mailgun.fail("users", Uncertain("away"), times=100_000)
    ann.press(Ask.APPROVE, "3")
    ann.work(timedelta(minutes=5))
    assert ann.status("3") is StepStatus.NEEDS_ATTENTION
    ann.mailgun.faults.clear()
    poll(ann)
    assert ann.messages_to("U-ANN", TOLD)
    ann.press(Ask.SKIP, "3", text="no need")
    ann.work()
    return ann


def test_nobody_is_asked_any_more_for_what_was_skipped(ann: World) -> None:
    skipped_when_stuck(ann)
    assert "no longer needed" in ann.messages_to("U-ANN", TOLD)[0]
    for _ in range(8):
        ann.later(4 * HOUR)

    assert not ann.messages_to("U-ANN", REMINDER)


def test_what_was_skipped_and_is_approved_after_all_is_asked_for_again(ann: World) -> None:
    skipped_when_stuck(ann).approved("3")

    assert ann.obligation("ann", "3").is_open
    assert "Reset your Mailgun password" in ann.messages_to("U-ANN", TOLD)[0]
