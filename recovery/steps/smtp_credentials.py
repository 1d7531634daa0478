"""Step 2: reset the postmaster's and every custom SMTP password of every domain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recovery import things
from recovery.account import Inventory, Login
from recovery.again import do_again
from recovery.content import Confirm
from recovery.errors import NotFound, OutsideError, Uncertain
from recovery.gone import gone, note_gone
from recovery.handovers import (
    CHANGED,
    Packet,
    fitting,
    give_up_earlier,
    greet_recipient,
    hand_over,
    note_changed,
    plan_handover,
)
from recovery.holdings import Trace
from recovery.inventory import Owner, list_domains, list_logins, list_owners, mailgun_of
from recovery.jobs import Job, TaskKind, merged
from recovery.making_logins import (
    create_unless_there,
    is_to_be_made,
    leave_the_rest,
    login_of,
    make_order,
    payload_of,
    rest_is_left,
    take_up_the_rest,
    to_be_made,
)
from recovery.owners import apart, count_apart, region_and_owner
from recovery.secret import PASSWORD_LENGTH, Secret, new_password
from recovery.state import (
    Facts,
    Handover,
    Incident,
    Json,
    NewTask,
    StepState,
    StepStatus,
    Task,
    TaskStatus,
)
from recovery.step import (
    OLD_KEY_WARNING,
    Step,
    StepView,
    begin_anew,
    begins_nothing,
    called_off,
    forget_failures,
    left_by_decision,
    number,
    recipient_line,
    scope_of,
)
from recovery.store import Transaction
from recovery.text import Line, count, line

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


class SmtpCredentials(Step):
    kind = "smtp_credentials"
    number = 2
    title = "Reset SMTP passwords"
    names = ("smtp", "credentials", "smtp-credentials", "passwords-smtp")
    destructive = True
    hands_over = True
    makes = Trace.LOGIN

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (
            TaskKind(self.begin_kind, begin, "listing the SMTP logins"),
            TaskKind(SET, set_passwords, "setting a password", batch=1000, effect=True),
            TaskKind(AGAIN, lambda job: do_again(job, self, SET), "setting a password again", batch=1000),
        )

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        regions = sorted({domain.region for domain in inventory.domains})
        theirs, subaccounts = count_apart(login.owner for login in inventory.logins)
        return {
            "logins": len(inventory.logins),
            "domains": len(inventory.domains),
            "theirs": theirs,
            "subaccounts": subaccounts,
            "regions": [
                f"{region.upper()}: {count(sum(x.region == region for x in inventory.logins), 'login')} of "
                f"{count(sum(d.region == region for d in inventory.domains), 'domain')}"
                for region in regions
            ],
        }

    def explain(self, view: StepView) -> list[Line]:
        facts = view.state.facts
        scope = scope_of(view.state)
        regions = facts.get("regions")
        lines: list[Line] = []
        if scope is not None:
            lines.append(
                line(f"Another round: {count(len(scope), 'login')} new since, or set before the last old key died.")
            )
        elif isinstance(regions, list):
            total = f"{count(number(facts, 'logins'), 'SMTP login')} ({'; '.join(str(r) for r in regions)})"
            if number(facts, "theirs"):
                total += f", {apart(number(facts, 'theirs'), number(facts, 'subaccounts'))}"
            lines.append(line(f"Touches {total}, postmasters included."))
        else:
            lines.append(line("Touches the postmaster and every SMTP login of every domain, in both regions."))
        lines.append(
            line("Breaks: each application and device that sends through SMTP, until it is given its new password.")
        )
        lines.append(recipient_line(view.incident))
        if view.incident.keys_expired_at is None:
            lines.append(line(f"While old API keys live, {OLD_KEY_WARNING}: what is reset now is offered again after."))
        return lines

    def progress(self, view: StepView) -> str:
        total = view.tasks(SET) - view.tasks(SET, TaskStatus.DROPPED)
        if not total:
            return ""
        text = f"{view.tasks(SET, TaskStatus.DONE):,} of {count(total, 'password')} set and handed over"
        return text if view.incident.keys_expired_at else f"{text}; {OLD_KEY_WARNING}"

    def outdated(self, tx: Transaction, incident: Incident, state: StepState) -> list[str]:
        expired = incident.keys_expired_at
        if expired is None:
            return []
        left = left_by_decision(state) | gone(state)
        return sorted(
            subject
            for subject, at in tx.tasks.last_done(incident.id, SET).items()
            if at < expired and subject not in left
        )

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, inventory: Inventory) -> list[str]:
        done: dict[str, datetime] = tx.tasks.last_done(incident.id, SET)
        if state.status is StepStatus.SKIPPED and not done:
            # It never ran: leaving everything as it was is what was decided.
            return []
        # A domain may name an SMTP login that is no credential: that one cannot be set.
        named = {Login(domain.region, domain.name, domain.smtp_login).subject for domain in inventory.domains}
        left = {task.subject for task in tx.tasks.of_step(state.id, TaskStatus.DROPPED, kind=SET)} & named
        left |= left_by_decision(state)
        if rest_is_left(state):
            left |= {login.subject for login in inventory.logins} - set(done)
        expired = incident.keys_expired_at

        def too_early(subject: str) -> bool:
            at = done.get(subject)
            return at is None or (expired is not None and at < expired)

        return [x.subject for x in inventory.logins if x.subject not in left and too_early(x.subject)]

    def summary(self, tx: Transaction, incident: Incident, state: StepState) -> str | None:
        logins = len(tx.tasks.last_done(incident.id, SET))
        return f"new passwords for {count(logins, 'SMTP login')}" if logins else None

    def make_anew(
        self, tx: Transaction, incident: Incident, state: StepState, subject: str, thing: Facts, owner: Owner
    ) -> Line | None:
        make_login_anew(tx, incident, state, replace(things.login_of(thing), owner=owner))
        return None

    def subject_matches(self, subject: str, target: str) -> bool:
        login = Login.from_subject(subject)
        return target.lower() in (login.login.lower(), login.domain.lower(), subject.lower())

    def confirmation(self, state: StepState) -> Confirm:
        scope = scope_of(state)
        many = count(len(scope) if scope is not None else number(state.facts, "logins"), "SMTP password")
        return Confirm(
            title="Reset SMTP passwords?",
            text=f"{many} will be replaced. What sends through SMTP stops until it is given its new password.",
            yes="Reset them",
        )


def begin(job: Job) -> None:
    """Open the requester's direct message, list the logins again, and plan one task for each.

    A login that is to be made anew is not listed: it is planned all the same.
    """
    task = job.task
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(task.incident_id or 0)
    if called_off(job):
        return
    greet_recipient(job, incident)
    logins = list_logins(job, list_domains(job, list_owners(job)))
    with job.record() as tx:
        if begins_nothing(tx, task):
            job.done(tx, job.task)
            return
        chosen = chosen_logins(tx, job, logins)
        forget_failures(tx, job, task, SET, set(chosen))
        tx.tasks.add(
            NewTask(
                SET,
                f"{SET}:{task.step_id}:{subject}",
                task.incident_id,
                task.step_id,
                subject,
                payload={CHANGED: bool(task.payload.get(CHANGED)), **payload},
            )
            for subject, payload in chosen.items()
        )
        job.done(tx, task)


def chosen_logins(tx: Transaction, job: Job, listed: Sequence[Login]) -> dict[str, dict[str, Json]]:
    """What the round is about: by subject, the payload of its task. Of a narrowed round, what is gone is noted."""
    scope = job.task.payload.get("scope")
    wanted = {str(subject) for subject in scope} if isinstance(scope, list) else None
    there = {login.subject: payload_of(login) for login in listed}
    chosen = {subject: payload for subject, payload in there.items() if wanted is None or subject in wanted}
    chosen |= to_be_made(tx, job.task, SET, wanted, set(there))
    if wanted is None:
        take_up_the_rest(tx, tx.steps.get(job.task.step_id or 0))
    state = tx.steps.get(job.task.step_id or 0)
    note_gone(tx, job, state, (wanted or set()) - set(chosen), set(chosen), "this login")
    return chosen


def set_passwords(job: Job) -> None:
    """Set new passwords for as many logins as one direct message holds, and hand them over in it."""
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    give_up_earlier(job)
    # Whoever took the requester's role over meanwhile is greeted first, too.
    incident = greet_recipient(job, incident)
    fits = fitting(job, [shown(task) for task in job.tasks], PASSWORD_LENGTH)
    job.let_go(job.tasks[fits:])
    handover = plan_handover(job, incident, job.tasks, "SMTP password")
    surely_unchanged = {task.id for task in job.tasks if not task.payload.get(CHANGED)}
    note_changed(job)
    attempts = job.tools.at_once(lambda task: attempt(job, task), job.tasks)
    given = [a for a in attempts if a.password is not None]
    failed = [a for a in attempts if a.password is None]
    if failed:
        with job.record() as tx:
            for a in failed:
                settle_failure(job, tx, a, unchanged=a.task.id in surely_unchanged)
    if not given:
        return
    packets = [Packet(a.task, *shown(a.task), a.password) for a in given if a.password is not None]

    def on_sent(tx: Transaction, sent: Handover) -> None:
        for a in given:
            job.done(tx, a.task, at=a.begun_at)

    hand_over(job, handover, packets, on_sent)


def shown(task: Task) -> tuple[str, str]:
    """The heading (the domain, with its region and its subaccount) and the label (the login) of a task's secret."""
    login = login_of(task)
    return f"{login.domain} ({region_and_owner(login.region, login.owner)})", login.login


def attempt(job: Job, task: Task) -> Attempt:
    """Make a password and set it. While it is in memory, an uncertain answer is repeated with the same one."""
    login = login_of(task)
    mailgun = mailgun_of(job, login.owner)
    password = new_password()
    begun_at = job.tools.clock.now()
    for last in (False,) * (SAME_PASSWORD_TRIES - 1) + (True,):
        job.hold()
        job.if_lost(
            NewTask(AGAIN, f"{AGAIN}:{task.step_id}:{task.subject}", task.incident_id, task.step_id, task.subject)
        )
        try:
            if is_to_be_made(task):
                create_unless_there(job, mailgun, login, password)
            else:
                mailgun.set_password(login, password)
        except Uncertain as error:
            if last:
                return Attempt(task, None, error)
        except OutsideError as error:
            return Attempt(task, None, error)
        else:
            return Attempt(task, password, begun_at=begun_at)
    raise AssertionError("unreachable: the last try returns")


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
    if unchanged and not isinstance(failed.error, Uncertain):
        task = tx.tasks.note(task, merged(task.payload, {CHANGED: False}))
    job.not_done(tx, task, failed.error)


def make_login_anew(tx: Transaction, incident: Incident, state: StepState, login: Login) -> None:
    """Plan that a login that was deleted is made anew and handed over; `state` is this step's.

    A step that had ended runs again until that is done. One that waits goes on waiting for its decision.
    """
    never_ran = not tx.tasks.last_done(incident.id, SET)
    if state.status is StepStatus.SKIPPED and never_ran:
        leave_the_rest(tx, state)
        state = tx.steps.get(state.id)
    begin_anew(tx, SmtpCredentials(), state, f"make-{login.subject}", [login.subject], **make_order(login))
