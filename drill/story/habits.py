"""What people do when the bot writes to them, while the story goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from drill.actors import Person
from drill.company import Company
from drill.messages import Message

PASSWORD, TWO_FACTOR = "password", "two-factor"


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
            self._pressed.add(controls.ts)
            if self.leaves_next:
                self.leaves_next, self.left = False, controls
            else:
                self.person.clicks(controls, "saved")


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
    _checked_early: set[str] = field(default_factory=set)
    _done: set[str] = field(default_factory=set)

    def __call__(self) -> None:
        inbox = self.person.inbox()
        for asked in inbox:
            if asked.kind != "obligation" or asked.ts in self._done or asked.button("check") is None:
                continue
            if self.hasty and asked.ts not in self._checked_early:
                self._checked_early.add(asked.ts)
                self.person.clicks(asked, "Check now")
                continue
            reminders = sum(m.kind == "reminder" and m.thread_ts == asked.ts for m in inbox)
            if reminders >= self.after_reminders:
                self._done.add(asked.ts)
                self._do(asked)
                self.person.clicks(asked, "Check now")

    def _do(self, asked: Message) -> None:
        email = str(self.person.user.email)
        if TWO_FACTOR in asked.title.lower():
            self.narrate(f"{self.person.name} turns on two-factor authentication at Mailgun.")
            self.company.mailgun.turns_on_two_factor(email)
        else:
            self.narrate(f"{self.person.name} follows Mailgun's mail and chooses a new password.")
            self.company.mailgun.resets_password(email)
