"""The account's webhook signing key and its public validation key: made anew, and handed over in one direct message.

They are made once the old API keys are gone: whoever has one of those could read the new ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import OutsideError, Uncertain
from recovery.hand import hand_done
from recovery.handovers import (
    CHANGED,
    Packet,
    detach,
    give_up_earlier,
    greet_recipient,
    hand_over,
    note_changed,
    plan_handover,
)
from recovery.jobs import Job, merged
from recovery.key_plans import PUBLIC_KEY, SIGNING_KEY, approved_parts, last_old_key_died
from recovery.secret import Secret
from recovery.state import Handover, Incident, NewTask, StepState, Task
from recovery.store import Transaction

RENEW = "api_keys.renew"
RENEW_AGAIN = "api_keys.renew_again"
"""Follows when one was made after another process had taken that over, and perhaps handed another one over."""

RENEWED: Mapping[str, str] = {SIGNING_KEY: "Webhook signing key", PUBLIC_KEY: "Public validation key"}
"""What is made anew, by its part of the step: a task's subject is the part."""

TRIES = 3


@dataclass(frozen=True)
class Renewal:
    """What became of one: the new secret, or why there is none."""

    task: Task
    secret: Secret | None
    begun_at: datetime
    error: OutsideError | None = None
    is_unchanged: bool = True
    """Where there is none: whether this attempt has certainly changed nothing."""


def renew_task(begin: Task, part: str) -> NewTask:
    """The task that makes one anew, planned by a beginning that names it."""
    task = _task(begin.incident_id, begin.step_id, part)
    return replace(task, payload=merged(task.payload, {CHANGED: bool(begin.payload.get(CHANGED))}))


def _task(incident_id: int | None, step_id: int | None, part: str) -> NewTask:
    return NewTask(RENEW, f"{RENEW}:{step_id}:{part}", incident_id, step_id, part, payload={"name": RENEWED[part]})


def renewals_due(tx: Transaction, incident: Incident, state: StepState) -> list[NewTask]:
    """Those that were approved and are older than the end of the last old key: none while it is skipped or over."""
    if not incident.is_alive or state.decision == "skipped":
        return []
    died = last_old_key_died(tx, state)
    made = tx.tasks.last_done(incident.id, RENEW)
    by_hand = hand_done(tx, state)
    approved = approved_parts(tx, state)
    return [
        _task(incident.id, state.id, part)
        for part in RENEWED
        if part in approved and part not in by_hand and (part not in made or (died is not None and made[part] < died))
    ]


def renew(job: Job) -> None:
    """Make each anew and hand them over in one direct message."""
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    give_up_earlier(job)
    # Whoever took the requester's role over meanwhile is greeted first, too.
    incident = greet_recipient(job, incident)
    handover = plan_handover(job, incident, job.tasks, "account-wide key")
    surely_unchanged = {task.id for task in job.tasks if not task.payload.get(CHANGED)}
    note_changed(job)
    renewals = [made_anew(job, task) for task in job.tasks]
    failed = [each for each in renewals if each.error is not None]
    if failed:
        with job.record() as tx:
            detach(job, tx, handover, [each.task for each in failed])
            for each in failed:
                settle_failure(job, tx, each, unchanged=each.task.id in surely_unchanged)
    packets = [
        Packet(each.task, "The whole account", RENEWED[each.task.subject], each.secret)
        for each in renewals
        if each.secret
    ]
    if not packets:
        return

    def on_sent(tx: Transaction, sent: Handover) -> None:
        for each in renewals:
            if each.secret is not None:
                name = RENEWED[each.task.subject]
                facts = AuditFacts(Actor.BOT, Action.RENEWED, name[:1].lower() + name[1:])
                tx.audit.append(sent.incident_id, job.tools.clock.now(), facts)
                job.done(tx, each.task, at=each.begun_at)

    hand_over(job, handover, packets, on_sent)


def made_anew(job: Job, task: Task) -> Renewal:
    """Make one anew. Where the answer leaves a doubt, another is made.

    The signing key can be read: after a doubt, another one than before is the new one. The one from before is read
    first and stays in memory: it is never taken for the new one.
    """
    mailgun, begun_at = job.tools.mailgun, job.tools.clock.now()
    is_signing = task.subject == SIGNING_KEY
    make = mailgun.new_signing_key if is_signing else mailgun.new_public_key
    before, doubt = None, None
    try:
        if is_signing:
            job.hold()
            before = mailgun.signing_key()
        for _ in range(TRIES):
            job.hold()
            job.if_lost(again_task(task))
            try:
                return Renewal(task, make(), begun_at)
            except Uncertain as error:
                doubt = error
            if is_signing:
                job.hold()
                now = mailgun.signing_key()
                if now != before:
                    return Renewal(task, now, begun_at)
    except OutsideError as error:
        return Renewal(task, None, begun_at, error, is_unchanged=doubt is None)
    return Renewal(task, None, begun_at, doubt, is_unchanged=False)


def again_task(task: Task) -> NewTask:
    """What follows if another process has taken the job over: what that handed over may be dead by now."""
    key = f"{RENEW_AGAIN}:{task.step_id}:{task.subject}"
    return NewTask(RENEW_AGAIN, key, task.incident_id, task.step_id, task.subject)


def settle_failure(job: Job, tx: Transaction, failed: Renewal, *, unchanged: bool) -> None:
    """It is tried later, or shown to people. `unchanged`: it surely was what it had been before this attempt."""
    assert failed.error is not None
    task = failed.task
    if unchanged and failed.is_unchanged:
        task = tx.tasks.note(task, merged(task.payload, {CHANGED: False}))
    job.not_done(tx, task, failed.error)
