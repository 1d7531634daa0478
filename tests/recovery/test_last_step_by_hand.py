"""The last step by hand: an approver says what the bot cannot see."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.state import IncidentStatus, StepStatus
from tests.recovery.test_by_hand import buttons
from tests.recovery.test_fresh_key import revoke
from tests.recovery.world import APPROVER, World


@pytest.fixture
def unseen(world: World) -> World:
    """Everything else is settled, and the bot cannot take its last look: its key was revoked."""
    world.with_logins("app").opened()
    revoke(world)
    world.vacated()
    assert world.status("5") is StepStatus.LOCKED
    return world


def test_an_approver_who_has_looked_by_hand_opens_the_last_step(unseen: World) -> None:
    assert "Looked by hand: open this step" in [button.label for button in buttons(unseen, "5")]
    unseen.press(Ask.GO_BY_HAND, "5")
    unseen.work()

    assert unseen.status("5") is StepStatus.WAITING
    assert "looked through the account once more by hand" in str(unseen.state("5").facts["paste"])
    assert [entry.facts.actor for entry in unseen.trail(Action.LOOKED_BY_HAND)] == [APPROVER]


def test_it_does_not_open_while_another_step_is_unsettled(world: World) -> None:
    world.with_logins("app").opened()
    revoke(world)
    world.approved("1")

    assert "not settled yet" in world.press(Ask.GO_BY_HAND, "5")
    assert world.status("5") is StepStatus.LOCKED


def test_an_approver_says_that_the_account_works_and_the_incident_is_recovered(unseen: World) -> None:
    unseen.press(Ask.GO_BY_HAND, "5")
    unseen.press(Ask.SENT, "5", text="4711")
    unseen.work()
    assert unseen.incident.status is IncidentStatus.OPEN

    unseen.type("works-again")
    unseen.work()
    assert unseen.incident.recovered_at is not None and unseen.status("5") is StepStatus.DONE
    assert [entry.facts.actor for entry in unseen.trail(Action.SAID_WORKS)] == [APPROVER]


def test_while_mailgun_takes_the_key_nobodys_word_is_needed(world: World) -> None:
    world.with_logins().opened()

    assert "the bot sees by itself" in world.type("works-again")
    assert world.incident.recovered_at is None


def test_before_support_was_told_the_account_cannot_be_said_to_work(unseen: World) -> None:
    assert "nothing was changed" in unseen.type("works-again")
    assert unseen.incident.recovered_at is None
