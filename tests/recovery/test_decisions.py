"""A decision happens once; whoever comes second is told who decided and when."""

from collections.abc import Callable

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import Later, Refused, Uncertain
from recovery.state import StepStatus
from tests.recovery.world import APPROVER, REQUESTER, STRANGER, World

SMTP = "smtp_credentials.begin"


def test_whoever_approves_second_is_told_who_did_and_when(world: World) -> None:
    world.with_logins().opened()
    about = world.step("2").about(world.state("2"))
    world.ask(Ask.APPROVE, APPROVER, about=about)
    world.judged()
    first = world.state("2")

    world.ask(Ask.APPROVE, REQUESTER, about=about)
    answer = world.judged()

    assert "approved by U-APP" in answer
    assert f"{first.decided_at:%Y-%m-%d %H:%M}" in answer
    assert world.state("2") == first
    assert len(world.trail(Action.APPROVED)) == 1


def test_a_double_click_begins_the_work_once(world: World) -> None:
    world.with_logins().opened()
    about = world.step("2").about(world.state("2"))
    for _ in range(2):
        world.ask(Ask.APPROVE, APPROVER, about=about)
    world.work()

    assert len(world.tasks("2", kind=SMTP)) == 1
    assert len(world.slack.handovers) == 1


def test_a_repeated_delivery_is_judged_once(world: World) -> None:
    world.with_logins().opened()
    world.ask(Ask.APPROVE, about=world.step("2").about(world.state("2")))
    world.requests -= 1
    world.ask(Ask.APPROVE, about=world.step("2").about(world.state("2")))
    world.judged()

    assert len(world.trail(Action.APPROVED)) == 1


def test_a_button_drawn_before_the_last_change_is_refused(world: World) -> None:
    world.with_logins().opened()
    old = world.step("2").about(world.state("2"))
    world.press(Ask.SKIP, "2", text="no SMTP here")

    world.ask(Ask.APPROVE, about=old)
    answer = world.judged()

    assert world.status("2") is StepStatus.SKIPPED
    assert "skipped by U-APP" in answer


def test_what_a_button_does_can_be_typed(world: World) -> None:
    world.with_logins().opened()

    assert "approved" in world.type("approve 2")
    assert world.status("2") is StepStatus.RUNNING


def test_a_skipped_step_can_be_approved_after_all(world: World) -> None:
    world.with_logins().opened()
    world.press(Ask.SKIP, "2", text="later")

    world.approved("2")

    assert world.status("2") is StepStatus.DONE
    assert world.mailgun.password_of("us/mg.acme.example/postmaster@mg.acme.example")


def test_a_skip_keeps_its_reason_for_everyone_to_see(world: World) -> None:
    world.opened().press(Ask.SKIP, "2", text="we send by API alone")
    world.work()

    assert "we send by API alone" in world.board
    assert "we send by API alone" in world.card("2")
    assert world.trail(Action.SKIPPED)[0].facts.result == "we send by API alone"


def test_a_running_step_is_not_skipped(world: World) -> None:
    world.with_logins().opened()
    world.press(Ask.APPROVE, "2")

    answer = world.type("skip 2 changed my mind")

    assert world.status("2") is StepStatus.RUNNING
    assert "nothing was changed" in answer


def test_a_done_step_is_neither_approved_nor_skipped_nor_retried(world: World) -> None:
    world.with_logins().opened().approved("2")
    done = world.state("2")

    for typed in ("approve 2", "skip 2 why not", "retry 2"):
        assert "nothing was changed" in world.type(typed)
    assert world.state("2").version == done.version


def test_a_step_that_waits_has_nothing_to_retry(world: World) -> None:
    world.opened()

    assert "nothing was changed" in world.type("retry 2")
    assert world.status("2") is StepStatus.WAITING


@pytest.mark.parametrize("typed", ["approve 5", "approve 6"])
def test_a_step_with_buttons_of_its_own_is_not_approved(world: World, typed: str) -> None:
    world.opened()

    assert "buttons of its own" in world.type(typed)


def test_retry_repeats_only_what_failed(world: World) -> None:
    world.with_logins("good", "bad").opened()
    world.mailgun.fail("set_password", Refused("no, says Mailgun", status=400), "bad@")
    world.approved("2")
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    kept = world.mailgun.password_of("us/mg.acme.example/good@mg.acme.example")

    assert "1 task" in world.press(Ask.RETRY, "2")
    world.work()

    assert world.status("2") is StepStatus.DONE
    assert world.mailgun.passwords["us/mg.acme.example/good@mg.acme.example"] == [kept]
    assert len(world.mailgun.passwords["us/mg.acme.example/bad@mg.acme.example"]) == 1


def test_what_failed_is_named_one_by_one(world: World) -> None:
    world.with_logins("good", "bad", "worse").opened()
    world.mailgun.fail("set_password", Refused("no, says Mailgun", status=400), "bad@")
    world.mailgun.fail("set_password", Refused("never", status=400), "worse@")
    world.approved("2")

    assert "bad@mg.acme.example: no, says Mailgun" in world.card("2")
    assert "worse@mg.acme.example: never" in world.card("2")
    assert "good@" not in world.card("2")
    assert "2 failures" in world.board


def test_a_step_that_needs_attention_can_be_skipped_and_drops_its_failures(world: World) -> None:
    world.with_logins("bad").opened()
    world.mailgun.fail("set_password", Refused("no", status=400), "bad@")
    world.approved("2")

    world.press(Ask.SKIP, "2", text="that login is unused")

    assert world.status("2") is StepStatus.SKIPPED
    assert not world.failures("2")


def test_someone_who_may_not_decide_gets_a_private_no(world: World) -> None:
    world.opened()
    answer = world.press(Ask.APPROVE, "2", by=STRANGER)

    assert "not among those who may decide" in answer
    assert world.status("2") is StepStatus.WAITING


def test_if_slack_cannot_be_asked_nothing_changes_and_the_person_is_told(world: World) -> None:
    world.opened()
    world.directory.trouble = Uncertain("Slack does not answer")
    answer = world.press(Ask.APPROVE, "2")

    assert world.status("2") is StepStatus.WAITING
    assert "nothing was changed" in answer


def test_a_short_trouble_of_slack_only_delays_a_decision(world: World) -> None:
    world.opened()
    world.directory.trouble = Later("slow down", seconds=5)
    world.ask(Ask.APPROVE, about=world.step("2").about(world.state("2")))
    world.drain()
    world.directory.trouble = None
    world.work()

    assert world.status("2") is not StepStatus.WAITING


@pytest.mark.parametrize("ask", [Ask.APPROVE, Ask.SKIP, Ask.RETRY])
def test_a_button_about_a_step_that_this_version_lacks_is_answered_in_words(world: World, ask: Ask) -> None:
    world.opened()
    world.ask(ask, about={"step": "teleport"}, text="why")

    assert world.judged()


@pytest.mark.parametrize("ask", [Ask.SAVED, Ask.REISSUE])
def test_a_button_about_a_handover_that_is_not_there_is_answered_in_words(world: World, ask: Ask) -> None:
    world.opened()
    world.ask(ask, about={"handover": "999"})

    assert world.judged()


def test_an_unknown_button_is_answered_in_words(world: World) -> None:
    world.opened()
    world.ask(Ask.UNKNOWN)

    assert "Nothing was changed" in world.judged()


def test_a_button_of_an_incident_that_has_ended_changes_nothing(world: World) -> None:
    world.opened()
    old = world.step("2").about(world.state("2"))
    world.press(Ask.CANCEL, text="false alarm")
    world.ask(Ask.APPROVE, about=old)

    assert "has ended" in world.judged()
    assert world.status("2") is StepStatus.CANCELLED


def test_a_button_of_an_earlier_incident_does_not_touch_the_new_one(world: World) -> None:
    world.opened()
    old = world.step("2").about(world.state("2"))
    world.press(Ask.CANCEL, text="false alarm")
    world.opened()
    world.ask(Ask.APPROVE, about=old)

    assert "has ended" in world.judged()
    assert world.status("2") is StepStatus.WAITING


def test_an_answer_that_a_crash_withheld_is_given_whole_after_it(world: World) -> None:
    world.opened()
    world.slack.fail("answer", Uncertain("no answer from Slack"))
    answer = world.type("status")

    assert "1. Reset API keys: waits for a decision" in answer


# --- Two people ---------------------------------------------------------------------------------------


@pytest.fixture
def careful(make_world: Callable[..., World]) -> World:
    return make_world(two_person=True).with_logins()


@pytest.mark.parametrize("step", ["1", "2"])
def test_where_two_are_needed_the_requester_cannot_approve_what_hands_them_secrets(careful: World, step: str) -> None:
    careful.opened()
    answer = careful.press(Ask.APPROVE, step, by=REQUESTER)

    assert careful.status(step) is StepStatus.WAITING
    assert "break the glass" in answer


def test_where_two_are_needed_another_approver_can(careful: World) -> None:
    careful.opened().press(Ask.APPROVE, "2", by=APPROVER)

    assert careful.status("2") is StepStatus.RUNNING


def test_where_two_are_needed_the_requester_approves_the_other_steps(careful: World) -> None:
    careful.opened().press(Ask.APPROVE, "3", by=REQUESTER)

    assert careful.status("3") is not StepStatus.WAITING


def test_breaking_the_glass_is_seen_by_everyone(careful: World) -> None:
    careful.opened()
    careful.type("approve 2 nobody else is awake", by=REQUESTER)
    careful.work()

    assert careful.status("2") is StepStatus.DONE
    assert careful.trail(Action.APPROVED)[0].facts.result == "breaking the glass: nobody else is awake"
    assert "nobody else is awake" in careful.board
