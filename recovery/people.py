"""The people: who is asked what, what Mailgun says of them, and who vouches where it cannot.

Both steps that ask something of people share this; each says in its own file what it asks, how Mailgun
shows that it is done, and the words.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recovery.access import reachable
from recovery.account import AccountUser, SignIn
from recovery.actions import Ask
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Button, Card, Marker, MarkerKind, Place, Style
from recovery.errors import OutsideError, Unreachable
from recovery.jobs import Job, TaskKind
from recovery.posting import begun_before, post_once, posted_before
from recovery.reminders import next_reminder
from recovery.state import (
    Facts,
    Incident,
    NewTask,
    Obligation,
    ObligationStatus,
    Person,
    StepState,
    StepStatus,
)
from recovery.step import Step, StepView, begins_nothing
from recovery.store import Transaction
from recovery.text import Code, Line, When, Who, count, line

TELL = "people.tell"
REDRAW = "people.redraw"
O = ObligationStatus  # noqa: E741  # short, and unmistakable where it is used

LOGIN_PAGE = "https://login.mailgun.com/login/"


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
    """What a person is asked for, as the title of their message: "Reset your Mailgun password"."""

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (TaskKind(self.begin_kind, lambda job: oblige_everyone(job, self), "listing the users", effect=True),)

    @abstractmethod
    def evidence(self, user: AccountUser, incident: Incident) -> Evidence:
        """What Mailgun shows for this user."""

    @abstractmethod
    def request(self, person: Person) -> list[Line]:
        """What the person is asked to do, by how they sign in."""

    @abstractmethod
    def reminder(self, person: Person) -> Line:
        """The same in one line, for a reminder."""

    def is_complete(self, tx: Transaction, incident: Incident, state: StepState) -> bool:
        obligations = tx.people.obligations(incident.id, state.id)
        return not any(obligation.is_open for obligation in obligations)

    def progress(self, view: StepView) -> str:
        if not view.obligations:
            return ""
        counted = [o for o, _ in view.obligations if o.status is not O.DROPPED]
        met = sum(not o.is_open for o in counted)
        text = f"{met} of {count(len(counted), 'person', 'people')} done"
        vouch = sum(o.is_open and needs_voucher(p) for o, p in view.obligations)
        return f"{text}, {vouch} of the others to be confirmed by an approver" if vouch else text

    def buttons(self, view: StepView) -> list[Button]:
        buttons = super().buttons(view)
        if view.obligations and any(o.is_open for o, _ in view.obligations):
            buttons.append(Button(Ask.PEOPLE, "Who is left (approvers)", self.about(view.state)))
            if self.may_keep_reminding and view.state.status is StepStatus.RUNNING and not view.state.keep_reminding:
                buttons.append(Button(Ask.KEEP_REMINDING, "Go on, keep reminding", self.about(view.state)))
        return buttons


def needs_voucher(person: Person) -> bool:
    """Whether Mailgun cannot decide for this person, or nobody can ask them in Slack: an approver confirms."""
    return person.sign_in != SignIn.PASSWORD or person.slack_id is None


def judge(step: PeopleStep, person: Person, user: AccountUser, incident: Incident) -> Evidence:
    """What counts for this obligation (rule 7). Only for people who sign in with a Mailgun password."""
    if person.sign_in != SignIn.PASSWORD:
        return Evidence(False)
    return step.evidence(user, incident)


def is_doubtful(evidence: Evidence, incident: Incident, person: Person) -> bool:
    """Whether the change may be the attacker's: made in the incident, before its owner was first reached."""
    if not evidence.met or evidence.at is None or evidence.at < incident.since:
        return False
    return person.reached_at is None or evidence.at < person.reached_at


# --- Beginning a people step --------------------------------------------------------------------------


def oblige_everyone(job: Job, step: PeopleStep) -> None:
    """List the users, find them in Slack, and plan a direct message to each who still has something to do."""
    job.hold()
    users = [user for user in job.tools.mailgun.users() if not user.is_disabled]
    task = job.task
    with job.tools.store.read() as tx:
        known = {person.mailgun_id: person for person in tx.people.of(task.incident_id or 0)}
    found = find_all_in_slack(job, [user for user in users if user.id not in known])
    with job.record() as tx:
        incident = tx.incidents.get(task.incident_id or 0)
        if begins_nothing(tx, task):
            job.done(tx, job.task)
            return
        state = tx.steps.get(task.step_id or 0)
        for user in users:
            person = tx_person(tx, incident, user, found.get(user.id))
            oblige(tx, job, step, state, incident, person, user)
        tx.incidents.set(incident.id, next_poll_at=job.tools.clock.now() + job.tools.policy.poll_every)
        job.done(tx, task)


def find_all_in_slack(job: Job, users: Sequence[AccountUser]) -> dict[str, tuple[str, str | None] | None]:
    """`find_in_slack` for each, by Mailgun's id. Slack limits how many it tells in a minute: where it asks to wait,
    those found until then are kept, and the next attempt goes on after them. Raises what Slack answered."""
    found: dict[str, tuple[str, str | None] | None] = {}
    for user in users:
        try:
            found[user.id] = find_in_slack(job, user)
        except OutsideError:
            with job.record() as tx:
                incident = tx.incidents.get(job.task.incident_id or 0)
                for known in (user for user in users if user.id in found):
                    tx_person(tx, incident, known, found[known.id])
            raise
    return found


def find_in_slack(job: Job, user: AccountUser) -> tuple[str, str | None] | None:
    """The Slack id and time zone of a Mailgun user, by e-mail; None when they are not found there."""
    if not user.email:
        return None
    job.hold()
    member = job.tools.directory.by_email(user.email)
    return (member.id, member.tz) if member is not None and reachable(member) else None


def tx_person(tx: Transaction, incident: Incident, user: AccountUser, slack: tuple[str, str | None] | None) -> Person:
    """The incident's person for this user, added if new."""
    for person in tx.people.of(incident.id):
        if person.mailgun_id == user.id:
            return person
    return tx.people.add(
        Person(
            id=0,
            incident_id=incident.id,
            mailgun_id=user.id,
            email=user.email,
            name=user.name,
            role=user.role,
            is_master=user.is_master,
            sign_in=str(user.sign_in),
            slack_id=slack[0] if slack else None,
            slack_tz=slack[1] if slack else None,
        )
    )


def oblige(
    tx: Transaction,
    job: Job,
    step: PeopleStep,
    state: StepState,
    incident: Incident,
    person: Person,
    user: AccountUser,
) -> None:
    """Add the obligation if it is new, met at once where Mailgun shows that without doubt."""
    if any(o.person_id == person.id for o in tx.people.obligations(incident.id, state.id)):
        return
    evidence = judge(step, person, user, incident)
    met = evidence.met and not is_doubtful(evidence, incident, person)
    now = job.tools.clock.now()
    obligation = tx.people.oblige(
        Obligation(
            id=0,
            incident_id=incident.id,
            step_id=state.id,
            person_id=person.id,
            kind=step.kind,
            status=O.DONE if met else O.OPEN,
            evidence=evidence.at if met else None,
            settled_at=now if met else None,
        )
    )
    if met:
        met_facts = AuditFacts(Actor.MAILGUN, Action.OBLIGATION_MET, f"{step.title}: {person.email}", private=True)
        tx.audit.append(incident.id, now, met_facts)
        return
    # Somebody who joins after the step was done opens it again.
    tx.steps.move(tx.steps.get(state.id), [StepStatus.DONE], StepStatus.RUNNING)
    if person.slack_id:
        tx.tasks.add([tell_task(incident, obligation, person)])


def tell_task(incident: Incident, obligation: Obligation, person: Person) -> NewTask:
    """The task of the first message to a person about one obligation."""
    return NewTask(
        TELL,
        f"{TELL}:{obligation.id}",
        incident.id,
        None,
        lane=f"person:{person.slack_id}",
        priority=4,
        payload={"obligation": obligation.id},
    )


# --- Telling a person ---------------------------------------------------------------------------------


def person_card(step: PeopleStep, incident: Incident, person: Person, obligation: Obligation) -> Card:
    """The direct message about one obligation, as it stands now."""
    about = {"obligation": str(obligation.id), "version": str(obligation.version)}
    title = step.plea
    match obligation.status:
        case O.DONE | O.VOUCHED:
            return Card(notification=f"{title}: done. Thank you.", title=title, lines=(line("Done. Thank you."),))
        case O.DROPPED:
            return Card(
                notification=f"{title}: no longer needed.",
                title=title,
                lines=(line("Nothing left to do here."),),
            )
        case O.QUESTIONED:
            at: Line = (When(obligation.evidence),) if obligation.evidence else ("a moment ago",)
            return Card(
                notification="Was that you?",
                title=title,
                lines=(
                    line("Mailgun shows a change from before this message reached you: at ", *at, "."),
                    line("Was that you? If not, say so: it may have been the attacker."),
                ),
                buttons=(
                    Button(Ask.MINE, "Yes, that was me", {**about, "answer": "yes"}, Style.PRIMARY),
                    Button(Ask.MINE, "No", {**about, "answer": "no"}, Style.DANGER),
                ),
            )
        case O.OPEN:
            check = (Button(Ask.CHECK, "Check now", about, Style.PRIMARY),)
            return Card(
                notification=f"Your company's Mailgun account was compromised. {title}.",
                title=title,
                lines=(
                    line(
                        "Our Mailgun account was compromised. You have access to it as ",
                        Code(person.email),
                        ".",
                    ),
                    *step.request(person),
                ),
                buttons=check if person.sign_in == SignIn.PASSWORD else (),
                footer=line("Asked by ", Who(incident.requester_id), ". You can ask them whether this is real."),
            )


def tell(job: Job, steps: Sequence[Step]) -> None:
    """Post the first message about an obligation to its person."""
    tools = job.tools
    with tools.store.read() as tx:
        obligation = tx.people.obligation(int(str(job.task.payload["obligation"])))
        person = tx.people.get(obligation.person_id)
        incident = tx.incidents.get(obligation.incident_id)
    step = step_of(steps, obligation)
    wanted = obligation.is_open and person.left_at is None
    if person.slack_id is None or not (wanted or begun_before(job)):
        _leave_untold(job, obligation, person, incident)
        return
    # From here on a change may be their answer to the message, which can be read before we hear that it arrived.
    begun_at = tools.clock.now()
    is_old = begun_before(job)
    try:
        job.hold()
        channel = person.channel_id or tools.messenger.open_direct(person.slack_id)
        marker = obligation_marker(job, obligation)
        if wanted:
            ts = post_once(job, Place(channel), person_card(step, incident, person, obligation), marker)
        elif (earlier := posted_before(job, Place(channel), marker)) is not None:
            ts = earlier
        else:
            _leave_untold(job, obligation, person, incident)
            return
    except Unreachable as error:
        with job.record() as tx:
            now = tools.clock.now()
            # They cannot be asked in Slack: from here on, an approver confirms for them.
            tx.people.set(person.id, slack_id=None)
            facts = AuditFacts(Actor.BOT, Action.NOT_REACHED, f"writing to {person.email}", str(error), private=True)
            tx.audit.append(incident.id, now, facts)
            job.done(tx, job.task)
        return
    with job.record() as tx:
        now = tools.clock.now()
        first = {} if person.reached_at else {"reached_at": begun_at}
        tx.people.set(person.id, channel_id=channel, **first)
        due = next_reminder(now, person.slack_tz, tools.policy.reminders)
        tx.people.set_obligation(obligation.id, message_ts=ts, next_reminder_at=due)
        facts = AuditFacts(Actor.BOT, Action.PERSON_TOLD, f"{step.title}: {person.email}", private=True)
        tx.audit.append(incident.id, now, facts)
        if is_old or tx.people.obligation(obligation.id).version != obligation.version:
            # What stands there was drawn before, or has been settled meanwhile.
            plan_redraw(tx, obligation)
        job.done(tx, job.task)


def _leave_untold(job: Job, obligation: Obligation, person: Person, incident: Incident) -> None:
    """Settled before the message went out; unless it was opened again since, which could plan no task beside this."""
    with job.record() as tx:
        job.done(tx, job.task)
        if person.slack_id and tx.people.obligation(obligation.id).version != obligation.version:
            tx.tasks.add([tell_task(incident, obligation, person)])


def plan_redraw(tx: Transaction, obligation: Obligation) -> None:
    """The person's message shall show how it stands."""
    tx.tasks.add([redraw_task(obligation)])


def redraw_task(obligation: Obligation) -> NewTask:
    """Draws the person's message as it stands then; there is never more than one unfinished."""
    payload: Facts = {"obligation": obligation.id}
    return NewTask(REDRAW, f"{REDRAW}:{obligation.id}", obligation.incident_id, priority=3, payload=payload)


def step_of(steps: Sequence[Step], obligation: Obligation) -> PeopleStep:
    """The step that asks for an obligation."""
    step = next(step for step in steps if step.kind == obligation.kind)
    assert isinstance(step, PeopleStep)
    return step


def obligation_marker(job: Job, obligation: Obligation) -> Marker:
    """The metadata of a person's message about one obligation."""
    return Marker(MarkerKind.OBLIGATION, f"{job.tools.store.identity()}:{obligation.id}")


def sign_in_name(person: Person) -> str | None:
    """What a person signs in through, in words; None where Mailgun does not show it."""
    match person.sign_in:
        case SignIn.SINCH:
            return "Sinch ID"
        case SignIn.SAML:
            return "your company's single sign-on"
        case SignIn.PASSWORD:
            return "a Mailgun password"
        case _:
            return None
