"""The last step, once open, is locked again when another step is taken up; then its message is written anew."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.due import plan_due
from recovery.errors import Refused
from recovery.state import StepStatus
from recovery.steps import STEPS
from tests.recovery.builders import a_member, a_user
from tests.recovery.people import poll, turn_on
from tests.recovery.world import World


@pytest.fixture
def open_last(ann: World) -> World:
    """Ann has turned on 2FA, everything else was skipped, and Support can be told."""
    ann.with_logins().approved("4")
    turn_on(ann)
    poll(ann)
    ann.vacated()
    assert ann.status("5") is StepStatus.WAITING
    return ann


def tick(world: World) -> None:
    """The bot looks at what is due, and has done nothing about it yet."""
    plan_due(world.tools, STEPS)


def message(world: World) -> str:
    """The message for Support, as it is to be pasted."""
    return str(world.state("5").facts["paste"])


def bob_joins(world: World) -> None:
    world.mailgun.has_user(a_user("bob"))
    world.directory.has(a_member("U-BOB", email="bob@acme.example"))
    poll(world)


def test_someone_who_joins_the_account_locks_it_again(open_last: World) -> None:
    bob_joins(open_last)

    assert open_last.status("4") is StepStatus.RUNNING
    assert open_last.status("5") is StepStatus.LOCKED


def test_two_factor_that_goes_off_again_locks_it_again(open_last: World) -> None:
    open_last.mailgun.change_user("mailgun-ann", tfa_active=False, tfa_created_at=None)
    poll(open_last)

    assert open_last.status("5") is StepStatus.LOCKED


def test_it_opens_again_once_whoever_joined_has_done_their_part_and_the_message_counts_them(open_last: World) -> None:
    assert "1 of 1 user" in message(open_last)
    bob_joins(open_last)
    turn_on(open_last, "bob")
    poll(open_last)
    open_last.all_expected()

    assert open_last.status("5") is StepStatus.WAITING
    assert "2 of 2 users" in message(open_last) and "1 of 1 user" not in message(open_last)
    assert len(open_last.trail(Action.STEP_OPENED)) == 2


def test_a_skipped_step_that_is_approved_after_all_locks_it_again(open_last: World) -> None:
    open_last.press(Ask.APPROVE, "2")
    tick(open_last)

    assert open_last.status("2") is StepStatus.RUNNING
    assert open_last.status("5") is StepStatus.LOCKED


def test_it_stays_locked_while_the_step_that_was_taken_up_needs_attention(open_last: World) -> None:
    open_last.mailgun.fail("set_password", Refused("not allowed", status=400))
    open_last.approved("2")

    assert open_last.status("2") is StepStatus.NEEDS_ATTENTION
    assert open_last.status("5") is StepStatus.LOCKED


def test_it_opens_again_with_what_was_done_meanwhile_in_its_message(open_last: World) -> None:
    assert "not done: not needed here" in step_2_in(message(open_last))
    open_last.approved("2")

    assert open_last.status("5") is StepStatus.WAITING
    assert "new passwords for 1 SMTP login" in step_2_in(message(open_last))


def step_2_in(text: str) -> str:
    """What the message says of step 2."""
    return next(line for line in text.splitlines() if line.startswith("2. "))


def test_support_is_not_told_between_the_taking_up_and_the_locking(open_last: World) -> None:
    open_last.press(Ask.APPROVE, "2")
    answer = open_last.press(Ask.SENT, "5", text="4711")

    assert "not settled" in answer
    assert open_last.incident.ticket is None


def test_a_button_beside_the_earlier_message_does_not_tell_support(open_last: World) -> None:
    earlier = open_last.step("5").about(open_last.state("5"))
    open_last.approved("2")
    open_last.ask(Ask.SENT, about=earlier, text="4711")
    answer = open_last.judged()

    assert "nothing was changed" in answer
    assert open_last.incident.ticket is None
