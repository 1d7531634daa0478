"""Step 1 when the bot is given a key in its middle: nothing of what was begun is forgotten, nobody's key is deleted."""

import pytest

from recovery.actions import Ask
from recovery.errors import Refused
from recovery.key_plans import REPLACE
from recovery.state import HandoverStatus, StepStatus
from tests.recovery.builders import a_key
from tests.recovery.keys import gives
from tests.recovery.test_fresh_key import give, make_fresh_key
from tests.recovery.world import World


@pytest.fixture
def running(world: World) -> World:
    """Step 1 is approved: the bot has made a key of its own, and is about to replace the others."""
    world.mailgun.has_key(a_key("staging", description="staging"), "secret-of-staging")
    world.opened()
    world.press(Ask.APPROVE, "1")
    world.drain("api_keys.begin")
    return world


def test_a_message_that_a_crash_left_in_doubt_is_wiped_all_the_same(running: World) -> None:
    class Killed(BaseException):
        pass

    def killed(marker: object) -> None:
        raise Killed

    running.slack.while_posting = killed
    job = running.claim(REPLACE)
    assert job
    with pytest.raises(Killed):
        job.kind.run(job)
    running.slack.while_posting = lambda marker: None
    running.clock.pass_by(running.policy.lease * 2)
    make_fresh_key(running)
    give(running)
    running.work()

    assert running.status("1") is StepStatus.DONE
    assert HandoverStatus.SENDING not in [handover.status for handover in running.handovers()]


@pytest.mark.parametrize("target", ["all", ""], ids=["itself among them", "another"])
def test_a_replacement_that_was_handed_over_and_then_given_to_the_bot_is_not_deleted_without_another(
    world: World, target: str
) -> None:
    world.mailgun.has_key(a_key("staging", description="staging"), "secret-of-staging")
    world.opened().approved("1")
    another, handed = [str(task.payload["new_id"]) for task in world.tasks("1", kind=REPLACE)]
    gives(world, world.mailgun.key_secrets[handed], handed)
    world.type(f"reissue {target or another}")
    world.work()

    assert world.status("1") is StepStatus.DONE
    descriptions = [key.description.partition(" [")[0] for key in world.mailgun.api_keys.values()]
    assert sorted(descriptions) == ["Mailgun recovery bot", "staging", "the bot's first key"]


def test_what_is_to_begin_again_with_a_key_of_the_bots_own_can_be_skipped(world: World) -> None:
    world.mailgun.has_key(a_key("staging", description="staging"), "secret-of-staging")
    world.opened()
    world.start(batch=1)
    world.press(Ask.APPROVE, "1")
    world.drain("api_keys.begin")
    job = world.claim(REPLACE)
    assert job
    world.run(job)
    own = next(key.id for key in world.mailgun.api_keys.values() if "recovery bot" in key.description)
    del world.mailgun.api_keys[own], world.mailgun.key_secrets[own]
    make_fresh_key(world)
    give(world)
    world.mailgun.fail("create_key", Refused("not now", status=400), times=50)
    world.work()
    assert [task.kind for task in world.failures("1")] == ["api_keys.begin"]
    world.press(Ask.SKIP, "1", text="that one stays as it is")
    world.vacated().all_expected()

    assert world.status("1") is StepStatus.SKIPPED and world.status("5") is StepStatus.WAITING


def test_what_is_to_begin_again_with_a_key_of_the_bots_own_does_not_begin_once_the_incident_is_cancelled(
    running: World,
) -> None:
    make_fresh_key(running)
    give(running)
    running.drain(REPLACE)
    running.type("cancel only a test")
    running.work()

    assert {"env-key", "staging"} <= set(running.mailgun.api_keys) and running.handed_keys == []
