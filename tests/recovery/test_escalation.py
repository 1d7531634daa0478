"""After several reminders the requester hears once a day who is left, and decides about each."""

from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Card, MarkerKind
from recovery.state import ObligationStatus
from tests.recovery.builders import DAY, HOUR, a_member, a_user
from tests.recovery.people import turn_on
from tests.recovery.world import World

SUMMARY, REMINDER = MarkerKind.SUMMARY, MarkerKind.REMINDER


def days(world: World, many: int) -> None:
    for _ in range(many * 12):
        world.later(2 * HOUR)


def summaries(world: World) -> list[str]:
    return world.messages_to("U-REQ", SUMMARY)


def rows(world: World) -> list[str]:
    content = world.slack.of_kind(SUMMARY)[-1].content
    assert isinstance(content, Card)
    return ["".join(map(str, row.line)) for row in content.rows]


@pytest.fixture
def ann_and_bob(ann: World) -> World:
    ann.mailgun.has_user(a_user("bob", is_master=True))
    ann.directory.has(a_member("U-BOB", email="bob@acme.example"))
    return ann.approved("4")


def test_before_three_reminders_nobody_is_told(ann: World) -> None:
    ann.approved("4")
    ann.later(timedelta(hours=4, minutes=5))

    assert len(ann.messages_to("U-ANN", REMINDER)) == 1
    assert not summaries(ann)


def test_after_three_the_requester_gets_a_summary_once_a_day(ann: World) -> None:
    ann.approved("4")
    days(ann, 7)

    # It began on a Tuesday; the third reminder is on Wednesday, and the weekend is free.
    assert len(summaries(ann)) == len(("Wed", "Thu", "Fri", "Mon", "Tue"))
    assert "ann@acme.example" in summaries(ann)[0]
    assert "Remind now" in summaries(ann)[0] and "Stop reminding, with a reason" in summaries(ann)[0]


def test_the_owner_is_named_first(ann_and_bob: World) -> None:
    days(ann_and_bob, 2)

    first, _ = rows(ann_and_bob)
    assert "bob@acme.example" in first and "the account's owner" in first


def test_who_has_done_it_meanwhile_is_not_in_it(ann_and_bob: World) -> None:
    days(ann_and_bob, 2)
    turn_on(ann_and_bob, "bob", at=ann_and_bob.clock.now())
    days(ann_and_bob, 1)

    assert "bob@acme.example" not in summaries(ann_and_bob)[-1]


def test_when_nobody_is_left_there_is_no_other(ann: World) -> None:
    ann.approved("4")
    days(ann, 2)
    before = len(summaries(ann))
    turn_on(ann, at=ann.clock.now())
    days(ann, 3)

    assert before and len(summaries(ann)) == before
    assert ann.incident.next_summary_at is None


def test_remind_now_reminds_at_once_whatever_the_hour(ann: World) -> None:
    ann.approved("4").later(timedelta(hours=4, minutes=5))
    ann.clock.pass_by(12 * HOUR)
    before = len(ann.messages_to("U-ANN", REMINDER))
    ann.press(Ask.REMIND_NOW, by="U-REQ", person=str(ann.person("ann").id))
    ann.work()

    assert len(ann.messages_to("U-ANN", REMINDER)) == before + 1
    urged = ann.trail(Action.URGED)[0].facts
    assert (urged.actor, urged.whom) == ("U-REQ", "U-ANN")


def test_remind_now_asks_mailgun_first(ann: World) -> None:
    ann.approved("4")
    turn_on(ann, at=ann.clock.now() + timedelta(seconds=30))
    ann.clock.pass_by(timedelta(minutes=1))
    ann.press(Ask.REMIND_NOW, by="U-REQ", person=str(ann.person("ann").id))
    ann.work()

    assert not ann.messages_to("U-ANN", REMINDER)
    assert ann.obligation("ann").status is ObligationStatus.DONE


def test_pressing_it_twice_reminds_once(ann: World) -> None:
    ann.approved("4")
    ann.press(Ask.REMIND_NOW, by="U-REQ", person=str(ann.person("ann").id))
    said = ann.press(Ask.REMIND_NOW, by="U-APP", person=str(ann.person("ann").id))
    ann.work()

    assert "U-REQ has asked for that" in said
    assert len(ann.messages_to("U-ANN", REMINDER)) == 1


def test_the_thread_shows_a_bar_and_a_count_and_no_name(ann_and_bob: World) -> None:
    days(ann_and_bob, 1)

    assert "░░░░░░░░░░ 0 of 2 people done" in ann_and_bob.card("4")
    ann_and_bob.draw()
    for message in ann_and_bob.slack.messages:
        if message.place.channel_id == "C-OPS":
            assert "bob" not in message.words and "U-BOB" not in message.words


def test_after_recovery_the_board_counts_who_is_without_two_factor(ann_and_bob: World) -> None:
    ann_and_bob.recovered_but_for_two_factor()
    assert "2 of 2 still without 2FA" in ann_and_bob.board
    for name in ("ann", "bob"):
        turn_on(ann_and_bob, name, at=ann_and_bob.clock.now())
    ann_and_bob.later(DAY)

    assert ann_and_bob.incident.ended_at is not None
