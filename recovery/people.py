"""The people: what the steps that ask something of them share, and what Mailgun's answer says of one of them.

Each such step says in its own file what it asks, how Mailgun shows that it is done, and the words.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recovery.account import AccountUser, SignIn
from recovery.actions import Ask
from recovery.content import Button
from recovery.hand import HandItem, is_by_hand
from recovery.signing_in import through
from recovery.state import (
    Facts,
    Incident,
    NewTask,
    Obligation,
    ObligationStatus,
    Person,
    Standing,
    StepState,
    StepStatus,
)
from recovery.step import Step
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Bold, Line, bar, count, decapitalised, line

REDRAW = "people.redraw"
O = ObligationStatus  # noqa: E741  # short, and unmistakable where it is used


@dataclass(frozen=True)
class Evidence:
    """What Mailgun shows for one obligation: whether it is met, and since when (None where it gives no date)."""

    met: bool
    at: datetime | None = None


class PeopleStep(Step):
    """A step that obliges each user of the account."""

    asks_people = True
    verb: str
    """What a person does, for lists: "reset their password"."""
    plea: str
    """What a person is asked for, as an item of their checklist: "Reset your Mailgun password"."""
    plea_elsewhere: str
    """The same to somebody who does not sign in with a Mailgun password."""
    item: str
    """The same in two words, for reminders and the trail: "new password"."""
    after_a_no: str
    """What the requester is to do where somebody says that a change was not theirs."""
    reminder_at_mailgun: Line
    """What somebody is reminded of who signs in with a Mailgun password."""
    said: str
    """What a person says when it is done, on a button: "I have reset it"."""

    @abstractmethod
    def evidence(self, user: AccountUser, incident: Incident) -> Evidence:
        """What Mailgun shows for this user."""

    @abstractmethod
    def request_at_mailgun(self, person: Person) -> list[Line]:
        """What somebody is asked to do who signs in with a Mailgun password."""

    @abstractmethod
    def request_elsewhere(self, person: Person) -> list[Line]:
        """What somebody is asked to do who signs in otherwise, where they do that."""

    def request(self, person: Person) -> list[Line]:
        """What the person is asked to do, by how they sign in."""
        if not signs_in_elsewhere(person):
            return self.request_at_mailgun(person)
        said = line("Then press ", Bold(self.said), "; an approver confirms it.")
        return [*through(person.sign_in), *self.request_elsewhere(person), said]

    def reminder(self, person: Person) -> Line:
        """The same in one line, for a reminder."""
        if not signs_in_elsewhere(person):
            return self.reminder_at_mailgun
        asked = f"Please {decapitalised(self.asks(person))}, then press "
        return line(asked, Bold(self.said), "; an approver confirms it.")

    def asks(self, person: Person) -> str:
        """What this person is asked for, by how they sign in."""
        return self.plea_elsewhere if signs_in_elsewhere(person) else self.plea

    def is_complete(self, tx: Transaction, incident: Incident, state: StepState) -> bool:
        obligations = tx.people.obligations(incident.id, state.id)
        return not any(obligation.is_open for obligation in obligations)

    def progress(self, view: StepView) -> str:
        if not view.obligations:
            return ""
        counted = [o for o, _ in view.obligations if o.status is not O.DROPPED]
        excused = sum(o.status is O.EXCUSED for o in counted)
        met = sum(not o.is_open for o in counted) - excused
        text = f"{bar(met, len(counted))} {met} of {count(len(counted), 'person', 'people')} done"
        if excused:
            text += f", {excused} not reminded any longer, with a reason"
        by_hand = is_by_hand(view.state)
        vouch = sum(may_be_confirmed(o, p, by_hand=by_hand) for o, p in view.obligations)
        if vouch:
            said = sum(may_be_confirmed(o, p, by_hand=by_hand) and o.said_at is not None for o, p in view.obligations)
            text += f", {vouch} of the others to be confirmed by an approver"
            text += f" ({said} say that they are done)" if said else ""
        return text

    def may_go_by_hand(self, view: StepView) -> bool:
        asks = any(o.is_open for o, _ in view.obligations) or view.state.status is StepStatus.NEEDS_ATTENTION
        at_work = view.state.status is StepStatus.RUNNING and asks and not is_by_hand(view.state)
        return super().may_go_by_hand(view) or (view.is_refused and at_work)

    def hand_items(self, tx: Transaction, incident: Incident, state: StepState) -> list[HandItem]:
        # Those who are known have obligations, which an approver confirms one by one.
        is_known = any(person.left_at is None for person in tx.people.of(incident.id))
        return [] if is_known else [HandItem("everybody", f"everybody who is listed there was asked to {self.verb}")]

    def buttons(self, view: StepView) -> list[Button]:
        buttons = super().buttons(view)
        if view.obligations and any(o.is_open for o, _ in view.obligations):
            buttons.append(Button(Ask.PEOPLE, "Who is left (approvers)", self.about(view.state)))
            if self.may_keep_reminding and view.state.status is StepStatus.RUNNING and not view.state.keep_reminding:
                buttons.append(Button(Ask.KEEP_REMINDING, "Go on, keep reminding", self.about(view.state)))
        return buttons


def signs_in_elsewhere(person: Person) -> bool:
    """Whether Mailgun cannot show what this person did: they say so themselves, and an approver confirms it."""
    return person.sign_in != SignIn.PASSWORD


def cannot_be_asked(person: Person) -> bool:
    """Whether there is nobody in Slack whom the bot could ask."""
    return person.slack_id is None and person.standing is not Standing.UNKNOWN


def may_be_confirmed(obligation: Obligation, person: Person, *, by_hand: bool = False) -> bool:
    """Whether an approver may confirm what is left: because Mailgun cannot show it, or cannot be asked while the step
    is done `by_hand`; or because it shows a change of which the bot cannot ask its owner whether it was theirs.
    Otherwise what Mailgun says wins (rule 7)."""
    if not obligation.is_open:
        return False
    return by_hand or signs_in_elsewhere(person) or (obligation.status is O.QUESTIONED and cannot_be_asked(person))


def judge(step: PeopleStep, person: Person, user: AccountUser, incident: Incident) -> Evidence:
    """What counts for this obligation (rule 7). Only for people who sign in with a Mailgun password."""
    if signs_in_elsewhere(person):
        return Evidence(False)
    return step.evidence(user, incident)


def is_doubtful(evidence: Evidence, incident: Incident, person: Person) -> bool:
    """Whether the change may be the attacker's: made in the incident, before its owner was first reached."""
    if not evidence.met or evidence.at is None or evidence.at < incident.since:
        return False
    return person.reached_at is None or evidence.at < person.reached_at


def step_of(steps: Sequence[Step], obligation: Obligation) -> PeopleStep:
    """The step that asks for an obligation."""
    step = next(step for step in steps if step.kind == obligation.kind)
    assert isinstance(step, PeopleStep)
    return step


def people_steps(steps: Sequence[Step]) -> list[PeopleStep]:
    """Those of the steps that ask something of people, in order."""
    return [step for step in steps if isinstance(step, PeopleStep)]


def by_person(obligations: Sequence[Obligation]) -> Mapping[int, list[Obligation]]:
    """The obligations of each person, by the person's id."""
    found: dict[int, list[Obligation]] = {}
    for obligation in obligations:
        found.setdefault(obligation.person_id, []).append(obligation)
    return found


def dropped(obligation: Obligation, at: datetime) -> Obligation:
    """It is asked for no more. A question that nobody has answered is asked anew if it ever is again; an answer
    stands."""
    evidence = None if obligation.status is O.QUESTIONED else obligation.evidence
    version = obligation.version + 1
    return replace(obligation, status=O.DROPPED, version=version, settled_at=at, evidence=evidence)


def awaited(obligations: Sequence[Obligation]) -> list[Obligation]:
    """Those for which the person themself has to do or say something."""
    return [obligation for obligation in obligations if obligation.is_awaited]


def about_person(person: Person) -> dict[str, str]:
    """What a button or a menu about this person carries."""
    return {"person": str(person.id), "version": str(person.version)}


def about_obligation(obligation: Obligation) -> dict[str, str]:
    """What a button about this obligation carries."""
    return {"obligation": str(obligation.id), "version": str(obligation.version)}


def plan_redraw(tx: Transaction, *people: Person) -> None:
    """The messages of these people shall show how it stands. Whoever has none yet is told as it stands then."""
    tx.tasks.add([redraw_task(person) for person in people if person.message_ts])


def redraw_task(person: Person) -> NewTask:
    """Draws the person's message as it stands then; there is never more than one unfinished."""
    payload: Facts = {"person": person.id}
    return NewTask(REDRAW, f"{REDRAW}:{person.id}", person.incident_id, priority=3, payload=payload)


def lane_of(slack_id: str) -> str:
    """Messages to one person go out one at a time, in order."""
    return f"person:{slack_id}"
