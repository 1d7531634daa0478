"""Who has not done their part is reminded, in their own working hours, until they have."""

from datetime import timedelta

import pytest

from recovery.account import SignIn
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Uncertain
from recovery.state import ObligationStatus
from tests.recovery.builders import HOUR, a_member, a_user
from tests.recovery.people import poll, turn_on
from tests.recovery.world import World


def reminders(world: World, user_id: str = "U-ANN") -> list[str]:
    return world.messages_to(user_id, MarkerKind.REMINDER)


def test_a_reminder_comes_after_the_time_set(ann: World) -> None:
    ann.approved("4").later(timedelta(hours=3, minutes=50))
    assert not reminders(ann)

    ann.later(timedelta(minutes=15))
    assert len(reminders(ann)) == 1
    assert len(ann.trail(Action.PERSON_REMINDED)) == 1


def test_nobody_is_reminded_before_mailgun_was_asked_again(ann: World) -> None:
    ann.approved("4")
    turn_on(ann, at=ann.clock.now() + timedelta(minutes=1))
    ann.later(timedelta(hours=5))

    assert not reminders(ann)
    assert ann.obligation("ann").status is ObligationStatus.DONE


def test_while_mailgun_does_not_answer_nobody_is_reminded(ann: World) -> None:
    ann.approved("4")
    ann.mailgun.fail("users", Uncertain("timed out"), times=1_000)
    ann.later(timedelta(hours=5))

    assert not reminders(ann)


def test_a_reminder_that_could_not_go_out_in_time_waits_for_working_hours(ann: World) -> None:
    ann.approved("4")
    # Due that afternoon; the bot is down until the middle of the night.
    ann.later(timedelta(hours=16))
    assert not reminders(ann)

    ann.later(timedelta(hours=7))
    ann.later(timedelta(minutes=6))
    assert len(reminders(ann)) == 1


def test_what_is_undone_at_night_is_reminded_of_in_working_hours(ann: World) -> None:
    ann.approved("4")
    turn_on(ann)
    poll(ann)
    ann.clock.pass_by(timedelta(hours=14))
    ann.mailgun.change_user("mailgun-ann", tfa_active=False, tfa_created_at=None)
    ann.work()
    ann.later(timedelta(minutes=6))

    assert ann.obligation("ann").is_open
    assert not reminders(ann)


def test_reminders_stop_when_it_is_done(ann: World) -> None:
    ann.approved("4").later(timedelta(hours=4, minutes=5))
    turn_on(ann)
    for _ in range(3):
        ann.later(24 * HOUR)

    assert len(reminders(ann)) == 1


def test_who_signs_in_elsewhere_is_reminded_to_say_so_with_the_button(world: World) -> None:
    world.mailgun.has_user(a_user("sid", sign_in=SignIn.SINCH))
    world.directory.has(a_member("U-SID", email="sid@acme.example"))
    world.opened().approved("4")
    world.later(timedelta(hours=5))
    world.later(timedelta(minutes=6))

    (reminder,) = world.messages_to("U-SID", MarkerKind.REMINDER)
    assert "then press I have two-factor on" in reminder and "login.mailgun.com" not in reminder


def test_a_reminder_that_went_out_before_a_crash_is_in_the_trail_though_it_is_done_by_now(ann: World) -> None:
    ann.approved("4")
    ann.slack.fail("post", SystemExit(), "reminder", after=True)
    ann.clock.pass_by(ann.policy.reminders.every)
    with pytest.raises(SystemExit):
        ann.work()
    ann.start()
    turn_on(ann)
    ann.clock.pass_by(ann.policy.lease)
    poll(ann)

    assert len(ann.messages_to("U-ANN", MarkerKind.REMINDER)) == len(ann.trail(Action.PERSON_REMINDED)) == 1
