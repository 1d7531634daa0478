"""Step 1 by hand: what people did, left out or skipped of it is what counts afterwards, and nothing else."""

from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.errors import KeyRefused
from recovery.signing import RENEW
from recovery.state import StepStatus, TaskStatus
from tests.recovery.builders import a_key
from tests.recovery.keys import NEWER, descriptions, uses
from tests.recovery.test_by_hand import by_hand, done, items, names
from tests.recovery.test_fresh_key import FOREVER, give, make_fresh_key, revoke
from tests.recovery.world import World


@pytest.fixture
def dead(world: World) -> World:
    """An old key is there, and the attacker has revoked the bot's."""
    world.mailgun.has_key(a_key("staging"), "secret-of-staging")
    revoke(world)
    return world.opened()


@pytest.fixture
def stuck(world: World) -> World:
    """Every key is replaced; then Mailgun refuses to make the account-wide ones anew."""
    world.opened()
    for call in ("new_signing_key", "new_public_key"):
        world.mailgun.fail(call, KeyRefused("Forbidden", status=401), times=FOREVER)
    world.approved("1")
    assert [task.kind for task in world.failures("1")] == [RENEW, RENEW]
    return world


def test_account_keys_that_were_left_out_do_not_count_as_gone(dead: World) -> None:
    dead.type("leave-out 1 account keys")
    by_hand(dead, "1")
    done(dead, "1")

    assert dead.status("1") is StepStatus.DONE
    assert dead.incident.keys_expired_at is None, "the old account keys live"


def test_with_everything_left_out_there_is_nothing_to_go_on_with_by_hand(dead: World) -> None:
    for part in ("account keys", "sending keys", "sessions", "signing key", "public key"):
        dead.type(f"leave-out 1 {part.replace(' ', '-')}")

    assert "Everything in step 1" in dead.type("go-by-hand 1")
    assert dead.status("1") is StepStatus.WAITING and dead.incident.keys_expired_at is None


def test_what_was_skipped_of_it_with_a_reason_is_not_offered_at_the_last_look(dead: World) -> None:
    by_hand(dead, "1")
    done(dead, "1", "sessions")
    dead.press(Ask.SKIP, "1", text="the keys stay as they are")
    make_fresh_key(dead)
    give(dead)
    dead.vacated("1")
    dead.work()
    dead.all_expected()

    assert dead.status("1") is StepStatus.SKIPPED and dead.status("5") is StepStatus.WAITING


def test_account_wide_keys_are_named_in_words(stuck: World) -> None:
    by_hand(stuck, "1")

    assert names(stuck, "1") == ["Webhook signing key", "Public validation key"]


def test_an_account_wide_key_that_was_made_by_hand_is_not_made_by_the_bot_again(stuck: World) -> None:
    by_hand(stuck, "1")
    assert "Noted" in done(stuck, "1", "signing key")
    assert len(items(stuck, "1")) == 1
    done(stuck, "1", "public-key")

    assert stuck.status("1") is StepStatus.DONE
    assert stuck.tasks("1", TaskStatus.DONE, kind=RENEW) == []


def test_account_wide_keys_by_hand_neither_move_the_end_of_the_last_old_key_nor_make_an_attackers_theirs(
    stuck: World,
) -> None:
    by_hand(stuck, "1")
    before = stuck.clock.now()
    stuck.clock.pass_by(timedelta(minutes=5))
    stuck.mailgun.has_key(a_key("attackers", created_at=stuck.clock.now()), "secret-of-the-attackers")
    done(stuck, "1")

    assert stuck.incident.keys_expired_at is not None
    assert stuck.incident.keys_expired_at <= before
    stuck.mailgun.faults = type(stuck.mailgun.faults)()
    stuck.vacated("1").all_expected()
    stuck.work()
    assert stuck.status("1") is StepStatus.WAITING, "the attacker's key is offered"


def test_a_key_that_was_deleted_for_room_and_made_by_hand_is_not_made_by_the_bot_again(world: World) -> None:
    uses(world, NEWER)
    for name in ("billing", "shop"):
        world.mailgun.has_key(a_key(name, description=name), f"secret-of-{name}")
        world.mailgun.fail("create_key", KeyRefused("Forbidden", status=401), name, times=FOREVER)
    world.mailgun.key_limit = 3
    world.opened().approved("1")
    world.press(Ask.MAKE_ROOM, "1", chosen="billing")
    world.work()
    by_hand(world, "1")
    assert "Noted" in done(world, "1", "billing")
    world.press(Ask.SKIP, "1", text="the other one later")
    world.mailgun.faults = type(world.mailgun.faults)()
    world.approved("1")

    assert world.status("1") is StepStatus.DONE
    assert descriptions(world) == ["Mailgun recovery bot", "shop"]
