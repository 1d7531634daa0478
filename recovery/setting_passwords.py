"""Setting new SMTP passwords, a batch at a time, and handing them over: what step 2 does with the logins it listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recovery.errors import NotFound, OutsideError, Uncertain
from recovery.gone import note_gone
from recovery.handover_size import fitting, reckoned
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
from recovery.inventory import mailgun_of
from recovery.jobs import Job, merged
from recovery.making_logins import create_unless_there, is_to_be_made, login_of
from recovery.owners import region_and_owner
from recovery.patience import patiently
from recovery.secret import PASSWORD_LENGTH, Secret, new_password
from recovery.state import Handover, NewTask, Task
from recovery.store import Transaction

SET = "smtp_credentials.set"
AGAIN = "smtp_credentials.again"
"""Follows when a password was set after another process had taken that over, and perhaps over its password."""
SAME_PASSWORD_TRIES = 3


@dataclass(frozen=True)
class Attempt:
    """What became of one login: the password now set, or why not."""

    task: Task
    password: Secret | None
    error: OutsideError | None = None
    begun_at: datetime | None = None
    """When Mailgun was first asked to set it: an old key that died later could have undone it."""
    may_be_set: bool = False
    """Without a password: whether an answer left open if Mailgun took it."""


def set_passwords(job: Job) -> None:
    """Set new passwords for as many logins as one direct message holds, and hand them over in it."""
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    give_up_earlier(job)
    # Whoever took the requester's role over meanwhile is greeted first, too.
    incident = greet_recipient(job, incident)
    job.let_go(job.tasks[fitting(job, [shown(task) for task in job.tasks], PASSWORD_LENGTH) :])
    handover = plan_handover(job, incident, job.tasks, "SMTP password")
    surely_unchanged = {task.id for task in job.tasks if not task.payload.get(CHANGED)}
    note_changed(job)
    attempts = job.tools.at_once(lambda task: attempt(job, task), job.tasks)
    job.calls_made()
    given = [a for a in attempts if a.password is not None]
    failed = [a for a in attempts if a.password is None]
    if failed:
        with job.record() as tx:
            detach(job, tx, handover, [a.task for a in failed])
            for a in failed:
                settle_failure(job, tx, a, unchanged=a.task.id in surely_unchanged)
    if not given:
        return
    packets = [Packet(a.task, *shown(a.task), a.password) for a in given if a.password is not None]

    def on_sent(tx: Transaction, sent: Handover) -> None:
        now = job.tools.clock.now()
        job.done_at(tx, [(a.task, a.begun_at or now) for a in given])

    hand_over(job, handover, packets, on_sent)


def fits(tasks: Sequence[Task]) -> int:
    """About how many of these logins one direct message holds."""
    return reckoned(tasks, shown, PASSWORD_LENGTH)


def shown(task: Task) -> tuple[str, str]:
    """The heading (the domain, with its region and its subaccount) and the label (the login) of a task's secret."""
    login = login_of(task)
    return f"{login.domain} ({region_and_owner(login.region, login.owner)})", login.login


def attempt(job: Job, task: Task) -> Attempt:
    """Make a password and set it.

    While it is in memory, an uncertain answer is repeated with the same one, and a short wait that Mailgun asks for is
    waited for: a login that is left out of its handover costs a message of its own.
    """
    login = login_of(task)
    mailgun = mailgun_of(job, login.owner)
    password = new_password()
    begun_at = job.tools.clock.now()
    doubt: Uncertain | None = None

    def set_it() -> None:
        job.if_lost(
            NewTask(AGAIN, f"{AGAIN}:{task.step_id}:{task.subject}", task.incident_id, task.step_id, task.subject)
        )
        if is_to_be_made(task):
            create_unless_there(job, mailgun, login, password)
        else:
            mailgun.set_password(login, password)

    for _ in range(SAME_PASSWORD_TRIES):
        try:
            patiently(job, set_it)
        except Uncertain as error:
            doubt = error
        except OutsideError as error:
            return Attempt(task, None, error, may_be_set=doubt is not None)
        else:
            return Attempt(task, password, begun_at=begun_at)
    return Attempt(task, None, doubt, may_be_set=True)


def settle_failure(job: Job, tx: Transaction, failed: Attempt, *, unchanged: bool) -> None:
    """A login that is gone by now is dropped; anything else is tried later, or shown to people.

    `unchanged` says that it surely had the password that it had before this attempt.
    """
    assert failed.error is not None
    if isinstance(failed.error, NotFound):
        what = "the domain of this login" if is_to_be_made(failed.task) else "this login"
        job.drop(tx, failed.task, f"Mailgun no longer has {what}")
        note_gone(tx, job, tx.steps.get(failed.task.step_id or 0), {failed.task.subject}, set(), what)
        return
    task = failed.task
    if unchanged and not failed.may_be_set:
        task = tx.tasks.note(task, merged(task.payload, {CHANGED: False}))
    job.not_done(tx, task, failed.error)
