"""Handovers: new secrets in one direct message, at most once.

The order is the guarantee (rules 3 and 4): plan the handover, make the secrets in memory, set them at
Mailgun, check the recipient, write down that the send begins, send, write down that it ended. Whatever is
not certain to have arrived is dead: its subjects get new secrets in a new message.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from recovery.access import Access
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Marker, MarkerKind, Place, SecretsMessage
from recovery.doubts import doubt, late_task
from recovery.errors import Later, NotYet, OutsideError, Refused, Uncertain
from recovery.gone import gone
from recovery.handover_messages import greeting, handover_name, marker_of, secrets_message
from recovery.handover_upkeep import REMINDERS, controls_task, plan_wipe
from recovery.jobs import Job, Stopping, merged
from recovery.posting import post_once
from recovery.secret import Secret
from recovery.state import Handover, HandoverStatus, Incident, Task, TaskStatus
from recovery.store import Transaction
from recovery.text import count

MOST_DOUBTFUL_SENDS = 3
LONGEST_WAIT = 300.0
TAKEN_OVER = "somebody else receives the secrets now"
GIVEN_UP = "the handover was given up meanwhile"
CHANGED = "changed"
"""In a task's payload: Mailgun has a new secret for it that nobody was handed."""

S = HandoverStatus
T = TypeVar("T")


@dataclass(frozen=True)
class Packet:
    """One secret on its way: the task that made it, the group it is shown in, and its label."""

    task: Task
    heading: str
    label: str
    secret: Secret


class TooManyDoubts(Refused):
    """Three sends of the same secrets ended uncertain."""


def last_tasks(tx: Transaction, step_id: int) -> list[Task]:
    """The last task about each subject of a step: it says how that one stands."""
    return list({task.subject: task for task in tx.tasks.of_step(step_id)}.values())


def in_nobodys_hands(task: Task) -> bool:
    """Whether a task ended without success after Mailgun had taken its new secret, or perhaps had."""
    return task.status in (TaskStatus.FAILED, TaskStatus.DROPPED) and bool(task.payload.get(CHANGED))


def greet_recipient(job: Job, incident: Incident) -> Incident:
    """Open the requester's direct message and post a first line there, before anything is changed at Mailgun.

    Does nothing when that was done before for this requester. Raises what Slack answers: then nothing at
    Mailgun may be changed. The attempt is noted on the job's first task.
    """
    tools = job.tools
    if incident.direct_channel_id is not None:
        return incident
    check_recipient(job, incident.requester_id)
    job.hold()
    channel = tools.messenger.open_direct(incident.requester_id)
    marker = Marker(
        MarkerKind.GREETING, f"{tools.store.identity()}:{incident.id}:{incident.requester_id}:{job.task.id}"
    )
    post_once(job, Place(channel), greeting(incident), marker)
    with job.record() as tx:
        if tx.incidents.get(incident.id).requester_id == incident.requester_id:
            tx.incidents.set(incident.id, direct_channel_id=channel)
            return tx.incidents.get(incident.id)
    raise NotYet(TAKEN_OVER, seconds=0)


def check_recipient(job: Job, user_id: str) -> None:
    """Raise `Refused` unless this user may be handed secrets now: active, a full member, of this workspace."""
    job.hold()
    refusal = Access(job.tools.directory, job.tools.policy).recipient_refusal(user_id)
    if refusal:
        raise Refused(refusal)


def give_up_earlier(job: Job) -> None:
    """Earlier handovers of the job's tasks whose send never ended become doubtful: they are looked for and wiped.

    Before anything that may be refused: nobody else would look at them again.
    """
    if not any(task.handover_id for task in job.tasks):
        return
    with job.record() as tx:
        for handover in earlier_of(tx, job.tasks):
            if handover.status is S.SENDING:
                doubt(tx, job, handover)
            elif handover.status is S.PLANNED:
                tx.handovers.move(handover, [S.PLANNED], S.ABANDONED, ended_at=job.tools.clock.now())


def earlier_of(tx: Transaction, tasks: Sequence[Task]) -> list[Handover]:
    """The handovers that were to carry these tasks' secrets before, as they stand now, oldest first."""
    return [tx.handovers.get(number) for number in sorted({task.handover_id for task in tasks if task.handover_id})]


def doubted_before(tx: Transaction, tasks: Sequence[Task]) -> list[Handover]:
    """The doubtful handovers that carried one of these tasks' secrets, oldest first: also before one that was given up
    without a send."""
    numbers = {number for handover in earlier_of(tx, tasks) for number in (handover.id, *handover.replaces)}
    subjects = {task.subject for task in tasks}
    earlier = [tx.handovers.get(number) for number in sorted(numbers)]
    return [each for each in earlier if each.status is S.DOUBTFUL and not subjects.isdisjoint(each.subjects)]


def plan_handover(job: Job, incident: Incident, tasks: Sequence[Task], what: str) -> Handover:
    """Write down that these tasks' secrets will go out together.

    Call `give_up_earlier` before. Raises `TooManyDoubts` after three sends whose end was not known, and `Refused` when
    the recipient may not be handed anything: before anything is changed at Mailgun.
    """
    check_recipient(job, incident.requester_id)
    now = job.tools.clock.now()
    with job.record() as tx:
        doubtful = doubted_before(tx, tasks)
        attempt = 1 + max((h.attempt for h in doubtful), default=0)
        if attempt <= MOST_DOUBTFUL_SENDS:
            planned = tx.handovers.add(
                Handover(
                    id=0,
                    incident_id=incident.id,
                    step_id=tasks[0].step_id or 0,
                    number=0,
                    recipient_id=incident.requester_id,
                    channel_id=incident.direct_channel_id or "",
                    status=S.PLANNED,
                    what=what,
                    subjects=tuple(task.subject for task in tasks),
                    attempt=attempt,
                    replaces=tuple(handover.id for handover in doubtful),
                    planned_at=now,
                )
            )
            tx.tasks.attach(tasks, planned.id)
            ids = {task.id for task in tasks}
            job.tasks = [replace(t, handover_id=planned.id) if t.id in ids else t for t in job.tasks]
            return planned
    raise TooManyDoubts(
        f"three messages to the requester ended without a clear answer from Slack; "
        f"{count(len(tasks), 'login or key', 'logins or keys')} must be set again. Press Retry once Slack works."
    )


def detach(job: Job, tx: Transaction, handover: Handover, tasks: Sequence[Task]) -> None:
    """These tasks leave the job in a moment, and their secrets are not in the handover; inside `record`.

    Each is as it was before `plan_handover`: another job may take it up while this handover is on its way, and gives
    up whatever handover it finds it attached to. Where that leaves nothing to send, the handover is abandoned.
    """
    doubtful = [tx.handovers.get(number) for number in handover.replaces]
    earlier: dict[int | None, list[Task]] = {}
    for task in tasks:
        carried_it = [each.id for each in doubtful if task.subject in each.subjects]
        earlier.setdefault(max(carried_it, default=None), []).append(task)
    for number, of_it in earlier.items():
        tx.tasks.attach(of_it, number)
    if {task.subject for task in tasks}.issuperset(handover.subjects):
        tx.handovers.move(handover, [S.PLANNED], S.ABANDONED, ended_at=job.tools.clock.now())


def note_changed(job: Job) -> None:
    """Write down, before the first of these is set, that from here on each may have a secret that nobody has.

    Whatever happens to this process: skipping, cancelling and issuing anew will know of it.
    """
    with job.record() as tx:
        job.tasks = tx.tasks.note_all([(task, merged(task.payload, {CHANGED: True})) for task in job.tasks])


def hand_over(
    job: Job,
    handover: Handover,
    packets: Sequence[Packet],
    on_sent: Callable[[Transaction, Handover], None],
) -> None:
    """Send the secrets in one direct message and record it; `on_sent` adds what else became true with it.

    Returns once Slack has the message and the database knows. Raises `Refused` when it was certainly not
    sent, `Uncertain` when that is not known (the secrets are dead then), and `Stopping` or `LeaseLost`.
    """
    try:
        _announce_and_send(job, handover, packets, on_sent)
    except OutsideError:
        # What was changed at Mailgun is in nobody's hands: a cancelled incident still has to hand that over.
        with job.record() as tx:
            tx.tasks.note_all([(p.task, merged(p.task.payload, {CHANGED: True})) for p in packets])
        job.tasks = [replace(t, payload=merged(t.payload, {CHANGED: True})) for t in job.tasks]
        raise


def _announce_and_send(
    job: Job,
    handover: Handover,
    packets: Sequence[Packet],
    on_sent: Callable[[Transaction, Handover], None],
) -> None:
    try:
        _patiently(job, handover, lambda: check_recipient(job, handover.recipient_id))
    except (Refused, Later, Stopping):
        _abandon(job, handover)
        raise
    # Only what was really set is in the message, and counts as carried by it.
    handover = replace(handover, subjects=tuple(packet.task.subject for packet in packets))
    replaced = _begin_send(job, handover)
    handover = replace(handover, status=S.SENDING)
    items = [(packet.heading, packet.label, packet.secret) for packet in packets]
    message = secrets_message(handover.number, handover.what, items, replaced)
    ts = _send(job, handover, message)
    _record_sent(job, handover, ts, on_sent)


def _begin_send(job: Job, handover: Handover) -> list[int]:
    """Write down that the send begins; the numbers of the handovers that it replaces. Raises `NotYet` if it may not."""
    with job.record() as tx:
        if _was_taken_over(tx, handover):
            tx.handovers.move(handover, [S.PLANNED], S.ABANDONED, ended_at=job.tools.clock.now())
            obstacle = TAKEN_OVER
        else:
            tx.handovers.set(handover.id, subjects=handover.subjects)
            obstacle = "" if tx.handovers.move(handover, [S.PLANNED], S.SENDING) else GIVEN_UP
        replaced = [tx.handovers.get(number).number for number in handover.replaces]
    if obstacle:
        raise NotYet(obstacle, seconds=0)
    return replaced


def _record_sent(job: Job, handover: Handover, ts: str, on_sent: Callable[[Transaction, Handover], None]) -> None:
    """Write down that Slack has the message. Raises `Uncertain`, and has it wiped, if the handover counts no more."""
    now = job.tools.clock.now()
    ttl = job.tools.policy.handover_ttl
    times = {"sent_at": now, "expires_at": now + ttl, "next_reminder_at": now + ttl / (REMINDERS + 1)}
    with job.record() as tx:
        counts = tx.handovers.move(handover, [S.SENDING], S.SENT, message_ts=ts, **times)
        if counts:
            facts = AuditFacts(Actor.BOT, Action.HANDED_OVER, handover_name(handover), whom=handover.recipient_id)
            tx.audit.append(handover.incident_id, now, facts)
            tx.tasks.add([controls_task(handover)])
            on_sent(tx, tx.handovers.get(handover.id))
            void_earlier(tx, handover, now)
        else:
            tx.tasks.add([late_task(handover, ts)])
    if not counts:
        raise Uncertain(GIVEN_UP)


def _was_taken_over(tx: Transaction, handover: Handover) -> bool:
    """Whether somebody else receives the secrets by now: these are dead then, and new ones go to the right person."""
    return tx.incidents.get(handover.incident_id).requester_id != handover.recipient_id


def identity_of(subject: str) -> str:
    """What a subject is about: a login, or a key's id. What follows after a space is there for people."""
    return subject.split(" ", 1)[0]


def void_earlier(tx: Transaction, sent: Handover, now: datetime) -> None:
    """Wipe earlier handovers that nobody saved, once all that they carried was handed over anew or is gone.

    `sent` names its subjects as its tasks do: a key by the one that it replaces.
    """
    renewed = {identity_of(subject) for subject in sent.subjects}
    earlier = [
        handover
        for handover in tx.handovers.of(sent.incident_id, S.SENT, S.EXPIRED)
        if handover.step_id == sent.step_id
        and handover.id < sent.id
        and not renewed.isdisjoint(identity_of(subject) for subject in handover.subjects)
    ]
    if not earlier:
        return
    made = [task for task in tx.tasks.of_step(sent.step_id) if _was_handed_over(task)]
    invalid = renewed | {identity_of(subject) for subject in gone(tx.steps.get(sent.step_id))}
    for handover in earlier:
        since = {identity_of(task.subject) for task in made if (task.handover_id or 0) > handover.id}
        if {identity_of(subject) for subject in handover.subjects} <= since | invalid and tx.handovers.move(
            handover, [S.SENT, S.EXPIRED], S.REISSUED, ended_at=now, next_reminder_at=None, expires_at=None
        ):
            plan_wipe(tx, tx.handovers.get(handover.id))


def _was_handed_over(task: Task) -> bool:
    # A key's task goes on after that: the old key is deleted.
    return task.status is TaskStatus.DONE or bool(task.payload.get("new_id"))


def _send(job: Job, handover: Handover, message: SecretsMessage) -> str:
    """One send."""

    def post() -> str:
        job.hold()
        job.if_lost(late_task(handover, None))
        return job.tools.messenger.post(Place(handover.channel_id), message, marker_of(job.tools.store, handover))

    try:
        ts = _patiently(job, handover, post)
    except Uncertain:
        with job.record() as tx:
            doubt(tx, job, handover)
        raise
    except (OutsideError, Stopping):
        _abandon(job, handover)
        raise
    job.if_lost(late_task(handover, ts))
    return ts


def _patiently(job: Job, handover: Handover, call: Callable[[], T]) -> T:
    """What Slack answers. A refusal that asks to wait is waited for in memory, for the secrets exist nowhere else."""
    waited = 0.0
    while True:
        try:
            return call()
        except Later as error:
            waited += error.seconds
            if waited > LONGEST_WAIT:
                raise Refused(f"Slack kept asking to wait: {error}") from error
            job.wait(error.seconds)
            with job.tools.store.read() as tx:
                taken_over = _was_taken_over(tx, handover)
            if taken_over:
                raise NotYet(TAKEN_OVER, seconds=0) from error


def _abandon(job: Job, handover: Handover) -> None:
    with job.record() as tx:
        tx.handovers.move(handover, [S.PLANNED, S.SENDING], S.ABANDONED, ended_at=job.tools.clock.now())
