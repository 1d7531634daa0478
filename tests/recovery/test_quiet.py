"""Nobody is reminded sooner than they may be, or than they were promised, whatever is done and undone meanwhile."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Uncertain
from tests.recovery.builders import DAY, HOUR, a_member, a_user
from tests.recovery.people import MINUTE, MORNING, poll, reminders, turn_off, turn_on
from tests.recovery.world import World


@pytest.fixture
def told(ann: World) -> World:
    """Ann was told of both in the morning: the first reminder is due at one o'clock where she is."""
    ann.clock.go_to(MORNING)
    return ann.approved("3", "4")


@pytest.fixture
def reminded(told: World) -> World:
    """Ann has just been reminded: the next reminder is due at five o'clock."""
    told.clock.go_to(MORNING + 4 * HOUR + MINUTE)
    told.work()
    assert len(reminders(told)) == 1
    return told


def turns_it_on_and_off(world: World) -> None:
    turn_on(world)
    world.mailgun.change_user("mailgun-ann", password_updated_at=world.clock.now())
    poll(world)
    assert not world.obligation("ann", "3").is_open and not world.obligation("ann").is_open
    turn_off(world)
    poll(world)
    assert world.obligation("ann").is_open


def is_disabled_and_enabled(world: World) -> None:
    world.mailgun.change_user("mailgun-ann", is_disabled=True)
    poll(world)
    assert not world.obligation("ann").is_open
    world.mailgun.change_user("mailgun-ann", is_disabled=False)
    poll(world)
    assert world.obligation("ann").is_open


def is_recovered_and_handed_to_a_new_incident_which_is_cancelled(world: World) -> None:
    world.mailgun.change_user("mailgun-ann", password_updated_at=world.clock.now())
    poll(world)
    world.recovered_but_for_two_factor().opened()
    world.type("cancel opened by mistake")
    world.work()


UNDOINGS = (turns_it_on_and_off, is_disabled_and_enabled)


@pytest.mark.parametrize("undo", UNDOINGS)
def test_who_undoes_it_soon_after_the_first_message_is_reminded_no_sooner(
    told: World, undo: Callable[[World], None]
) -> None:
    undo(told)
    told.clock.go_to(MORNING + 4 * HOUR - MINUTE)
    told.work(timedelta(0))
    assert not reminders(told)

    told.later(2 * MINUTE)
    assert len(reminders(told)) == 1


@pytest.mark.parametrize("undo", UNDOINGS)
def test_who_undoes_it_soon_after_a_reminder_is_reminded_no_sooner(
    reminded: World, undo: Callable[[World], None]
) -> None:
    undo(reminded)
    reminded.clock.go_to(MORNING + 8 * HOUR - MINUTE)
    reminded.work(timedelta(0))
    assert len(reminders(reminded)) == 1

    reminded.later(4 * MINUTE)
    assert len(reminders(reminded)) == 2


@pytest.mark.parametrize("undo", UNDOINGS)
def test_who_undoes_it_long_after_a_reminder_is_reminded_when_that_is_found(
    reminded: World, undo: Callable[[World], None]
) -> None:
    reminded.clock.go_to(MORNING + 7 * HOUR + 55 * MINUTE)
    undo(reminded)

    assert len(reminders(reminded)) == 2


@pytest.mark.parametrize("undo", UNDOINGS)
def test_who_asked_for_tomorrow_is_not_reminded_before_though_they_undo_it(
    told: World, undo: Callable[[World], None]
) -> None:
    told.type("later tomorrow", by="U-ANN")
    undo(told)
    told.later(6 * HOUR)
    assert not reminders(told)

    told.clock.go_to(MORNING + DAY)
    told.work()
    assert len(reminders(told)) == 1


def test_who_asked_for_tomorrow_and_is_asked_for_more_hears_of_that_and_is_not_reminded_before(ann: World) -> None:
    ann.clock.go_to(MORNING)
    ann.approved("4")
    ann.type("later tomorrow", by="U-ANN")
    ann.approved("3")
    (more,) = ann.messages_to("U-ANN", MarkerKind.REMINDER)
    assert "One thing more" in more
    ann.later(8 * HOUR)
    assert not reminders(ann)

    ann.clock.go_to(MORNING + DAY)
    ann.work()
    assert len(reminders(ann)) == 1


def test_what_is_added_and_settled_before_anybody_heard_of_it_brings_no_reminder(ann: World) -> None:
    ann.clock.go_to(MORNING)
    ann.approved("4")
    ann.mailgun.change_user("mailgun-ann", password_updated_at=ann.clock.now() + MINUTE)
    ann.clock.pass_by(2 * MINUTE)
    ann.approved("3")

    assert not ann.obligation("ann", "3").is_open
    assert not ann.messages_to("U-ANN", MarkerKind.REMINDER)


def test_people_given_back_by_a_cancelled_incident_are_reminded_no_sooner(reminded: World) -> None:
    is_recovered_and_handed_to_a_new_incident_which_is_cancelled(reminded)
    reminded.clock.go_to(MORNING + 8 * HOUR - MINUTE)
    reminded.work(timedelta(0))
    assert len(reminders(reminded)) == 1

    reminded.later(4 * MINUTE)
    assert len(reminders(reminded)) == 2


def test_remind_now_breaks_no_promise_of_what_comes_after_it(told: World) -> None:
    told.type("later tomorrow", by="U-ANN")
    told.type("remind ann@acme.example")
    told.work()
    assert len(reminders(told)) == 1
    for _ in range(7):
        told.later(HOUR)
    assert len(reminders(told)) == 1

    told.clock.go_to(MORNING + DAY)
    told.work()
    assert len(reminders(told)) == 2


def test_a_reminder_that_slack_may_have_got_and_has_not_is_not_sent_at_night(told: World) -> None:
    told.slack.fail("post", Uncertain("timed out"), "reminder", times=1_000)
    told.clock.go_to(MORNING + 8 * HOUR + 30 * MINUTE)
    told.work(timedelta(minutes=1))
    told.slack.faults.clear()
    told.clock.go_to(MORNING + 14 * HOUR)
    told.work()
    assert not reminders(told)

    told.clock.go_to(MORNING + DAY)
    told.work()
    assert len(reminders(told)) == 1


def test_a_bot_that_died_before_it_sent_a_reminder_does_not_send_it_at_night(told: World) -> None:
    told.slack.fail("post", SystemExit(), "reminder")
    told.clock.go_to(MORNING + 8 * HOUR + 30 * MINUTE)
    with pytest.raises(SystemExit):
        told.work()
    told.start()
    told.clock.go_to(MORNING + 14 * HOUR)
    told.work()

    assert not reminders(told)


def test_who_asks_for_later_after_a_reminder_that_did_not_arrive_is_left_alone(told: World) -> None:
    told.slack.fail("post", Uncertain("timed out"), "reminder")
    told.clock.go_to(MORNING + 4 * HOUR + MINUTE)
    told.work(timedelta(0))
    told.ask(Ask.LATER, "U-ANN", about={"chosen": "tomorrow"})
    told.drain("judge")
    told.work()

    assert not reminders(told)


@pytest.fixture
def unsure(told: World) -> World:
    """A reminder was posted, Slack did not say so, and the bot has not looked yet whether it arrived."""
    told.slack.fail("post", Uncertain("timed out"), "reminder", after=True)
    told.clock.go_to(MORNING + 4 * HOUR + MINUTE)
    told.work(timedelta(0))
    return told


def test_who_answers_a_reminder_before_the_bot_knows_that_it_arrived_gets_the_next_as_asked(unsure: World) -> None:
    unsure.type("later hour", by="U-ANN")
    unsure.work()
    assert len(reminders(unsure)) == 1

    unsure.later(HOUR + MINUTE)
    assert len(reminders(unsure)) == 2


def test_who_urges_before_the_bot_knows_that_a_reminder_arrived_is_heard(unsure: World) -> None:
    unsure.type("remind ann@acme.example")
    unsure.work()
    unsure.later(MINUTE)

    assert len(reminders(unsure)) == 2
    assert unsure.person("ann").urged_by is None


def test_a_reminder_that_arrived_is_found_though_its_user_was_identified_as_another_since(world: World) -> None:
    for name in ("ann", "ops"):
        world.mailgun.has_user(a_user(name, email=f"ann+{name}@acme.example"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.directory.has(a_member("U-ANNE", email="anne@private.example"))
    world.clock.go_to(MORNING)
    world.opened().approved("4")
    world.slack.fail("post", Uncertain("timed out"), "reminder", after=True)
    world.clock.go_to(MORNING + 4 * HOUR + MINUTE)
    world.work(timedelta(0))
    first = world.person("ann+ann")
    world.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANNE", person=str(first.id), version=str(first.version))
    world.later(5 * MINUTE)

    assert len(reminders(world)) == 1
    assert len(world.trail(Action.PERSON_REMINDED)) == 2


def test_one_person_with_two_users_is_reminded_of_the_second_no_sooner_either(world: World) -> None:
    for name in ("ann", "ops"):
        world.mailgun.has_user(a_user(name))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("4")
    world.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANN", person=str(world.person("ops").id), version="2")
    world.work()
    world.clock.go_to(MORNING)
    turn_on(world, "ops")
    poll(world)
    assert len(reminders(world)) == 1
    turn_off(world, "ops")
    poll(world)
    turn_on(world, "ann")
    world.later(3 * HOUR)
    assert world.obligation("ops").is_open
    assert len(reminders(world)) == 1

    world.later(HOUR)
    assert len(reminders(world)) == 2
    assert world.person("ops").reminders == 1


def test_whoever_is_to_be_reminded_now_is_reminded_once_however_often_that_is_asked(told: World) -> None:
    told.slack.fail("post", Uncertain("timed out"), "reminder", times=2)
    told.type("remind ann@acme.example")
    told.work(timedelta(0))
    said = told.type("remind ann@acme.example")
    told.later(5 * MINUTE)

    assert "is reminded in a moment" in said
    assert len(reminders(told)) == 1


def test_who_is_to_be_reminded_now_and_is_asked_for_more_gets_both(ann: World) -> None:
    ann.clock.go_to(MORNING)
    ann.approved("4")
    ann.slack.fail("post", Uncertain("timed out"), "reminder", times=2)
    ann.type("remind ann@acme.example")
    ann.press(Ask.APPROVE, "3")
    ann.later(5 * MINUTE)

    assert len(reminders(ann)) == 1
    assert ann.person("ann").urged_by is None


def test_who_asks_for_later_after_somebody_asked_to_remind_them_now_is_left_alone(told: World) -> None:
    told.directory.trouble = Uncertain("Slack is away")
    told.type("remind ann@acme.example")
    told.work(timedelta(0))
    told.ask(Ask.LATER, "U-ANN", about={"chosen": "tomorrow"})
    told.drain("judge")
    told.directory.trouble = None
    told.later(HOUR)

    assert not reminders(told)
