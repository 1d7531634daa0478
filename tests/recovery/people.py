"""What people do at Mailgun, the bot's looks at it, and the reminders that come of it."""

from datetime import UTC, datetime, timedelta

from recovery.content import MarkerKind
from tests.recovery.world import World

MINUTE = timedelta(minutes=1)
MORNING = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
"""Nine o'clock where everybody is."""


def reminders(world: World, user_id: str = "U-ANN") -> list[str]:
    """The reminders that somebody got, without words about something more."""
    return [text for text in world.messages_to(user_id, MarkerKind.REMINDER) if "One thing more" not in text]


def turn_on(world: World, name: str = "ann", at: datetime | None = None) -> None:
    world.mailgun.change_user(f"mailgun-{name}", tfa_active=True, tfa_created_at=at or world.clock.now())


def poll(world: World) -> None:
    world.later(world.policy.poll_every)


def turn_off(world: World, name: str = "ann") -> None:
    world.mailgun.change_user(f"mailgun-{name}", tfa_active=False, tfa_created_at=None)
