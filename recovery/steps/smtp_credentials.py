"""Step 2: reset the postmaster's and every custom SMTP password of every domain."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from recovery import things
from recovery.account import Inventory, Login
from recovery.again import do_again
from recovery.content import Confirm
from recovery.gone import gone, note_gone
from recovery.hand import HandItem, hand_done
from recovery.handovers import (
    CHANGED,
    greet_recipient,
)
from recovery.holdings import Trace
from recovery.inventory import Owner, list_domains, list_logins, list_owners
from recovery.jobs import Job, TaskKind
from recovery.making_logins import (
    leave_the_rest,
    make_order,
    payload_of,
    rest_is_left,
    take_up_the_rest,
    to_be_made,
)
from recovery.owners import apart, count_apart
from recovery.setting_passwords import AGAIN, SET, fits, set_passwords
from recovery.state import (
    Facts,
    Incident,
    Json,
    NewTask,
    StepState,
    StepStatus,
    TaskStatus,
)
from recovery.step import (
    OLD_KEY_WARNING,
    Step,
    begin_anew,
    begins_nothing,
    called_off,
    forget_failures,
    left_by_decision,
    number,
    recipient_line,
    scope_of,
    scope_of_beginning,
)
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Bold, Line, Link, count, line

DOMAINS_PAGE = "https://app.mailgun.com/mg/sending/domains"
EVERYWHERE, ELSEWHERE = "every domain", "other domains"
"""The subjects of the items that stand for all domains; and for those that were not known before."""


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
            TaskKind(SET, set_passwords, "setting a password", batch=1000, fits=fits, effect=True, fills_calls=True),
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
        done = {**hand_done(tx, state), **tx.tasks.last_done(incident.id, SET)}
        return sorted(subject for subject, at in done.items() if at < expired and subject not in left)

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, inventory: Inventory) -> list[str]:
        done: dict[str, datetime] = tx.tasks.last_done(incident.id, SET)
        by_hand = hand_done(tx, state)
        if state.status is StepStatus.SKIPPED and not done and not by_hand:
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
            at = latest(done.get(subject), *(at for name, at in by_hand.items() if covers(name, subject, incident)))
            return at is None or (expired is not None and at < expired)

        subjects = [login.subject for login in inventory.logins]
        return [each for each in subjects if left.isdisjoint(items_of(each, incident)) and too_early(each)]

    def hand_instructions(self) -> list[Line]:
        return [
            line("Open ", Link(DOMAINS_PAGE, "the domains"), ": ", Bold("Send > Sending > Domain settings"), "."),
            line("Choose the domain at the top right, then ", Bold("SMTP credentials"), "."),
            line("For each login, the postmaster too: ", Bold("Reset password"), ". The new one is shown once, there."),
            line("The bot hands nothing over for these: give each new password to what sends with it."),
        ]

    def hand_items(self, tx: Transaction, incident: Incident, state: StepState) -> list[HandItem]:
        domains = [tuple(subject.split("/", 1)) for subject in incident.watched]
        if not domains:
            return [HandItem(EVERYWHERE, "every SMTP login of every domain, in both regions, postmasters too")]
        known = [
            HandItem(f"{region}/{name}", f"{name} ({region.upper()}): every SMTP login, the postmaster too")
            for region, name in domains
        ]
        return [*known, HandItem(ELSEWHERE, "any other domain that is listed there: every SMTP login")]

    def hand_group(self, subject: str) -> str:
        return domain_of(subject) if subject.count("/") > 1 else ""

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


def covers(item: str, subject: str, incident: Incident) -> bool:
    """Whether an item stands for that login, too."""
    return item in items_of(subject, incident)


def items_of(subject: str, incident: Incident) -> set[str]:
    """The items that stand for a login: its own, that of its domain, and those of all of them."""
    items = {EVERYWHERE, subject, domain_of(subject)}
    return items if domain_of(subject) in incident.watched else items | {ELSEWHERE}


def domain_of(subject: str) -> str:
    """The subject of a login's domain."""
    return subject.rsplit("/", 1)[0]


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of these that there are."""
    return max((at for at in moments if at is not None), default=None)


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
        chosen = chosen_logins(tx, job, incident, logins)
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


def chosen_logins(tx: Transaction, job: Job, incident: Incident, listed: Sequence[Login]) -> dict[str, dict[str, Json]]:
    """What the round is about: by subject, the payload of its task. Of a narrowed round, what is gone is noted; of a
    whole one, what people did by hand is left out."""
    scope = scope_of_beginning(job.task)
    wanted = set(scope) if scope is not None else None
    by_hand = hand_done(tx, tx.steps.get(job.task.step_id or 0)) if wanted is None else {}
    there = {login.subject: payload_of(login) for login in listed}
    chosen = {
        subject: payload
        for subject, payload in there.items()
        if not any(covers(item, subject, incident) for item in by_hand)
        and (wanted is None or any(covers(item, subject, incident) for item in wanted))
    }
    chosen |= to_be_made(tx, job.task, SET, wanted, set(there))
    if wanted is None:
        take_up_the_rest(tx, tx.steps.get(job.task.step_id or 0))
    state = tx.steps.get(job.task.step_id or 0)
    missing = {item for item in wanted or () if not any(covers(item, subject, incident) for subject in chosen)}
    note_gone(tx, job, state, missing, set(chosen), "this login")
    return chosen


def make_login_anew(tx: Transaction, incident: Incident, state: StepState, login: Login) -> None:
    """Plan that a login that was deleted is made anew and handed over; `state` is this step's.

    A step that had ended runs again until that is done. One that waits goes on waiting for its decision.
    """
    never_ran = not tx.tasks.last_done(incident.id, SET)
    if state.status is StepStatus.SKIPPED and never_ran:
        leave_the_rest(tx, state)
        state = tx.steps.get(state.id)
    begin_anew(tx, SmtpCredentials(), state, f"make-{login.subject}", [login.subject], **make_order(login))
