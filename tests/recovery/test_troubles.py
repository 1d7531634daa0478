"""What keeps the bot from its work is on the board, and whoever waits for it is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import KeyRefused, Later, Paced, Refused, Uncertain, Unreachable
from recovery.polling import APART
from recovery.state import StepStatus
from tests.recovery.builders import a_member, a_user
from tests.recovery.world import World

AT_ONCE = timedelta(0)
FOREVER = 1_000


@pytest.fixture
def ann(world: World) -> World:
    """Ann is asked to turn on two-factor authentication."""
    world.mailgun.has_user(a_user("ann"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    return world.opened().approved("4")


def check_now(world: World) -> None:
    """Ann presses "Check now"; the poll has not been made yet."""
    world.press(Ask.CHECK, by="U-ANN", obligation=str(world.obligation("ann").id))


def answers_to_ann(world: World) -> int:
    return sum(request.user_id == "U-ANN" for request, _ in world.slack.answers)


def test_while_mailgun_refuses_to_be_asked_about_people_the_board_says_so_and_what_to_do(ann: World) -> None:
    ann.mailgun.fail("users", KeyRefused("Mailgun refused the key", status=401))
    ann.later(ann.policy.poll_every, patience=AT_ONCE)

    assert "Trouble: asking Mailgun about the people: Mailgun refused the key" in ann.board
    assert "python bot.py key" in ann.board


def test_once_mailgun_answers_the_board_is_quiet_again(ann: World) -> None:
    ann.mailgun.fail("users", KeyRefused("Mailgun refused the key", status=401))
    ann.later(ann.policy.poll_every)

    assert "Trouble" not in ann.board


def test_one_failure_that_may_pass_is_not_worth_a_word(ann: World) -> None:
    ann.mailgun.fail("users", Uncertain("no answer"), times=2)
    ann.later(ann.policy.poll_every, patience=timedelta(seconds=2))
    assert "Trouble" not in ann.board


def test_a_third_failure_in_a_row_is(ann: World) -> None:
    ann.mailgun.fail("users", Uncertain("no answer"), times=3)
    ann.later(ann.policy.poll_every, patience=timedelta(seconds=4))
    assert "Trouble: asking Mailgun about the people: no answer" in ann.board


def test_while_mailgun_refuses_to_list_domains_the_board_says_that_they_cannot_be_watched(world: World) -> None:
    world.with_logins().opened().vacated()
    world.mailgun.fail("domains", Refused("Forbidden", status=403), times=FOREVER)
    world.press(Ask.SENT, "5", text="4711")
    world.work(patience=AT_ONCE)

    assert "Trouble: watching the domains at Mailgun: Forbidden" in world.board


def test_whoever_pressed_check_now_is_told_at_once_that_mailgun_refuses(ann: World) -> None:
    ann.mailgun.fail("users", Refused("Forbidden", status=403), times=FOREVER)
    check_now(ann)
    ann.work(patience=APART)

    assert "Mailgun could not be asked: Forbidden" in ann.answer


def test_whoever_pressed_check_now_is_told_before_long_that_mailgun_does_not_answer(ann: World) -> None:
    ann.mailgun.fail("users", Uncertain("no answer"), times=FOREVER)
    check_now(ann)
    ann.work(patience=timedelta(minutes=1))

    assert answers_to_ann(ann) == 1
    assert "Mailgun could not be asked: no answer" in ann.answer


def test_whoever_pressed_check_now_is_answered_when_the_incident_is_cancelled_meanwhile(ann: World) -> None:
    check_now(ann)
    ann.type("cancel this was only a test")
    ann.work()

    assert answers_to_ann(ann) == 1


def test_whoever_pressed_check_now_is_answered_when_a_new_incident_takes_over_meanwhile(ann: World) -> None:
    ann.press(Ask.KEEP_REMINDING, "4")
    ann.vacated("4").press(Ask.SENT, "5", text="4711")
    ann.work()
    check_now(ann)
    ann.type("", by="U-REQ")
    ann.work()

    assert answers_to_ann(ann) == 1


def test_while_a_step_needs_attention_the_board_says_what_mailguns_status_page_reports(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.status = "Mailgun's status page says: Degraded API performance."
    world.mailgun.fail("set_password", Refused("Bad Request", status=400))
    world.approved("2")
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    assert "Trouble: Mailgun's status page says: Degraded API performance." in world.board

    world.mailgun.status = None
    world.press(Ask.RETRY, "2")
    world.later(world.policy.poll_every)
    assert "status page" not in world.board


def test_the_trail_speaks_of_what_failed_in_words(world: World) -> None:
    world.with_logins().opened()
    world.slack.fail("post", Refused("Slack refused it"), "handover_controls", times=FOREVER)
    world.approved("2")

    (failed,) = world.trail(Action.FAILED)
    assert failed.facts.subject == "posting the button beside a handover"


def test_whoever_pressed_check_now_is_told_before_long_that_mailgun_asks_to_wait(ann: World) -> None:
    ann.mailgun.fail("users", Later("slow down", seconds=5), times=FOREVER)
    check_now(ann)
    ann.work(patience=timedelta(minutes=1))

    assert answers_to_ann(ann) == 1


def test_a_step_that_mailgun_puts_off_for_long_is_a_trouble_until_it_is_not(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("domains", Later("Mailgun cannot be reached", seconds=5), times=16)
    world.press(Ask.APPROVE, "2")
    world.work(patience=timedelta(seconds=30))
    assert "Trouble: listing the SMTP logins: Mailgun cannot be reached" in world.board

    world.work()
    assert world.status("2") is StepStatus.DONE
    assert "Trouble" not in world.board


def test_the_bots_own_pace_is_no_trouble(world: World) -> None:
    world.with_logins().opened()
    world.slack.fail("post", Paced("one message a second", seconds=5), "handover_controls", times=FOREVER)
    world.press(Ask.APPROVE, "2")
    world.work(patience=timedelta(minutes=2), drawing=True)

    assert "Trouble" not in world.board


def test_the_bots_own_pace_ends_no_trouble(world: World) -> None:
    world.with_logins().opened()
    world.slack.fail("post", Later("Slack asked to slow down", seconds=5), "handover_controls", times=6)
    world.slack.fail("post", Paced("one message a second", seconds=5), "handover_controls", times=FOREVER)
    world.press(Ask.APPROVE, "2")
    world.work(patience=timedelta(minutes=2), drawing=True)

    assert "Slack asked to slow down" in world.board


def test_while_domains_stay_disabled_an_earlier_trouble_is_over(world: World) -> None:
    world.with_logins()
    world.mailgun.all_domains[0] = replace(world.mailgun.all_domains[0], is_disabled=True)
    world.opened().vacated()
    world.mailgun.fail("domains", KeyRefused("Mailgun refused the key", status=401))
    world.press(Ask.SENT, "5", text="4711")
    world.work(patience=AT_ONCE)
    assert "Trouble" in world.board

    world.later(world.policy.poll_every)
    assert "Trouble" not in world.board


def test_a_cancelled_incident_asks_mailgun_nothing_more(world: World) -> None:
    world.with_logins().opened().vacated()
    world.mailgun.fail("domains", KeyRefused("Mailgun refused the key", status=401), times=3)
    world.press(Ask.SENT, "5", text="4711")
    world.work(patience=AT_ONCE)
    world.type("cancel this was only a test")
    world.work()
    asked = len(world.mailgun.calls)
    world.later(timedelta(hours=1))

    assert len(world.mailgun.calls) == asked
    assert "Trouble" not in world.board


def test_a_person_who_is_not_reached_is_not_named_in_the_thread(ann: World) -> None:
    ann.mailgun.has_user(a_user("bob"))
    ann.directory.has(a_member("U-BOB", email="bob@acme.example"))
    ann.slack.fail("open_direct", Unreachable("That person is deactivated.", code="user_disabled"), "U-BOB")
    ann.later(ann.policy.poll_every)

    (entry,) = ann.trail(Action.NOT_REACHED)
    assert entry.facts.private and "bob@" in entry.facts.subject


# --- Mailgun is down --------------------------------------------------------------------------------------

OUTAGE = "Mailgun's status page says: Major outage."


def test_an_outage_is_on_the_board_from_the_opening_on_though_all_calls_work_and_until_it_ends(world: World) -> None:
    world.mailgun.status = OUTAGE
    world.with_logins().opened()
    assert f"Trouble: {OUTAGE} See status.mailgun.com (https://status.mailgun.com)." in world.board

    world.mailgun.status = None
    world.later(world.policy.poll_every)
    assert "Trouble" not in world.board


def test_the_status_page_is_asked_once_at_the_opening_while_all_is_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[None] = []
    monkeypatch.setattr(world.mailgun, "outage", lambda: asked.append(None))
    world.with_logins().opened()
    world.later(timedelta(hours=1))

    assert len(asked) == 1


def test_while_mailgun_is_down_tasks_wait_and_go_on_by_themselves(world: World) -> None:
    world.with_logins("app").opened()
    world.mailgun.status = OUTAGE
    world.mailgun.fail("set_password", Uncertain("Mailgun answered with an error of its own (503)"), times=FOREVER)
    world.press(Ask.APPROVE, "2")
    world.work(patience=timedelta(minutes=10))
    assert world.status("2") is StepStatus.RUNNING and OUTAGE in world.board
    assert "setting a password: Mailgun answered with an error of its own (503)" in world.board

    world.mailgun.faults.clear()
    world.mailgun.status = None
    world.later(world.policy.poll_every)
    assert world.status("2") is StepStatus.DONE and "Trouble" not in world.board


def test_errors_that_no_outage_explains_are_for_people_to_see(world: World) -> None:
    world.with_logins("app").opened()
    world.mailgun.fail("set_password", Uncertain("Mailgun answered with an error of its own (503)"), times=FOREVER)
    world.approved("2")

    assert world.status("2") is StepStatus.NEEDS_ATTENTION


def test_a_refusal_fails_at_once_during_an_outage_too(world: World) -> None:
    world.mailgun.status = OUTAGE
    world.with_logins().opened()
    world.mailgun.fail("set_password", Refused("locked", status=400), times=FOREVER)
    world.approved("2")

    assert world.status("2") is StepStatus.NEEDS_ATTENTION
