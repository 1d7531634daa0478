"""The process dies anywhere while a key is deleted before its replacement: nothing is left without one."""

import pytest

from recovery.actions import Ask
from recovery.key_plans import REPLACE
from recovery.keyring import unmarked
from recovery.secret import Secret
from recovery.state import StepStatus, TaskStatus
from storage.database import Database
from tests.recovery.builders import a_key
from tests.recovery.machine.mortal import MortalWorld

NEWER = f"{'a1' * 16}-env-key"
POINTS = range(1, 120, 3)


def full(database: Database) -> MortalWorld:
    """Exactly as many keys as the plan allows; an approver has just named one of them."""
    world = MortalWorld.on(database)
    world.mailgun.key_secrets["env-key"] = NEWER
    world.vault._environment_key = Secret(NEWER)
    world.mailgun.has_key(a_key("billing", role="analyst", description="billing"), "billing-secret")
    world.mailgun.has_key(a_key("shop", description="shop"), "shop-secret")
    world.mailgun.key_limit = 3
    world.opened().approved("1")
    assert world.status("1") is StepStatus.NEEDS_ATTENTION
    return world


def nobody_is_left_without(world: MortalWorld) -> None:
    """Each key that is gone has a replacement that was handed over, or a task that makes one; and the bot has a key."""
    assert world.vault.current().reveal() in world.mailgun.key_secrets.values()
    tasks = world.all_tasks(REPLACE)
    for name in ("billing", "shop"):
        if name not in world.mailgun.api_keys:
            planned = [task for task in tasks if task.subject == name and task.status is not TaskStatus.DROPPED]
            assert planned, f"{name} is gone, and nothing is planned"


@pytest.mark.parametrize("points", POINTS)
def test_wherever_it_dies_a_restart_finishes_it(database: Database, points: int) -> None:
    world = full(database)
    world.kill_at(points)
    world.live(lambda: world.press(Ask.MAKE_ROOM, "1", chosen="billing"))
    world.live(world.work)
    nobody_is_left_without(world)
    world.rest(drawing=False)
    if world.status("1") is StepStatus.NEEDS_ATTENTION:
        # It died before the decision was stored: whoever pressed it presses it once more.
        world.press(Ask.MAKE_ROOM, "1", chosen="billing")
        world.rest(drawing=False)

    assert world.status("1") is StepStatus.DONE
    nobody_is_left_without(world)
    names = sorted(unmarked(key.description) for key in world.mailgun.api_keys.values())
    assert names == ["Mailgun recovery bot", "billing", "shop"]
    assert set(world.mailgun.key_secrets.values()) <= {*world.handed_over, world.vault.current().reveal()}
