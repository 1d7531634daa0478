"""Step 1 where the plan allows one API key: the bot says so, takes a new one, and deletes the old."""

from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.state import StepStatus
from tests.recovery.builders import a_key
from tests.recovery.fakes import START
from tests.recovery.keys import NEWER, descriptions, gives, own_key_was_handed_to_nobody, uses
from tests.recovery.test_fresh_key import FRESH_ID, give, make_fresh_key
from tests.recovery.world import World


@pytest.fixture
def only(world: World) -> World:
    """The bot's key, of the newer form: as many as the plan allows."""
    uses(world, NEWER)
    world.mailgun.key_limit = 1
    return world.opened()


def test_where_one_key_is_allowed_the_bot_says_so_and_asks_for_a_new_one(only: World) -> None:
    only.approved("1")

    card = only.card("1")
    assert only.status("1") is StepStatus.NEEDS_ATTENTION
    assert "The plan allows one API key" in card
    assert "https://app.mailgun.com/settings/api_security" in card
    assert list(only.mailgun.api_keys) == ["env-key"]


@pytest.mark.parametrize("known", [True, False])
def test_with_the_new_key_the_old_one_is_deleted_and_the_step_is_done(only: World, known: bool) -> None:
    only.approved("1")
    only.mailgun.has_key(a_key("fresh", description="by hand"), "fresh-secret")
    gives(only, "fresh-secret", "fresh" if known else None)

    assert only.status("1") is StepStatus.DONE
    assert list(only.mailgun.api_keys) == ["fresh"]
    assert only.vault.current().reveal() == "fresh-secret"
    assert own_key_was_handed_to_nobody(only)


def test_with_the_old_key_deleted_by_hand_the_step_is_done_as_well(only: World) -> None:
    only.approved("1")
    del only.mailgun.api_keys["env-key"], only.mailgun.key_secrets["env-key"]
    only.mailgun.has_key(a_key("fresh", description="by hand"), "fresh-secret")
    only.clock.pass_by(timedelta(minutes=5))
    gives(only, "fresh-secret")

    assert only.status("1") is StepStatus.DONE
    assert list(only.mailgun.api_keys) == ["fresh"]
    assert only.incident.keys_expired_at is not None
    assert only.incident.keys_expired_at > START + timedelta(minutes=4)


def test_the_same_key_given_once_more_is_not_deleted(only: World) -> None:
    only.approved("1")
    gives(only, NEWER)

    assert only.status("1") is StepStatus.NEEDS_ATTENTION
    assert list(only.mailgun.api_keys) == ["env-key"]


def test_the_key_that_was_given_is_not_offered_by_the_last_look(only: World) -> None:
    only.approved("1")
    only.mailgun.has_key(a_key("fresh"), "fresh-secret")
    gives(only, "fresh-secret")
    only.vacated()

    assert only.state("1").round == 1
    assert only.status("5") is StepStatus.WAITING


def test_a_larger_plan_and_a_retry_go_the_usual_way(only: World) -> None:
    only.approved("1")
    only.mailgun.key_limit = None
    only.press(Ask.RETRY, "1")
    only.work()

    assert only.status("1") is StepStatus.DONE
    assert descriptions(only) == ["Mailgun recovery bot", "the bot's first key"]


def test_a_key_that_an_attacker_makes_meanwhile_is_replaced_as_far_as_there_is_room(only: World) -> None:
    only.approved("1")
    only.mailgun.key_limit = 3
    only.mailgun.has_key(a_key("fresh"), "fresh-secret")
    only.mailgun.has_key(a_key("strange", description="strange"), "strange-secret")
    gives(only, "fresh-secret", "fresh")

    assert only.status("1") is StepStatus.DONE
    assert {"env-key", "strange"}.isdisjoint(only.mailgun.api_keys)
    assert only.vault.current().reveal() in only.mailgun.key_secrets.values()


def test_the_form_for_the_new_key_sets_the_step_going_by_itself(only: World) -> None:
    only.approved("1")
    make_fresh_key(only)
    assert "will be tried again now" in give(only)
    only.work()

    assert only.status("1") is StepStatus.DONE
    assert list(only.mailgun.api_keys) == [FRESH_ID]
