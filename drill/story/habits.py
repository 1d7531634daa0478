"""What people do when the bot writes to them, while the story goes on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from drill.actors import Person
from drill.company import Company
from drill.messages import Message

READS_FOR = 0.7
"""Seconds after which somebody has read a message, at the least."""

MORE = ("One thing more", "A question")
"""What a reply under somebody's message begins with that is no reminder."""


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


class Item(StrEnum):
    """What somebody is asked for, by its line in their message."""

    PASSWORD = "Reset your Mailgun password"
    TWO_FACTOR = "Turn on two-factor authentication"


_DOES = {
    (Item.PASSWORD,): "follows Mailgun's mail and chooses a new password",
    (Item.TWO_FACTOR,): "turns on two-factor authentication at Mailgun",
    tuple(Item): "chooses a new password by Mailgun's mail, and turns on two-factor authentication",
}


@dataclass
class DoesTheirPart:
    """Does at Mailgun what their message asks for, and says so with the button that it has.

    `address` is their Mailgun user, by address or id: without one, the address that they have in Slack. With
    `after_reminders`, only once that many came. With `hasty`, "Check now" is pressed first, too early. `answer` is what
    they say to "Was that you?". `items` is what they can do.
    """

    person: Person
    company: Company
    tell: Callable[[str, str], None]
    address: str = ""
    after_reminders: int = 0
    hasty: bool = False
    answer: str = "Yes"
    items: tuple[Item, ...] = tuple(Item)
    _pressed: set[tuple[str, str]] = field(default_factory=set)
    _done: set[Item] = field(default_factory=set)

    def __call__(self) -> None:
        inbox = self.person.inbox()
        asked = self._asked(inbox)
        if asked is None or time.time() - float(asked.ts) < READS_FOR:
            return
        self._press_once(asked, self.answer)
        if self.hasty:
            self._press_once(asked, "Check now")
        # Those of somebody's second Mailgun user stand under the message of the first.
        reminders = [m for m in inbox if m.kind == "reminder" and not m.words.startswith(MORE)]
        if len(reminders) >= self.after_reminders:
            self._do_what_is_left(asked)

    def _asked(self, inbox: Sequence[Message]) -> Message | None:
        """Their message; of several Mailgun users, that of the one that this is about."""
        known = [message for message in inbox if message.kind == "checklist"]
        if len(known) > 1 and self.address:
            known = [message for message in known if f"access to it as {self.address}." in message.words]
        return known[-1] if known else None

    def _do_what_is_left(self, asked: Message) -> None:
        for said in ("I have reset my password", "I have two-factor on"):
            self._press_once(asked, said)
        if asked.button("Check now") is None:
            return
        left = tuple(item for item in self.items if f"☐ {item}" in asked.words and item not in self._done)
        if left:
            self.tell(self.person.name, _DOES[left])
        for item in left:
            self._done.add(item)
            self._do(item)
        if self._done:
            self._press_once(asked, "Check now", f"after {', '.join(sorted(self._done))}")

    def _press_once(self, asked: Message, label: str, why: str = "") -> None:
        """Press the first button whose label begins so, unless that was done for the same reason."""
        button = next((one for one in asked.buttons if one.label.startswith(label)), None)
        reason = why or label
        if button and (asked.ts, reason) not in self._pressed and self.person.tries(asked, button.label):
            self._pressed.add((asked.ts, reason))

    def _do(self, item: Item) -> None:
        user = self.address or str(self.person.user.email)
        if item is Item.TWO_FACTOR:
            self.company.mailgun.turns_on_two_factor(user)
        else:
            self.company.mailgun.resets_password(user)
