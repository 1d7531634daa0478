"""What people do at Mailgun, and the bot's looks at it."""

from datetime import datetime

from tests.recovery.world import World


def turn_on(world: World, name: str = "ann", at: datetime | None = None) -> None:
    world.mailgun.change_user(f"mailgun-{name}", tfa_active=True, tfa_created_at=at or world.clock.now())


def poll(world: World) -> None:
    world.later(world.policy.poll_every)


def turn_off(world: World, name: str = "ann") -> None:
    world.mailgun.change_user(f"mailgun-{name}", tfa_active=False, tfa_created_at=None)
