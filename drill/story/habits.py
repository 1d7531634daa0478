"""What people do when the bot writes to them, while the story goes on."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drill.actors import Person
from drill.company import Company
from drill.messages import Message

READS_FOR = 0.7
"""Seconds after which somebody has read a message, at the least. Who acts sooner than the bot could note that
it told them is asked whether that was them."""

_TWO_FACTOR = "two-factor"
_THAT_WAS_ME = "Yes, that was me"


@dataclass
class SavesHandovers:
    """Saves each handover at once and says so, save for one that stays unsaved until it is wiped."""

    person: Person
    leaves_next: bool = False
    """Whether the next handover that comes is the one that is left alone."""
    left: Message | None = None
    """The message beside the handover that was left alone."""
    _pressed: set[str] = field(default_factory=set)

    def __call__(self) -> None:
        for controls in self.person.inbox("handover_controls"):
            if controls.ts in self._pressed or controls.button("saved") is None:
                continue
            if self.leaves_next:
                self.leaves_next, self.left = False, controls
                self._pressed.add(controls.ts)
            elif self.person.tries(controls, "saved"):
                self._pressed.add(controls.ts)


@dataclass
class DoesTheirPart:
    """Does at Mailgun what the bot asks for, and presses "Check now".

    With `after_reminders`, only once that many came. With `hasty`, "Check now" is pressed first, too early.
    """

    person: Person
    company: Company
    narrate: Callable[[str], None]
    after_reminders: int = 0
    hasty: bool = False
    _pressed: set[tuple[str, str]] = field(default_factory=set)
    _changed: set[str] = field(default_factory=set)

    def __call__(self) -> None:
        inbox = self.person.inbox()
        for asked in inbox:
            if asked.kind != "obligation" or time.time() - float(asked.ts) < READS_FOR:
                continue
            reminders = sum(m.kind == "reminder" and m.thread_ts == asked.ts for m in inbox)
            if self.hasty:
                self._press_once(asked, "Check now", "too early")
            if asked.ts not in self._changed and asked.button("Check now") and reminders >= self.after_reminders:
                self._changed.add(asked.ts)
                self._do(asked)
            if asked.ts in self._changed:
                self._press_once(asked, "Check now", "in time")
            self._press_once(asked, _THAT_WAS_ME, "answer")

    def _press_once(self, asked: Message, button: str, why: str) -> None:
        if (asked.ts, why) not in self._pressed and self.person.tries(asked, button):
            self._pressed.add((asked.ts, why))

    def _do(self, asked: Message) -> None:
        email = str(self.person.user.email)
        if _TWO_FACTOR in asked.title.lower():
            self.narrate(f"{self.person.name} turns on two-factor authentication at Mailgun.")
            self.company.mailgun.turns_on_two_factor(email)
        else:
            self.narrate(f"{self.person.name} follows Mailgun's mail and chooses a new password.")
            self.company.mailgun.resets_password(email)
