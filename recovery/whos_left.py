"""The list of the people, for approvers: name, how they sign in, password, 2FA, reminders, the next one."""

from collections.abc import Sequence, Set

from recovery.actions import Ask
from recovery.checklist import Conversation
from recovery.content import Button, Card, Control, Row
from recovery.people import about_obligation, by_person, cannot_be_asked, may_be_confirmed, signs_in_elsewhere, step_of
from recovery.policy import ReminderHours
from recovery.reminders import may_be_reminded_at
from recovery.signing_in import sign_in_name
from recovery.state import STRAYS, Incident, Obligation, ObligationStatus, Person, Standing
from recovery.step import Step
from recovery.strays import A_PAGE, WHY, stray_controls
from recovery.summary import follow_up_controls, in_order_of_harm
from recovery.text import Bold, Code, Line, When, Who, count, line

_STANDS = {
    ObligationStatus.OPEN: "not yet",
    ObligationStatus.QUESTIONED: "asked whether that was them",
    ObligationStatus.DONE: "done",
    ObligationStatus.VOUCHED: "confirmed",
    ObligationStatus.EXCUSED: "not reminded any longer",
    ObligationStatus.DROPPED: "no longer needed",
}


def people_card(
    steps: Sequence[Step],
    incident: Incident,
    people: Sequence[Person],
    obligations: Sequence[Obligation],
    hours: ReminderHours,
    only: str | None = None,
    page: int = 1,
    by_hand: Set[int] = frozenset(),
) -> Card:
    """Everybody, whoever is left first; or only those left in one step. For approvers' eyes only.

    `by_hand` are the ids of the steps that are done by hand: for everybody in them an approver confirms.
    """
    theirs = by_person(obligations)
    talks = [Conversation(incident, p, theirs.get(p.id, [])) for p in in_order_of_harm(people) if p.left_at is None]
    left = [talk for talk in talks if any(only in (None, one.kind) for one in talk.open)]
    rest = [] if only else [talk for talk in talks if talk not in left and talk.obligations]
    if not left and not rest:
        return Card(notification="Nobody is left.", lines=(line(nobody(talks, only)),))
    listed = [*left, *rest]
    pages = -(-len(listed) // A_PAGE)
    page = min(max(page, 1), pages)
    shown = listed[(page - 1) * A_PAGE : page * A_PAGE]
    title = f"Who is left: {len(left):,} of {count(len(talks), 'person', 'people')}"
    lines: list[Line] = [line("Confirmed means: you made sure yourself. Your name is recorded with it.")]
    if pages > 1:
        more = Code(f"/mailgun-compromised people {page % pages + 1}")
        lines.append(line(f"Page {page} of {pages}; ", more, " shows the next."))
    rows = tuple(_row(steps, talk, people, hours, by_hand) for talk in shown)
    return Card(notification=title, title=title, lines=tuple(lines), rows=rows)


def nobody(talks: Sequence[Conversation], only: str | None) -> str:
    """The sentence where there is nobody to list."""
    if not any(talk.obligations for talk in talks):
        return "Nobody has been asked for anything yet: that begins when step 3 or 4 is approved."
    return "Nobody is left: everyone has done their part." if only is None else "Nobody is left in this step."


def _row(
    steps: Sequence[Step], talk: Conversation, people: Sequence[Person], hours: ReminderHours, by_hand: Set[int]
) -> Row:
    person = talk.person
    reached: Line = (Who(person.slack_id),) if person.slack_id else (_unreached(person),)
    owner = ", account owner" if person.is_master else ""
    stands = "; ".join(f"{step_of(steps, one).item}: {_stands(one, person)}" for one in talk.obligations)
    users = [p for p in people if p.slack_id and p.slack_id == person.slack_id]
    same = [p.called for p in users if p.id != person.id]
    too = f"; the same person as {', '.join(same)}" if same else ""
    due: Line = ()
    if person.next_message_at is not None and person.message_ts is not None:
        due = ("; the next at ", When(may_be_reminded_at(users, person.next_message_at, hours)))
    reminders = f"; {count(person.reminders, 'reminder')}" if person.message_ts else ""
    text = line(
        Bold(person.name or person.called),
        " (",
        Code(person.called),
        f"{owner}{_sign_in(person)}; ",
        *reached,
        f"): {stands}{too}{reminders}",
        *due,
    )
    controls: list[Control] = []
    confirmable = [one for one in talk.obligations if may_be_confirmed(one, person, by_hand=one.step_id in by_hand)]
    controls += [_confirmed(steps, one, several=len(talk.open) > 1) for one in confirmable]
    if talk.open and person.standing in STRAYS:
        controls += stray_controls(person)
    elif talk.open:
        controls += follow_up_controls(person)
    return Row(text, tuple(controls))


def _confirmed(steps: Sequence[Step], obligation: Obligation, *, several: bool) -> Button:
    which = f": {step_of(steps, obligation).item}" if several else ""
    return Button(Ask.CONFIRM, f"Confirmed{which}", about_obligation(obligation))


def _stands(obligation: Obligation, person: Person) -> str:
    if obligation.status is ObligationStatus.QUESTIONED and cannot_be_asked(person):
        return "changed at Mailgun, but nobody can be asked whether that was them"
    if obligation.is_open and obligation.said_at is not None:
        return "says that it is done"
    if obligation.status is ObligationStatus.EXCUSED and obligation.reason:
        return f"not reminded any longer ({obligation.reason})"
    return _STANDS[obligation.status]


def _sign_in(person: Person) -> str:
    way = sign_in_name(person.sign_in)
    if not signs_in_elsewhere(person):
        return f", signs in with {way}"
    return f", signs in through {way}" if way else ", Mailgun does not show how they sign in"


def _unreached(person: Person) -> str:
    match person.standing:
        case Standing.UNKNOWN:
            return "being looked for in Slack"
        case Standing.BY_HAND:
            return "told by one of you"
        case Standing.LEAVING:
            return "has left, to be removed at Mailgun"
    return f"not reached: {WHY.get(person.standing, person.standing)}"
