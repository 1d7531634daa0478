"""The stage: who plays, what they wait for, and what people do by habit meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from drill.actors import Person
from drill.company import Company
from drill.messages import Form, Message
from drill.process import BotProcess
from drill.transcript import Transcript
from drill.waiting import wait_for

Found = TypeVar("Found")


class StoryBroken(Exception):
    """The story cannot go on as it was told. The text says what is not as it should be."""


@dataclass
class Stage:
    """One performance. `habits` run between two looks of every wait, so that a story needs no threads."""

    company: Company
    bot: BotProcess
    transcript: Transcript
    habits: list[Callable[[], None]] = field(default_factory=list)

    # Who plays

    @property
    def olivia(self) -> Person:
        """Owns the workspace; leads this recovery and is handed the secrets."""
        return self.company.person("olivia")

    @property
    def priya(self) -> Person:
        """An admin of the workspace: she may decide."""
        return self.company.person("priya")

    @property
    def max(self) -> Person:
        """A plain member: he may look."""
        return self.company.person("max")

    def person(self, name: str) -> Person:
        """Somebody by the first part of their address."""
        return self.company.person(name)

    # What they wait for

    def wait(self, what: str, look: Callable[[], Found | None], seconds: float = 15.0) -> Found:
        """What `look` finds, people following their habits meanwhile. Raises `NotInTime` or `BotGone`."""
        found = wait_for(what, look, seconds, meanwhile=[self.bot.check, self.transcript.catch_up, *self.habits])
        self.transcript.catch_up()
        return found

    def step_is(self, number: int, status: str, seconds: float = 15.0) -> Message:
        """The card of that step, once it stands so."""
        slack = self.company.slack
        self.wait(f"step {number} to be “{status}”", lambda: slack.step_status(number) == status, seconds)
        return self.step(number)

    def step(self, number: int) -> Message:
        """The card of that step as it stands now."""
        return self.wait(f"the card of step {number}", lambda: self.company.slack.step(number))

    def hears(self, person: Person, words: str, channel: str = "") -> Message:
        """The private answer to somebody that says this, once it is there."""
        answer = (lambda: person.told(words, channel)) if channel else (lambda: person.told(words))
        return self.wait(f"{person.name} to be told “{words}”", answer)

    def fills_in(self, person: Person, words: str) -> None:
        """Somebody writes into the form that just opened, and sends it."""
        form: Form = self.wait(f"a form to open for {person.name}", person.form)
        person.submits(form, words)
        self.wait(f"the form of {person.name} to close", lambda: person.form() is None)

    def reads(self, person: Person, kind: str, words: str = "") -> Message:
        """Somebody's newest direct message of that kind that says this, once it is there."""

        def newest() -> Message | None:
            return next((message for message in reversed(person.inbox(kind)) if words in message.words), None)

        return self.wait(f"{person.name} to read a {kind} “{words}”", newest)

    def settled(self, *names: str) -> None:
        """Return once nothing is asked any more of these people."""

        def all_settled() -> bool:
            return all(_is_settled(self.person(name).inbox("checklist")) for name in names)

        self.wait(f"{' and '.join(names)} to be settled", all_settled, seconds=20)

    def outside(self, words: str) -> None:
        """Tell what happens outside Slack."""
        self.transcript.narrate(words)


def _is_settled(checklists: list[Message]) -> bool:
    return bool(checklists) and not any("☐" in message.words for message in checklists)
