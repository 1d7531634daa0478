"""What the specifications of the plan's key limit share: whose key is whose, and what is offered on the card."""

from recovery.actions import Ask
from recovery.content import Menu
from recovery.keyring import unmarked
from recovery.secret import Secret
from recovery.state import TaskStatus
from recovery.step_view import StepView
from tests.recovery.builders import a_key
from tests.recovery.world import World

NEWER = f"{'a1' * 16}-env-key"
"""A secret of the newer form, which ends in its key's id."""


def uses(world: World, secret: str) -> None:
    """The bot's first key has that secret."""
    world.mailgun.key_secrets["env-key"] = secret
    world.vault._environment_key = Secret(secret)


def gives(world: World, secret: str, key_id: str | None = None) -> None:
    """Somebody gives the bot a key, and has what failed tried again, as the form and `python bot.py key` do."""
    with world.database.write() as tx:
        world.vault.keep(tx, Secret(secret), key_id, None)
    world.vault.refresh()
    world.press(Ask.RETRY, "1")
    world.work()


def with_room_for_one_at_a_time(world: World) -> None:
    """Step 1 with two keys is approved; the plan allows them, the bot's own and one replacement at a time."""
    world.mailgun.has_key(a_key("billing", description="billing"), "billing-secret")
    world.mailgun.key_limit = len(world.mailgun.api_keys) + 2
    world.opened().press(Ask.APPROVE, "1")


def descriptions(world: World) -> list[str]:
    return sorted(unmarked(key.description) for key in world.mailgun.api_keys.values())


def menu(world: World, ask: Ask) -> Menu | None:
    world.draw()
    state, step = world.state("1"), world.step("1")
    with world.database.read() as tx:
        failures = tx.tasks.of_step(state.id, TaskStatus.FAILED)
    rows = step.rows(StepView(world.incident, state, {}, failures))
    controls = [control for row in rows for control in row.controls]
    return next((one for one in controls if isinstance(one, Menu) and one.action == ask), None)


def options(world: World, ask: Ask = Ask.MAKE_ROOM) -> list[str]:
    found = menu(world, ask)
    return [option.value for option in found.options] if found else []


def own_key_was_handed_to_nobody(world: World) -> bool:
    return world.vault.current().reveal() not in world.handed_over
