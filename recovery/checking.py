"""Answering "Check now": whoever pressed it is told what Mailgun shows, once a poll has asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recovery.content import Card
from recovery.errors import OutsideError, Refused
from recovery.jobs import Job, TaskKind
from recovery.people import signs_in_elsewhere, step_of
from recovery.state import Facts, NewTask, Obligation, ObligationStatus, Person, Request
from recovery.step import Step
from recovery.store import Transaction
from recovery.text import Line, line, plain

ANSWER_CHECK = "people.answer"

WAITING = "waiting"
"""The outcome of a "Check now" until the poll that answers it has ended."""

CHECKED = "checked"
"""Its outcome from then on."""

MOST_PATIENCE = timedelta(seconds=20)
"""How long anybody is kept waiting for an answer while Mailgun or Slack cannot be asked; then they are told."""


def answer_waiting(
    tx: Transaction, incident_id: int, *, since: datetime | None = None, problem: str | None = None
) -> None:
    """Plan an answer to everyone who waits for one, and pressed before `since` if that is given.

    `problem` is why Mailgun could not be asked.
    """
    answered = [one for one in tx.requests.waiting() if since is None or one.received_at <= since]
    tx.tasks.add([_answer_task(incident_id, request.id, problem) for request in answered])
    tx.requests.close_all([request.id for request in answered], CHECKED)


def _answer_task(incident_id: int, request_id: int, problem: str | None) -> NewTask:
    payload: Facts = {"request": request_id, "problem": problem}
    return NewTask(ANSWER_CHECK, f"{ANSWER_CHECK}:{request_id}", incident_id, priority=1, payload=payload)


def give_up_on_patience(job: Job, error: OutsideError) -> None:
    """Mailgun cannot be asked: nobody is kept waiting for long without a word."""
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
        lines = [line(f"Mailgun could not be asked: {problem} The bot keeps trying; what you did is not lost.")]
    else:
        several = len({person.id for _, person in mine}) > 1
        lines = [_shown(steps, obligation, person, several=several) for obligation, person in mine]
    if not lines:
        lines = [line("Nothing is asked of you at Mailgun at the moment.")]
    job.hold()
    try:
        job.tools.messenger.answer(request, Card(notification=plain(lines[0]), lines=tuple(lines)))
    except Refused:
        # The answer's address has expired, and the person's message shows the same.
        return


def _shown(steps: Sequence[Step], obligation: Obligation, person: Person, *, several: bool) -> Line:
    """How one obligation stands, in a sentence to its person."""
    title = step_of(steps, obligation).asks(person) + (f" ({person.called})" if several else "")
    if obligation.is_open and signs_in_elsewhere(person):
        return line(f"{title}: Mailgun cannot show this for you; an approver confirms it.")
    match obligation.status:
        case ObligationStatus.OPEN if obligation.evidence is not None:
            return line(f"{title}: Mailgun shows only the change that you said was not yours.")
        case ObligationStatus.OPEN:
            return line(f"{title}: Mailgun does not show it yet. It can take a minute; then check again.")
        case ObligationStatus.QUESTIONED:
            return line(f"{title}: Mailgun shows an earlier change. Please answer the question in the bot's message.")
        case ObligationStatus.EXCUSED:
            return line(f"{title}: you are not reminded of this any longer.")
        case ObligationStatus.DROPPED:
            return line(f"{title}: no longer needed.")
        case _:
            return line(f"{title}: done. Thank you.")


def obligations_of(tx: Transaction, request: Request) -> list[tuple[Obligation, Person]]:
    """What the sender has to do in the current incident; only what a button is about, if it names that."""
    incident = tx.incidents.current()
    if incident is None:
        return []
    person_id, obligation_id = request.about.get("person"), request.about.get("obligation")
    theirs = [
        (obligation, person)
        for person in tx.people.in_slack(incident.id, request.user_id)
        if person_id in (None, str(person.id))
        for obligation in tx.people.obligations_of(person.id)
        if obligation_id in (None, str(obligation.id))
    ]
    return sorted(theirs, key=lambda pair: pair[0].id)


def checking_kind(steps: Sequence[Step]) -> TaskKind:
    """The kind of this file, bound to the steps."""
    return TaskKind(ANSWER_CHECK, lambda job: answer_check(job, steps), "answering", most_attempts=None, quick=True)
