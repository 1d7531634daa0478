"""What somebody says of a change in their own account: settled by them, and named to approvers alone."""

from datetime import timedelta

import pytest

from handlers.blocks.trail import sentence
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.state import ObligationStatus, StepStatus
from recovery.text import plain
from tests.recovery.people import poll, turn_on
from tests.recovery.world import World


@pytest.fixture
def doubted(ann: World) -> World:
    """2FA went on in the incident, before Ann was first reached."""
    turn_on(ann)
    ann.approved("4")
    poll(ann)
    return ann


def test_a_doubtful_change_is_asked_about(doubted: World) -> None:
    assert doubted.obligation("ann").status is ObligationStatus.QUESTIONED
    assert "Was that you?" in doubted.messages_to("U-ANN", MarkerKind.CHECKLIST)[0]
    assert doubted.status("4") is StepStatus.RUNNING


def test_yes_counts_as_done_and_says_who_said_so(doubted: World) -> None:
    doubted.type("mine yes", by="U-ANN")
    doubted.work()

    assert doubted.obligation("ann").status is ObligationStatus.DONE
    assert doubted.obligation("ann").settled_by == "U-ANN"
    assert doubted.status("4") is StepStatus.DONE


def test_no_counts_as_not_done_and_is_in_the_trail(doubted: World) -> None:
    answer = doubted.type("mine no", by="U-ANN")
    doubted.work()

    assert doubted.obligation("ann").status is ObligationStatus.OPEN
    assert "U-REQ" in answer
    assert len(doubted.trail(Action.DISOWNED)) == 1


def test_after_a_no_the_same_change_is_not_asked_about_again(doubted: World) -> None:
    doubted.type("mine no", by="U-ANN")
    poll(doubted)

    assert doubted.obligation("ann").status is ObligationStatus.OPEN


def test_after_a_no_a_change_of_their_own_counts(doubted: World) -> None:
    doubted.type("mine no", by="U-ANN")
    turn_on(doubted)
    poll(doubted)

    assert doubted.obligation("ann").status is ObligationStatus.DONE


def test_only_the_person_themself_can_say(doubted: World) -> None:
    assert "no question open for you" in doubted.type("mine yes", by="U-APP")
    assert doubted.obligation("ann").status is ObligationStatus.QUESTIONED


def test_a_question_is_settled_when_they_do_it_anew(doubted: World) -> None:
    turn_on(doubted)
    poll(doubted)

    assert doubted.obligation("ann").status is ObligationStatus.DONE


def test_two_factor_that_its_owner_called_their_own_is_asked_for_again_when_it_goes_off(doubted: World) -> None:
    doubted.type("mine yes", by="U-ANN")
    doubted.work()
    doubted.mailgun.change_user("mailgun-ann", tfa_active=False, tfa_created_at=None)
    poll(doubted)

    assert doubted.obligation("ann").is_open


@pytest.fixture
def asked_twice(ann: World) -> World:
    """Ann's password and 2FA both changed in the incident before she was reached: two questions are open."""
    turn_on(ann)
    ann.mailgun.change_user("mailgun-ann", password_updated_at=ann.clock.now())
    poll(ann.approved("3", "4"))
    return ann


def test_a_typed_answer_is_the_answer_to_every_open_question(asked_twice: World) -> None:
    asked_twice.type("mine yes", by="U-ANN")

    assert [asked_twice.obligation("ann", step).status for step in ("3", "4")] == [ObligationStatus.DONE] * 2


@pytest.mark.parametrize(("said", "action"), [("yes", Action.OWNED), ("no", Action.DISOWNED)])
def test_the_trail_keeps_who_said_so_and_the_thread_does_not(asked_twice: World, said: str, action: Action) -> None:
    asked_twice.type(f"mine {said}", by="U-ANN")
    entry, _ = asked_twice.trail(action)

    assert entry.facts.whom == "U-ANN"
    assert "U-ANN" not in plain(sentence(entry)) and "ann" not in plain(sentence(entry))


def test_a_reminder_of_a_question_asks_for_the_answer(asked_twice: World) -> None:
    asked_twice.later(asked_twice.policy.reminders.every)

    reminders = asked_twice.messages_to("U-ANN", MarkerKind.REMINDER)
    assert reminders[-1].count("Please answer the question above") >= 2


def test_a_question_is_put_in_a_reply_at_once_whatever_the_hour(ann: World) -> None:
    ann.clock.pass_by(timedelta(hours=12))
    turned_on_at = ann.clock.now()
    ann.approved("4")
    turn_on(ann, at=turned_on_at)
    poll(ann)

    (reply,) = ann.messages_to("U-ANN", MarkerKind.REMINDER)
    assert "A question about your Mailgun user" in reply and "was that change at Mailgun yours?" in reply
    assert ann.person("ann").reminders == 0


def test_a_change_that_was_there_when_the_step_began_is_asked_about_in_the_first_message(ann: World) -> None:
    turn_on(ann)
    ann.approved("4")

    (asked,) = ann.messages_to("U-ANN", MarkerKind.CHECKLIST)
    assert "Was that you?" in asked and "Yes, that was me" in asked
    assert ann.obligation("ann").status is ObligationStatus.QUESTIONED


def test_the_requester_hears_of_each_change_that_was_not_its_owners(asked_twice: World) -> None:
    asked_twice.type("mine no", by="U-ANN")
    asked_twice.work()

    assert len(asked_twice.messages_to("U-REQ", MarkerKind.NOTICE)) == 2


def test_what_was_disowned_is_not_asked_for_as_if_it_were_missing(doubted: World) -> None:
    doubted.type("mine no", by="U-ANN")
    doubted.work()

    (asked,) = doubted.messages_to("U-ANN", MarkerKind.CHECKLIST)
    assert "the change which Mailgun shows was not yours" in asked


def test_an_approver_does_not_answer_for_somebody_who_can_be_asked(ann: World) -> None:
    turn_on(ann)
    ann.approved("4")

    assert "it counts once they say so" in ann.type("confirm ann@acme.example 4")
    assert ann.obligation("ann").is_open


def test_the_requester_hears_at_once_that_a_change_was_not_its_owners(doubted: World) -> None:
    doubted.type("mine no", by="U-ANN")
    doubted.work()

    (notice,) = doubted.messages_to("U-REQ", MarkerKind.NOTICE)
    assert "U-ANN" in notice or "ann@acme.example" in notice
    assert "was not theirs" in notice and "take two-factor authentication off their user" in notice
    assert doubted.obligation("ann").is_open
