"""Two Mailgun users who are one person: they have a message each, and one quiet between reminders."""

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
def two(world: World) -> World:
    """Ann has a user of her own, and the alerts' one."""
    world.mailgun.has_user(a_user("ann"))
    world.mailgun.has_user(a_user("ops", email="ann+ops@acme.example"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.clock.go_to(MORNING)
    return world.opened().approved("4")


def ops_is_open(world: World) -> bool:
    return world.obligation("ann+ops").is_open


def held_up(world: World) -> World:
    """The first reminder is due, and Slack cannot be asked."""
    world.directory.trouble = Uncertain("Slack is away")
    world.clock.go_to(MORNING + 4 * HOUR + 2 * MINUTE)
    world.work(timedelta(0))
    return world


def test_later_is_for_what_the_other_user_undoes_too(two: World) -> None:
    turn_on(two, "ops")
    poll(two)
    two.type("later tomorrow", by="U-ANN")
    turn_off(two, "ops")
    for _ in range(7):
        two.later(HOUR)
    assert ops_is_open(two) and not reminders(two)

    two.clock.go_to(MORNING + DAY)
    two.work()
    assert len(reminders(two)) == 1


def test_later_stands_when_another_user_of_theirs_joins(ann: World) -> None:
    ann.clock.go_to(MORNING)
    ann.approved("4")
    ann.type("later tomorrow", by="U-ANN")
    ann.mailgun.has_user(a_user("ops", email="ann+ops@acme.example"))
    poll(ann)
    assert len(ann.messages_to("U-ANN", MarkerKind.CHECKLIST)) == 2
    for _ in range(7):
        ann.later(HOUR)

    assert not reminders(ann)


def test_the_first_message_about_another_user_puts_the_reminder_off(ann: World) -> None:
    ann.clock.go_to(MORNING)
    ann.approved("4")
    ann.clock.go_to(MORNING + 3 * HOUR + 50 * MINUTE)
    ann.mailgun.has_user(a_user("ops", email="ann+ops@acme.example"))
    poll(ann)
    ann.later(3 * HOUR + 50 * MINUTE)
    assert not reminders(ann)

    ann.later(20 * MINUTE)
    (reminder,) = reminders(ann)
    assert "ann@acme.example" in reminder and "ann+ops@acme.example" in reminder


def test_who_asks_for_later_while_a_reminder_is_held_up_is_left_alone_though_one_user_is_done(two: World) -> None:
    held_up(two)
    turn_on(two, "ann")
    two.clock.pass_by(6 * MINUTE)
    two.work(timedelta(0))
    assert not two.obligation("ann").is_open
    two.directory.trouble = None
    two.ask(Ask.LATER, "U-ANN", about={"chosen": "tomorrow"})
    two.drain("judge")
    two.work()

    assert not reminders(two)


def test_a_reminder_that_was_held_up_speaks_of_what_is_left_by_then(two: World) -> None:
    held_up(two)
    turn_on(two, "ann")
    two.clock.pass_by(6 * MINUTE)
    two.work(timedelta(0))
    two.directory.trouble = None
    two.work()

    (reminder,) = two.slack.of_kind(MarkerKind.REMINDER)
    above = next(message for message in two.slack.messages if message.ts == reminder.place.thread_ts)
    assert "Check now" in above.words and "ann+ops@acme.example" in above.words
    assert (two.person("ann").reminders, two.person("ann+ops").reminders) == (0, 1)
    assert [entry.facts.subject for entry in two.trail(Action.PERSON_REMINDED)] == [
        "ann+ops@acme.example: two-factor authentication"
    ]


def test_who_is_deactivated_is_listed_for_what_is_left_alone(two: World) -> None:
    turn_on(two, "ops")
    poll(two)
    two.directory.change("U-ANN", is_active=False)
    two.clock.go_to(MORNING + 4 * HOUR + 2 * MINUTE)
    two.work()

    assert [entry.facts.subject for entry in two.trail(Action.NOT_REACHED)] == [
        "ann@acme.example: their Slack user is deactivated"
    ]


def test_who_undoes_it_while_a_reminder_of_the_other_user_is_held_up_is_not_forgotten(two: World) -> None:
    turn_on(two, "ops")
    poll(two)
    held_up(two)
    turn_off(two, "ops")
    two.clock.pass_by(6 * MINUTE)
    two.work(timedelta(0))
    two.directory.trouble = None
    two.later(5 * MINUTE)
    assert len(reminders(two)) == 1
    turn_on(two, "ann")
    for _ in range(24):
        two.later(HOUR)

    assert ops_is_open(two) and len(reminders(two)) > 1
