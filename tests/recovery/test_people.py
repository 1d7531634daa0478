"""Steps 3 and 4: each person is asked, Mailgun's word counts, somebody vouches where it cannot."""

from datetime import UTC, datetime, timedelta

import pytest

from recovery.account import SignIn
from recovery.actions import Ask
from recovery.audit import Action
from recovery.checking import CHECKED
from recovery.content import Marker, MarkerKind
from recovery.errors import Later, Refused, Uncertain, Unreachable
from recovery.polling import POLL, poll_task
from recovery.state import ObligationStatus, StepStatus
from tests.recovery.builders import a_member, a_user
from tests.recovery.people import poll, turn_on
from tests.recovery.world import World

O = ObligationStatus  # noqa: E741 - as the product calls it
TOLD = MarkerKind.CHECKLIST


def test_each_person_is_asked_in_a_direct_message(ann: World) -> None:
    ann.approved("3", "4")

    (asked,) = ann.messages_to("U-ANN", TOLD)
    assert "20 minutes" in asked and "Security" in asked
    assert "Check now" in asked and "ann@acme.example" in asked
    assert ann.person("ann").reached_at


def test_what_is_asked_later_is_added_to_the_message_and_told_in_a_reply_at_once(ann: World) -> None:
    ann.clock.pass_by(timedelta(hours=12))
    ann.approved("3")
    assert "two-factor" not in ann.messages_to("U-ANN", TOLD)[0]
    ann.approved("4")

    (asked,) = ann.messages_to("U-ANN", TOLD)
    assert "20 minutes" in asked and "Security" in asked
    (reply,) = ann.messages_to("U-ANN", MarkerKind.REMINDER)
    assert "One thing more" in reply and "two-factor" in reply and "reset" not in reply
    assert ann.person("ann").reminders == 0


def test_what_is_done_is_ticked_off_and_what_is_left_stays(ann: World) -> None:
    ann.approved("3", "4")
    turn_on(ann)
    poll(ann)

    (asked,) = ann.messages_to("U-ANN", TOLD)
    assert "☑ Turn on two-factor authentication: done" in asked and "☐ Reset your Mailgun password" in asked


def test_who_has_it_already_is_not_asked(world: World) -> None:
    world.mailgun.has_user(a_user("ann", tfa_active=True, tfa_created_at=datetime(2025, 1, 1, tzinfo=UTC)))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("4")

    assert not world.messages_to("U-ANN", TOLD)
    assert world.status("4") is StepStatus.DONE


def test_disabled_users_are_not_asked(world: World) -> None:
    world.mailgun.has_user(a_user("ann", is_disabled=True))
    world.opened().approved("3")

    assert world.status("3") is StepStatus.DONE


@pytest.mark.parametrize("sign_in", [SignIn.SINCH, SignIn.SAML, SignIn.UNKNOWN])
def test_whoever_signs_in_elsewhere_is_never_shown_mailguns_steps(world: World, sign_in: SignIn) -> None:
    world.mailgun.has_user(a_user("sid", sign_in=sign_in))
    world.directory.has(a_member("U-SID", email="sid@acme.example"))
    world.opened().approved("3", "4")
    world.later(timedelta(hours=5))
    world.later(timedelta(minutes=6))

    said = world.messages_to("U-SID", TOLD) + world.messages_to("U-SID", MarkerKind.REMINDER)
    assert len(said) == 3
    for words in said:
        assert "login.mailgun.com" not in words
        assert "Forgot password" not in words
        assert "open your profile" not in words
        assert "approver" in words


def test_a_poll_settles_what_mailgun_shows(ann: World) -> None:
    ann.approved("4")
    turn_on(ann)
    poll(ann)

    assert ann.obligation("ann").status is O.DONE
    assert ann.status("4") is StepStatus.DONE
    assert "Thank you" in ann.messages_to("U-ANN", TOLD)[0]


def test_check_now_asks_mailgun_at_once_and_answers(ann: World) -> None:
    ann.approved("4")
    turn_on(ann)
    ann.ask(Ask.CHECK, "U-ANN")
    ann.work()

    assert "done" in ann.answer
    assert ann.obligation("ann").status is O.DONE


def test_a_check_that_was_answered_while_its_judge_was_gone_is_answered_once(ann: World) -> None:
    ann.approved("4")
    ann.ask(Ask.CHECK, by="U-ANN")
    job = ann.claim("judge")
    assert job
    with ann.database.write() as tx:
        tx.requests.close(job.task.payload["request"], CHECKED)
    before = len(ann.slack.answers)
    ann.run(job)

    assert len(ann.slack.answers) == before


def test_check_now_says_what_is_still_missing(ann: World) -> None:
    ann.approved("4")
    ann.ask(Ask.CHECK, "U-ANN")
    ann.work()

    assert "does not show it yet" in ann.answer


def test_one_poll_answers_everyone_who_waits(ann: World) -> None:
    ann.mailgun.has_user(a_user("bob"))
    ann.directory.has(a_member("U-BOB", email="bob@acme.example"))
    ann.approved("4")
    before = len(ann.mailgun.called("users"))
    ann.ask(Ask.CHECK, "U-ANN")
    ann.ask(Ask.CHECK, "U-BOB")
    ann.drain("judge")
    ann.work()

    assert len(ann.mailgun.called("users")) == before + 1
    assert {request.user_id for request, _ in ann.slack.answers} >= {"U-ANN", "U-BOB"}


def test_check_by_somebody_who_is_asked_for_nothing_is_answered(ann: World) -> None:
    ann.approved("4")

    assert "Nothing is asked of you" in ann.type("check", by="U-STRANGER")


def test_someone_who_is_not_found_in_slack_is_left_to_an_approver(world: World) -> None:
    world.mailgun.has_user(a_user("zoe"))
    world.opened().approved("4")

    assert world.person("zoe").slack_id is None
    assert world.status("4") is StepStatus.RUNNING
    assert "not reached: nobody in Slack has this address" in world.type("people")


def test_nobody_confirms_what_mailgun_denies_though_the_bot_cannot_reach_them(world: World) -> None:
    world.mailgun.has_user(a_user("zoe"))
    world.opened().approved("4")

    assert "stop the reminders, with a reason" in world.type("confirm zoe@acme.example 4")
    assert world.obligation("zoe").is_open


@pytest.fixture
def zoe(world: World) -> World:
    """Zoe is not in Slack, and has turned it on: nobody can ask her whether that was her."""
    world.mailgun.has_user(a_user("zoe"))
    world.opened().approved("4")
    turn_on(world, "zoe")
    poll(world)
    return world


def test_who_confirmed_a_change_of_somebody_whom_nobody_can_ask_is_recorded(zoe: World) -> None:
    world = zoe
    assert "nobody can be asked whether that was them" in world.type("people")
    world.type("confirm zoe@acme.example 4")
    world.work()

    obligation = world.obligation("zoe")
    assert (obligation.status, obligation.settled_by) == (O.VOUCHED, "U-APP")
    assert world.trail(Action.VOUCHED)[0].facts.actor == "U-APP"
    assert world.status("4") is StepStatus.DONE


def test_confirming_twice_says_that_it_is_settled(zoe: World) -> None:
    world = zoe
    world.type("confirm zoe@acme.example 4")

    assert "settled already" in world.type("confirm zoe@acme.example 4", by="U-REQ")
    assert world.obligation("zoe").settled_by == "U-APP"


def test_nobody_vouches_for_what_mailgun_can_show(ann: World) -> None:
    ann.approved("4")

    assert "counts once Mailgun does" in ann.type("confirm ann@acme.example 4")
    assert ann.obligation("ann").is_open


def test_names_are_for_approvers(ann: World) -> None:
    ann.approved("4")

    assert "ann@acme.example" in ann.type("people")
    assert "ann@acme.example" not in ann.type("people", by="U-STRANGER")


def test_a_person_whom_slack_refuses_is_left_to_an_approver(ann: World) -> None:
    ann.slack.fail("open_direct", Unreachable("That is a bot.", code="cannot_dm_bot"), "U-ANN")
    ann.approved("4")

    assert ann.person("ann").slack_id is None
    turn_on(ann)
    poll(ann)
    assert "with your name" in ann.type("confirm ann@acme.example 4")


def test_a_refusal_of_the_whole_app_is_on_the_board_and_nobody_is_given_up(ann: World) -> None:
    ann.slack.fail("open_direct", Refused("Turn on the Messages tab.", code="messages_tab_disabled"), times=3)
    ann.press(Ask.APPROVE, "4")
    ann.work(patience=timedelta(0))
    assert "Trouble: telling a person: Turn on the Messages tab." in ann.board

    ann.later(timedelta(minutes=5))
    assert ann.messages_to("U-ANN", TOLD)
    assert "Trouble" not in ann.board


@pytest.mark.parametrize("trouble", [Uncertain("Slack timed out"), Later("slow down", seconds=10)])
def test_a_trouble_of_slack_only_delays_telling_a_person(ann: World, trouble: Exception) -> None:
    ann.slack.fail("open_direct", trouble, "U-ANN", times=10)
    ann.approved("4")
    ann.later(timedelta(minutes=30))
    ann.later(timedelta(minutes=30))

    assert ann.messages_to("U-ANN", TOLD)


def test_two_factor_that_goes_off_again_is_asked_for_again(ann: World) -> None:
    ann.approved("4")
    turn_on(ann)
    poll(ann)
    ann.mailgun.change_user("mailgun-ann", tfa_active=False, tfa_created_at=None)
    poll(ann)

    assert ann.obligation("ann").status is O.OPEN
    assert ann.status("4") is StepStatus.RUNNING
    assert len(ann.trail(Action.OBLIGATION_REOPENED)) == 1


def test_what_changes_while_a_message_is_being_drawn_is_drawn_after_it(ann: World) -> None:
    def goes_off_again(marker: Marker) -> None:
        ann.slack.while_redrawing = lambda marker: None
        ann.mailgun.change_user("mailgun-ann", tfa_active=False, tfa_created_at=None)
        with ann.database.write() as tx:
            tx.tasks.add([poll_task(ann.incident)])
        ann.drain(POLL)

    ann.approved("4")
    turn_on(ann)
    ann.slack.while_redrawing = goes_off_again
    poll(ann)

    assert ann.obligation("ann").status is O.OPEN
    assert "was compromised" in ann.messages_to("U-ANN", TOLD)[0]


def test_who_joins_is_included(ann: World) -> None:
    ann.approved("4")
    ann.mailgun.has_user(a_user("bob"))
    ann.directory.has(a_member("U-BOB", email="bob@acme.example"))
    poll(ann)

    assert ann.obligation("bob").is_open
    assert ann.messages_to("U-BOB", TOLD)


def test_who_joins_after_the_step_was_done_opens_it_again(ann: World) -> None:
    ann.approved("4")
    turn_on(ann)
    poll(ann)
    assert ann.status("4") is StepStatus.DONE
    ann.mailgun.has_user(a_user("bob"))
    ann.directory.has(a_member("U-BOB", email="bob@acme.example"))
    poll(ann)

    assert ann.obligation("bob").is_open
    assert ann.status("4") is StepStatus.RUNNING


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_who_leaves_is_dropped(ann: World, how: str) -> None:
    ann.approved("4")
    if how == "removed":
        del ann.mailgun.people["mailgun-ann"]
    else:
        ann.mailgun.change_user("mailgun-ann", is_disabled=True)
    poll(ann)

    assert ann.obligation("ann").status is O.DROPPED
    assert ann.status("4") is StepStatus.DONE
    assert "Nothing is asked of you" in ann.messages_to("U-ANN", TOLD)[0]


def test_who_comes_back_is_asked_again(ann: World) -> None:
    ann.approved("4")
    ann.mailgun.change_user("mailgun-ann", is_disabled=True)
    poll(ann)
    ann.mailgun.change_user("mailgun-ann", is_disabled=False)
    poll(ann)

    assert ann.obligation("ann").is_open
    assert ann.person("ann").left_at is None


def test_the_thread_names_nobody(ann: World) -> None:
    ann.approved("3", "4")
    turn_on(ann)
    poll(ann)
    ann.draw()

    for message in ann.slack.messages:
        if message.place.channel_id == "C-OPS":
            assert "ann@acme" not in message.words and "U-ANN" not in message.words


def test_who_asks_and_cannot_be_shown_by_mailgun_is_told_that_an_approver_confirms(world: World) -> None:
    world.mailgun.has_user(a_user("ann", sign_in=SignIn.SINCH))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("4")
    world.type("check", by="U-ANN")
    world.work()

    assert "an approver confirms it" in world.answer


def test_as_many_people_are_asked_as_there_are_however_few_slack_lets_be_looked_up_at_a_time(world: World) -> None:
    for number in range(20):
        world.mailgun.has_user(a_user(f"u{number}"))
        world.directory.has(a_member(f"U-{number}", email=f"u{number}@acme.example"))
    world.opened()
    world.directory.looked_up_a_minute = 7
    world.approved("4")
    world.later(timedelta(minutes=3))

    assert len(world.slack.of_kind(TOLD)) == 20
    assert world.directory.pages == 0


def test_many_people_are_found_by_listing_the_workspace_rather_than_one_by_one(world: World) -> None:
    for number in range(60):
        world.mailgun.has_user(a_user(f"u{number}"))
        world.directory.has(a_member(f"U-{number}", email=f"U{number}@acme.example"))
    world.opened()
    world.directory.page_size, world.directory.looked_up_a_minute = 100, 0
    world.approved("4")

    assert len(world.slack.of_kind(TOLD)) == 60
    assert world.directory.pages == 1
