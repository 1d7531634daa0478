"""Steps 3 and 4 by hand: an approver confirms what Mailgun cannot be asked."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.state import StepStatus
from tests.recovery.builders import a_member, a_user
from tests.recovery.test_by_hand import done, items
from tests.recovery.test_fresh_key import give, make_fresh_key, revoke
from tests.recovery.world import World


@pytest.fixture
def asked(world: World) -> World:
    """Ann is asked to reset her password; then the key is revoked."""
    world.mailgun.has_user(a_user("ann"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("3")
    revoke(world)
    world.later(world.policy.poll_every)
    return world


def test_people_who_are_known_are_confirmed_by_an_approver_one_by_one(asked: World) -> None:
    assert "it counts once Mailgun does" in asked.type("confirm ann@acme.example 3")
    assert "goes on by hand" in asked.press(Ask.GO_BY_HAND, "3")
    assert items(asked, "3") == []

    assert "Confirmed" in asked.type("confirm ann@acme.example 3")
    asked.work()
    assert asked.status("3") is StepStatus.DONE


def test_the_list_of_people_has_a_button_for_each_of_them_then(asked: World) -> None:
    asked.press(Ask.GO_BY_HAND, "3")
    assert "An approver confirms each person" in asked.card("3")
    asked.type("people")

    controls = [control for row in asked.answer_card.rows for control in row.controls]
    assert Ask.CONFIRM in [control.action for control in controls]


def test_a_step_that_was_not_begun_asks_those_who_are_known_from_another(asked: World) -> None:
    asked.press(Ask.GO_BY_HAND, "4")
    asked.work()

    assert asked.status("4") is StepStatus.RUNNING
    assert asked.obligation("ann", "4").is_open


def test_once_mailgun_can_be_asked_again_what_it_says_counts(asked: World) -> None:
    asked.press(Ask.GO_BY_HAND, "3")
    make_fresh_key(asked)
    give(asked)
    asked.press(Ask.LET_BOT, "3")
    asked.work()

    assert "it counts once Mailgun does" in asked.type("confirm ann@acme.example 3")


def test_who_did_what_by_hand_about_people_is_not_in_the_thread(world: World) -> None:
    revoke(world)
    world.opened()
    world.press(Ask.GO_BY_HAND, "3")
    done(world, "3")

    (entry,) = world.trail(Action.DID_BY_HAND)
    assert entry.facts.private and world.status("3") is StepStatus.DONE
