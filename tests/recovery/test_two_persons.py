"""Where two people are needed, nobody decides and receives alone without everyone seeing it."""

from collections.abc import Callable

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.state import StepStatus
from tests.recovery.world import APPROVER, REQUESTER, World


@pytest.fixture
def careful(make_world: Callable[..., World]) -> World:
    return make_world(two_person=True).with_logins().opened()


def test_an_approver_does_not_become_the_requester_without_a_reason(careful: World) -> None:
    answer = careful.type("take-over", by=APPROVER)

    assert careful.incident.requester_id == REQUESTER
    assert "Two people are needed" in answer and "take-over <reason>" in answer


def test_taking_over_with_a_reason_breaks_the_glass_for_everyone_to_see(careful: World) -> None:
    careful.type("take-over the requester is asleep", by=APPROVER)

    assert careful.incident.requester_id == APPROVER
    (entry,) = careful.trail(Action.TOOK_OVER)
    assert entry.facts.result == "breaking the glass: the requester is asleep"


def test_an_approver_does_not_become_the_requester_by_issuing_anew_either(careful: World) -> None:
    careful.approved("2", by=APPROVER)
    sent = len(careful.slack.handovers)
    answer = careful.type("reissue all", by=APPROVER)
    careful.work()

    assert "Two people are needed" in answer
    assert careful.incident.requester_id == REQUESTER
    assert len(careful.slack.handovers) == sent


def test_the_requester_may_have_issued_anew_what_another_approved(careful: World) -> None:
    careful.approved("2", by=APPROVER)
    careful.type("reissue all", by=REQUESTER)
    careful.work()

    assert len(careful.slack.handovers) == 2


def test_whoever_took_over_may_not_approve_alone(careful: World) -> None:
    careful.type("take-over the requester is asleep", by=APPROVER)
    answer = careful.press(Ask.APPROVE, "2", by=APPROVER)

    assert "may not approve" in answer
    assert careful.status("2") is StepStatus.WAITING
