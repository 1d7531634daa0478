"""Asking Mailgun about the people: one poll for everyone, however many wait for its answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recovery.checking import answer_waiting, give_up_on_patience
from recovery.errors import OutsideError
from recovery.inventory import list_users
from recovery.jobs import Job, TaskKind
from recovery.people import PeopleStep, people_steps
from recovery.state import Incident, NewTask, StepState, StepStatus
from recovery.step import Step, begins_nothing
from recovery.store import Transaction
from recovery.weighing import Users, Weighing, enrol

POLL = "people.poll"

APART = timedelta(seconds=2)
"""How soon after one poll the next may begin, however many press "Check now"."""


def poll_task(incident: Incident) -> NewTask:
    """One poll for the incident, not too soon after the last; there is never more than one unfinished."""
    not_before = incident.polled_at + APART if incident.polled_at else None
    return NewTask(POLL, f"{POLL}:{incident.id}", incident.id, priority=2, not_before=not_before)


BEGUN = (StepStatus.RUNNING, StepStatus.DONE, StepStatus.NEEDS_ATTENTION)


def begun_steps(steps: Sequence[Step], states: Sequence[StepState]) -> list[tuple[PeopleStep, StepState]]:
    """The steps whose obligations are looked after, with their states."""
    begun = {state.kind: state for state in states if state.status in BEGUN}
    return [(step, begun[step.kind]) for step in people_steps(steps) if step.kind in begun]


def listed(job: Job) -> Users:
    """The account's users who are not disabled. `GET /v5/users`, every page."""
    return {user.id: user for user in list_users(job) if not user.is_disabled}


def begin(job: Job, steps: Sequence[Step]) -> None:
    """A step begins: each user who still has something to do gets an obligation, and is written to once found."""
    asked_at = job.tools.clock.now()
    users = listed(job)
    with job.record() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        if not begins_nothing(tx, job.task):
            weigh(tx, job, incident, steps, users, asked_at)
        job.done(tx, job.task)


def weigh(
    tx: Transaction,
    job: Job,
    incident: Incident,
    steps: Sequence[Step],
    users: Users,
    asked_at: datetime,
) -> None:
    """Write down what a list of users changes for the steps that have begun, and when the next is asked for."""
    tools = job.tools
    people = enrol(tx, incident, users)
    weighing = Weighing(
        incident,
        asked_at,
        tools.clock.now(),
        {person.id: person for person in people},
        tx.people.obligations(incident.id),
    )
    weighing.weigh(begun_steps(steps, tx.steps.of(incident.id)), users)
    weighing.write(tx)
    polled = {"polled_at": asked_at, "next_poll_at": asked_at + tools.policy.poll_every}
    if incident.next_summary_at is None and weighing.somebody_is_left:
        # Also of those who are never reminded, for the bot cannot write to them, somebody is told in time.
        polled["next_summary_at"] = asked_at + tools.policy.escalate_after * tools.policy.reminders.every
    if weighing.found_something:
        tx.incidents.set(incident.id, **polled)
    else:
        tx.incidents.mark_drawn(incident.id, **polled)


def answer_or_pass_on(tx: Transaction, steps: Sequence[Step], ended: Incident) -> None:
    """Whoever waits for a poll of an incident that has ended is answered by one of the current incident, if that asks
    something of people; else at once."""
    current = tx.incidents.current()
    if current is None or not current.is_alive or not begun_steps(steps, tx.steps.of(current.id)):
        answer_waiting(tx, ended.id)
    elif tx.requests.waiting():
        tx.tasks.add([poll_task(current)])


def poll(job: Job, steps: Sequence[Step]) -> None:
    """List the users, settle what Mailgun shows, include who joined, drop who left, answer who waits."""
    tools = job.tools
    with tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    if not incident.is_alive:
        with job.record() as tx:
            answer_or_pass_on(tx, steps, incident)
        return
    asked_at = tools.clock.now()
    try:
        users = listed(job)
    except OutsideError as error:
        give_up_on_patience(job, error)
        raise
    with job.record() as tx:
        incident = tx.incidents.get(incident.id)
        if not incident.is_alive:
            # Cancelled, or its people taken over, while Mailgun was being asked.
            answer_or_pass_on(tx, steps, incident)
            job.done(tx, job.task)
            return
        weigh(tx, job, incident, steps, users, asked_at)
        # Those who asked after the list was begun may have changed something since: the next poll answers them.
        answer_waiting(tx, incident.id, since=asked_at)
        job.done(tx, job.task)
        if tx.requests.waiting():
            tx.tasks.add([poll_task(tx.incidents.get(incident.id))])


def beginning_kinds(steps: Sequence[Step]) -> list[TaskKind]:
    """The kinds that begin the steps that ask something of people."""
    return [
        TaskKind(step.begin_kind, lambda job: begin(job, steps), "listing the users", effect=True)
        for step in people_steps(steps)
    ]


def polling_kind(steps: Sequence[Step]) -> TaskKind:
    """The kind of this file, bound to the steps."""

    def run_poll(job: Job) -> None:
        try:
            poll(job, steps)
        finally:
            # The answers that it has planned are another worker's.
            job.tools.wake()

    return TaskKind(POLL, run_poll, "asking Mailgun about the people", most_attempts=None)
