"""Asking Mailgun about the people: one poll for everyone, however many wait for its answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recovery.account import AccountUser
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Card
from recovery.errors import OutsideError, Refused
from recovery.jobs import Job, TaskKind
from recovery.people import (
    REDRAW,
    Evidence,
    PeopleStep,
    find_all_in_slack,
    is_doubtful,
    judge,
    needs_voucher,
    obligation_marker,
    oblige,
    person_card,
    plan_redraw,
    redraw_task,
    step_of,
    tell_task,
    tx_person,
)
from recovery.posting import redraw_unless_gone
from recovery.state import (
    Facts,
    Incident,
    NewTask,
    Obligation,
    ObligationStatus,
    Person,
    Request,
    StepState,
    StepStatus,
)
from recovery.step import Step
from recovery.store import Transaction
from recovery.text import Line, line, plain

POLL = "people.poll"
ANSWER_CHECK = "people.answer"

WAITING = "waiting"
"""The outcome of a "Check now" until the poll that answers it has ended."""

CHECKED = "checked"
"""Its outcome from then on."""

MOST_PATIENCE = timedelta(seconds=20)
"""How long anybody is kept waiting for an answer while Mailgun or Slack cannot be asked; then they are told."""


def poll_task(incident: Incident, not_before: datetime | None = None) -> NewTask:
    """One poll for the incident; there is never more than one unfinished."""
    return NewTask(POLL, f"{POLL}:{incident.id}", incident.id, priority=2, not_before=not_before)


def begun(state: StepState) -> bool:
    """Whether a people step's obligations are looked after."""
    return state.status in (StepStatus.RUNNING, StepStatus.DONE, StepStatus.NEEDS_ATTENTION)


def poll(job: Job, steps: Sequence[Step]) -> None:
    """List the users, settle what Mailgun shows, include who joined, drop who left, answer who waits."""
    tools = job.tools
    with tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        known = {person.mailgun_id for person in tx.people.of(incident.id)}
        states = {state.kind: state for state in tx.steps.of(incident.id) if begun(state)}
    if not incident.is_alive:
        with job.record() as tx:
            answer_waiting(tx, incident.id)
        return
    people_steps = [step for step in steps if isinstance(step, PeopleStep) and step.kind in states]
    asked_at = tools.clock.now()
    try:
        job.hold()
        users = {user.id: user for user in tools.mailgun.users() if not user.is_disabled}
        found = find_all_in_slack(job, [user for user in users.values() if user.id not in known])
    except OutsideError as error:
        give_up_on_patience(job, error)
        raise
    with job.record() as tx:
        if not tx.incidents.get(incident.id).is_alive:
            # Cancelled, or its people taken over, while Mailgun was being asked.
            answer_waiting(tx, incident.id)
            job.done(tx, job.task)
            return
        returned = set()
        for user in users.values():
            person = tx_person(tx, incident, user, found.get(user.id))
            if person.left_at is not None:
                returned.add(person.id)
                tx.people.set(person.id, left_at=None)
            for step in people_steps:
                oblige(tx, job, step, states[step.kind], incident, person, user)
        people = {person.id: person for person in tx.people.of(incident.id)}
        for obligation in tx.people.obligations(incident.id):
            person = people[obligation.person_id]
            if person.mailgun_id in users:
                step = step_of(steps, obligation)
                if person.id in returned and obligation.status is ObligationStatus.DROPPED:
                    reopen(tx, job, step, obligation, person, "is a user again")
                else:
                    weigh(tx, job, step, obligation, person, users[person.mailgun_id], incident)
            else:
                drop(tx, job, obligation, person, incident)
        # Those who asked after the list was begun may have changed something since: the next poll answers them.
        answer_waiting(tx, incident.id, since=asked_at)
        tx.incidents.mark_drawn(incident.id, next_poll_at=asked_at + tools.policy.poll_every)
        job.done(tx, job.task)
        if tx.requests.waiting():
            tx.tasks.add([poll_task(incident)])


def weigh(
    tx: Transaction,
    job: Job,
    step: PeopleStep,
    obligation: Obligation,
    person: Person,
    user: AccountUser,
    incident: Incident,
) -> None:
    """Move one obligation to where Mailgun's answer puts it."""
    evidence = judge(step, person, user, incident)
    status = obligation.status
    if status is ObligationStatus.DONE and not evidence.met:
        reopen(tx, job, step, obligation, person, "is undone again")
    elif status is ObligationStatus.OPEN and evidence.met:
        if is_doubtful(evidence, incident, person):
            question(tx, job, step, obligation, person, evidence)
        else:
            meet(tx, job, step, obligation, person, evidence)
    elif status is ObligationStatus.QUESTIONED and evidence.met and not is_doubtful(evidence, incident, person):
        meet(tx, job, step, obligation, person, evidence)
    elif status is ObligationStatus.QUESTIONED and not evidence.met:
        reopen(tx, job, step, obligation, person, "is undone again")


def meet(
    tx: Transaction, job: Job, step: PeopleStep, obligation: Obligation, person: Person, evidence: Evidence
) -> None:
    """Mailgun shows it."""
    now = job.tools.clock.now()
    if tx.people.settle(obligation, ObligationStatus.DONE, evidence=evidence.at, settled_at=now, next_reminder_at=None):
        facts = AuditFacts(Actor.MAILGUN, Action.OBLIGATION_MET, f"{step.title}: {person.email}", private=True)
        tx.audit.append(obligation.incident_id, now, facts)
        plan_redraw(tx, obligation)


def question(
    tx: Transaction, job: Job, step: PeopleStep, obligation: Obligation, person: Person, evidence: Evidence
) -> None:
    """Mailgun shows a change that may be the attacker's: its owner is asked, once they can be reached.

    Somebody who answered "no" to this very change before is not asked again.
    """
    if needs_voucher(person) or person.reached_at is None or obligation.evidence == evidence.at:
        return
    if tx.people.settle(obligation, ObligationStatus.QUESTIONED, evidence=evidence.at):
        facts = AuditFacts(Actor.BOT, Action.QUESTIONED, f"{step.title}: {person.email}", private=True)
        tx.audit.append(obligation.incident_id, job.tools.clock.now(), facts)
        plan_redraw(tx, obligation)


def reopen(tx: Transaction, job: Job, step: PeopleStep, obligation: Obligation, person: Person, why: str) -> None:
    """What was done is undone: the person is back in, reminders included."""
    now = job.tools.clock.now()
    if tx.people.settle(obligation, ObligationStatus.OPEN, settled_at=None, settled_by=None, next_reminder_at=now):
        facts = AuditFacts(
            Actor.MAILGUN, Action.OBLIGATION_REOPENED, f"{step.title}: {person.email}", why, private=True
        )
        tx.audit.append(obligation.incident_id, now, facts)
        state = tx.steps.get(obligation.step_id)
        tx.steps.move(state, [StepStatus.DONE], StepStatus.RUNNING)
        if obligation.message_ts is None and person.slack_id:
            # They had it when the step began, and were never told.
            tx.tasks.add([tell_task(tx.incidents.get(obligation.incident_id), obligation, person)])
        plan_redraw(tx, obligation)


def drop(tx: Transaction, job: Job, obligation: Obligation, person: Person, incident: Incident) -> None:
    """Mailgun no longer lists this user, or lists them as disabled: nothing is asked of them any more."""
    now = job.tools.clock.now()
    if person.left_at is None:
        tx.people.set(person.id, left_at=now)
    if obligation.is_open and tx.people.settle(
        obligation, ObligationStatus.DROPPED, settled_at=now, next_reminder_at=None
    ):
        facts = AuditFacts(Actor.MAILGUN, Action.OBLIGATION_DROPPED, person.email, private=True)
        tx.audit.append(incident.id, now, facts)
        plan_redraw(tx, obligation)


def redraw(job: Job, steps: Sequence[Step]) -> None:
    """Draw a person's message as it stands now."""
    with job.tools.store.read() as tx:
        obligation = tx.people.obligation(int(str(job.task.payload["obligation"])))
        person = tx.people.get(obligation.person_id)
        incident = tx.incidents.get(obligation.incident_id)
    if obligation.message_ts is None or person.channel_id is None:
        with job.record() as tx:
            job.done(tx, job.task)
            if tx.people.obligation(obligation.id).message_ts is not None:
                plan_redraw(tx, obligation)
        return
    card = person_card(step_of(steps, obligation), incident, person, obligation)
    # A process that had lost this task may draw something older after its successor.
    job.if_lost(redraw_task(obligation))
    redraw_unless_gone(job, person.channel_id, obligation.message_ts, card, obligation_marker(job, obligation))
    with job.record() as tx:
        job.done(tx, job.task)
        if tx.people.obligation(obligation.id).version != obligation.version:
            # Settled while this was being drawn: that could not plan a task beside this one.
            plan_redraw(tx, obligation)


# --- Answering "Check now" ----------------------------------------------------------------------------


def answer_waiting(
    tx: Transaction, incident_id: int, *, since: datetime | None = None, problem: str | None = None
) -> None:
    """Plan an answer to everyone who waits for one, and pressed before `since` if that is given.

    `problem` is why Mailgun could not be asked.
    """
    for request in tx.requests.waiting():
        if since is not None and request.received_at > since:
            continue
        payload: Facts = {"request": request.id, "problem": problem}
        tx.tasks.add([NewTask(ANSWER_CHECK, f"{ANSWER_CHECK}:{request.id}", incident_id, priority=1, payload=payload)])
        tx.requests.close(request.id, CHECKED)


def give_up_on_patience(job: Job, error: OutsideError) -> None:
    """Mailgun, or Slack, cannot be asked: nobody is kept waiting for long without a word."""
    with job.record() as tx:
        since = None if isinstance(error, Refused) else job.tools.clock.now() - MOST_PATIENCE
        answer_waiting(tx, job.task.incident_id or 0, since=since, problem=str(error))


def answer_check(job: Job, steps: Sequence[Step]) -> None:
    """Tell whoever pressed "Check now" what Mailgun shows."""
    with job.tools.store.read() as tx:
        request = tx.requests.get(int(str(job.task.payload["request"])))
        mine = obligations_of(tx, request)
    problem = job.task.payload.get("problem")
    if problem:
        mine = []
    lines: list[Line] = []
    if problem:
        lines.append(line(f"Mailgun could not be asked: {problem} The bot keeps trying; what you did is not lost."))
    for obligation, person in mine:
        title = step_of(steps, obligation).plea
        if obligation.is_open and needs_voucher(person):
            lines.append(line(f"{title}: Mailgun cannot show this for you; an approver confirms it."))
            continue
        match obligation.status:
            case ObligationStatus.OPEN:
                lines.append(line(f"{title}: Mailgun does not show it yet. It can take a minute; then check again."))
            case ObligationStatus.QUESTIONED:
                lines.append(line(f"{title}: Mailgun shows an earlier change. Please answer the question above."))
            case ObligationStatus.DROPPED:
                lines.append(line(f"{title}: no longer needed."))
            case _:
                lines.append(line(f"{title}: done. Thank you."))
    if not lines:
        lines = [line("Nothing is asked of you at Mailgun at the moment.")]
    job.hold()
    try:
        job.tools.messenger.answer(request, Card(notification=plain(lines[0]), lines=tuple(lines)))
    except Refused:
        # The answer's address has expired, and the person's message shows the same.
        return


def obligations_of(tx: Transaction, request: Request) -> list[tuple[Obligation, Person]]:
    """What the sender has to do in the running incident; a button's own obligation alone, if it names one."""
    incident = tx.incidents.latest()
    if incident is None:
        return []
    people = {person.id: person for person in tx.people.of(incident.id) if person.slack_id == request.user_id}
    named = request.about.get("obligation")
    return [
        (obligation, people[obligation.person_id])
        for obligation in tx.people.obligations(incident.id)
        if obligation.person_id in people and named in (None, str(obligation.id))
    ]


def polling_kinds(steps: Sequence[Step]) -> tuple[TaskKind, ...]:
    """The kinds of this file, bound to the steps."""

    def run_poll(job: Job) -> None:
        try:
            poll(job, steps)
        finally:
            # The answers that it has planned are another worker's.
            job.tools.wake()

    return (
        TaskKind(POLL, run_poll, "asking Mailgun about the people", most_attempts=None),
        TaskKind(REDRAW, lambda job: redraw(job, steps), "redrawing a person's message", draws=True),
        TaskKind(ANSWER_CHECK, lambda job: answer_check(job, steps), "answering", most_attempts=None, quick=True),
    )
