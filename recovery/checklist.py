"""What a person reads: their one message with all that they have to do, and the words of a reminder. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from recovery.actions import Ask
from recovery.content import Button, Card, Control, Menu, Option, Style
from recovery.people import PeopleStep, about_obligation, awaited, signs_in_elsewhere, step_of
from recovery.state import Incident, Obligation, ObligationStatus, Person
from recovery.step import Step
from recovery.text import Bold, Code, Line, When, Who, line, plain

MOST_PUT_OFF = 3
"""How often somebody may ask to be reminded later."""

LATER_OPTIONS = (
    Option("In an hour", "hour"),
    Option("This afternoon", "afternoon"),
    Option("Tomorrow morning", "tomorrow"),
)

TITLE = "Please secure your access to Mailgun"
BUTTON_ABOVE = line("The buttons are in the message above.")

_BOXES = {
    ObligationStatus.OPEN: "☐",
    ObligationStatus.QUESTIONED: "☐",
    ObligationStatus.EXCUSED: "☒",
    ObligationStatus.DROPPED: "☒",
}
_ENDS = {
    ObligationStatus.DONE: "done. Thank you.",
    ObligationStatus.VOUCHED: "done. Thank you.",
    ObligationStatus.EXCUSED: "you are not reminded of this any longer.",
    ObligationStatus.DROPPED: "no longer needed.",
}


@dataclass(frozen=True)
class Conversation:
    """What one person's message is made of. `others` are their other Mailgun users, if they have several."""

    incident: Incident
    person: Person
    obligations: Sequence[Obligation]
    others: Sequence[Person] = ()

    @property
    def open(self) -> list[Obligation]:
        """What is left to do."""
        return [obligation for obligation in self.obligations if obligation.is_open]


def person_card(steps: Sequence[Step], talk: Conversation) -> Card:
    """The direct message to one person, as it stands now."""
    items = [(step_of(steps, obligation), obligation) for obligation in talk.obligations]
    if not talk.open:
        return _settled_card(items, talk.person)
    lines: list[Line] = [
        line("Our Mailgun account was compromised. You have access to it as ", Code(talk.person.called), "."),
        line(*_others(talk)),
    ]
    for step, obligation in items:
        lines.extend(_item(step, obligation, talk.person))
    return Card(
        notification=f"Our Mailgun account was compromised. {_asked(items, talk.person)}",
        title=TITLE,
        lines=tuple(one for one in lines if one),
        buttons=tuple(_controls(items, talk.person)),
        footer=_footer(talk),
    )


def _settled_card(items: Sequence[tuple[PeopleStep, Obligation]], person: Person) -> Card:
    lines = tuple(_ended(step, obligation, person) for step, obligation in items)
    is_done = all(o.status in (ObligationStatus.DONE, ObligationStatus.VOUCHED) for _, o in items)
    told = "You have done your part at Mailgun. Thank you." if is_done else "Nothing is asked of you here any more."
    return Card(notification=told, title=TITLE, lines=(*lines, line(told)))


def _item(step: PeopleStep, obligation: Obligation, person: Person) -> list[Line]:
    if not obligation.is_open:
        return [_ended(step, obligation, person)]
    head = line(f"{_BOXES[obligation.status]} ", Bold(step.asks(person)))
    if obligation.status is ObligationStatus.QUESTIONED:
        at: Line = (When(obligation.evidence),) if obligation.evidence else ("a moment ago",)
        return [
            head,
            line("Mailgun shows that this was changed before this message reached you: at ", *at, "."),
            line("Was that you? If not, say so: it may have been the attacker."),
        ]
    if obligation.said_at is not None:
        return [head, line("You said that it is done. An approver confirms it.")]
    if obligation.evidence is not None:
        asked = line("You said that the change which Mailgun shows was not yours. Whoever asks you helps to undo it.")
        return [head, asked, *step.request(person)]
    return [head, *step.request(person)]


def _ended(step: PeopleStep, obligation: Obligation, person: Person) -> Line:
    return line(f"{_BOXES.get(obligation.status, '☑')} {step.asks(person)}: {_ENDS[obligation.status]}")


def _asked(items: Sequence[tuple[PeopleStep, Obligation]], person: Person) -> str:
    asked = [step.asks(person) for step, obligation in items if obligation.is_open]
    return f"Please: {'; '.join(asked)}."


def _controls(items: Sequence[tuple[PeopleStep, Obligation]], person: Person) -> list[Control]:
    controls: list[Control] = []
    about = {"person": str(person.id)}
    is_left = [(step, obligation) for step, obligation in items if obligation.is_open]
    for step, obligation in is_left:
        named = about_obligation(obligation)
        if obligation.status is ObligationStatus.QUESTIONED:
            several = f" ({step.item})" if len(is_left) > 1 else ""
            controls.append(Button(Ask.MINE, f"Yes, that was me{several}", {**named, "answer": "yes"}, Style.PRIMARY))
            controls.append(Button(Ask.MINE, f"No{several}", {**named, "answer": "no"}, Style.DANGER))
        elif signs_in_elsewhere(person) and obligation.said_at is None:
            controls.append(Button(Ask.DONE, step.said, named, Style.PRIMARY))
    if not signs_in_elsewhere(person) and any(o.status is ObligationStatus.OPEN for _, o in is_left):
        controls.append(Button(Ask.CHECK, "Check now", about, Style.PRIMARY))
    controls.append(Button(Ask.CANNOT, "I cannot do this", about))
    if person.put_off < MOST_PUT_OFF and awaited([one for _, one in is_left]):
        # What was chosen stays shown for as long as a menu carries the same.
        anew = {**about, "put_off": str(person.put_off)}
        controls.append(Menu(Ask.LATER, "Remind me later", anew, LATER_OPTIONS))
    return controls


def _others(talk: Conversation) -> Line:
    if not talk.others:
        return ()
    parts: list[str | Code] = ["You have another Mailgun user too, with a message of its own: "]
    for number, other in enumerate(talk.others):
        parts += [", " if number else "", Code(other.called)]
    return line(*parts, ".")


def _footer(talk: Conversation) -> Line:
    if talk.incident.requester_id == talk.person.slack_id:
        return line("You lead this recovery yourself; this is your own part as a user of the account.")
    return line("Asked by ", Who(talk.incident.requester_id), ". You can ask them whether this is real.")


# --- Replies under it -----------------------------------------------------------------------------------


def reminder_card(steps: Sequence[Step], talks: Sequence[Conversation]) -> Card:
    """A short reply that says what is left; of several Mailgun users of one person, for each."""
    lines: list[Line] = []
    for talk in talks:
        if len(talks) > 1:
            lines.append(line("As ", Code(talk.person.called), ":"))
        for obligation in talk.open:
            lines.append(_reminder(step_of(steps, obligation), obligation, talk.person))
    return Card(notification=plain(lines[0] if len(talks) == 1 else lines[1]), lines=(*lines, BUTTON_ABOVE))


def _reminder(step: PeopleStep, obligation: Obligation, person: Person) -> Line:
    if obligation.status is ObligationStatus.QUESTIONED:
        return line(f"Please answer the question above ({step.item}): was that change at Mailgun yours?")
    if obligation.said_at is not None:
        return line(f"{step.asks(person)}: you said that it is done; an approver still has to confirm it.")
    return step.reminder(person)


def more_card(steps: Sequence[Step], talk: Conversation, new: Sequence[Obligation]) -> Card:
    """A short reply that says what was added to the message above."""
    lines = [_reminder(step_of(steps, one), one, talk.person) for one in new]
    is_question = all(one.status is ObligationStatus.QUESTIONED for one in new)
    first = line("A question about your Mailgun user:" if is_question else "One thing more, for the same reason:")
    return Card(notification=plain(lines[0]), lines=(first, *lines, BUTTON_ABOVE))


def items_left(steps: Sequence[Step], obligations: Sequence[Obligation]) -> str:
    """What is left, in a few words: "new password, two-factor authentication"."""
    return ", ".join(step_of(steps, one).item for one in obligations if one.is_open)
