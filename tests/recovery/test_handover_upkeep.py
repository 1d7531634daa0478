"""A handover that was sent: saved or not, it is wiped; until then its recipient is reminded."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.state import HandoverStatus
from tests.recovery.world import POSTMASTER, World


@pytest.fixture
def ready(world: World) -> World:
    """One login, step 2 to be approved."""
    return world.with_logins().opened()


def test_saying_saved_wipes_the_message_and_leaves_a_stub(ready: World) -> None:
    ready.approved("2")
    sent = ready.handovers()[0]
    answer = ready.press(Ask.SAVED, by="U-REQ", handover=str(sent.id))
    ready.work()

    stub = ready.slack.handovers[0].words
    assert "1 handover" in answer
    assert ready.handovers()[0].status is HandoverStatus.SAVED
    assert ready.handed_over[0] not in stub
    assert "1 SMTP password" in stub and f"{sent.sent_at:%Y-%m-%d %H:%M}" in stub and "U-REQ" in stub


def test_saved_can_be_typed(ready: World) -> None:
    ready.approved("2").type("saved all", by="U-REQ")

    assert ready.handovers()[0].status is HandoverStatus.SAVED


def test_only_the_recipient_can_say_saved(ready: World) -> None:
    ready.approved("2")
    answer = ready.press(Ask.SAVED, by="U-APP", handover=str(ready.handovers()[0].id))

    assert "U-REQ" in answer
    assert ready.handovers()[0].status is HandoverStatus.SENT


def test_saying_saved_twice_changes_nothing_more(ready: World) -> None:
    ready.approved("2")
    for _ in range(2):
        answer = ready.press(Ask.SAVED, by="U-REQ", handover=str(ready.handovers()[0].id))

    assert "already" in answer
    assert len(ready.trail(Action.HANDOVER_SAVED)) == 1


def test_there_are_two_reminders_before_a_handover_is_wiped(ready: World) -> None:
    ready.approved("2")
    ttl = ready.policy.handover_ttl
    counts = []
    for _ in range(8):
        ready.later(ttl / 8)
        counts.append(len(ready.messages_to("U-REQ", MarkerKind.REMINDER)))

    assert counts == [0, 0, 1, 1, 1, 2, 2, 2]
    assert ready.handovers()[0].status is HandoverStatus.EXPIRED


def test_an_unsaved_handover_is_wiped_and_its_logins_listed(ready: World) -> None:
    ready.approved("2").later(ready.policy.handover_ttl)

    controls = ready.messages_to("U-REQ", MarkerKind.HANDOVER_CONTROLS)[0]
    assert ready.handed_over[0] not in ready.slack.handovers[0].words
    assert POSTMASTER in controls and "Issue anew" in controls
    assert "handover 1" in ready.board


def test_a_saved_handover_is_not_reminded_of(ready: World) -> None:
    ready.approved("2").type("saved 1", by="U-REQ")
    ready.later(ready.policy.handover_ttl)

    assert not ready.messages_to("U-REQ", MarkerKind.REMINDER)
    assert ready.handovers()[0].status is HandoverStatus.SAVED


def test_a_message_that_somebody_deleted_counts_as_wiped(ready: World) -> None:
    ready.approved("2")
    ready.slack.handovers[0].is_deleted = True
    ready.type("saved 1", by="U-REQ")
    ready.work()

    assert ready.handovers()[0].wiped_at
