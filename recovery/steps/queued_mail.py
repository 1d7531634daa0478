"""Step 7: delete the mail that is scheduled or not delivered yet, which an attacker may have queued for later."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from recovery.account import Inventory
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Confirm
from recovery.errors import NotFound
from recovery.gone import gone, note_gone
from recovery.hand import HandItem, hand_done
from recovery.handovers import last_tasks
from recovery.inventory import Owner, list_domains, list_owners, mailgun_of
from recovery.jobs import Job, TaskKind
from recovery.leaving_out import MOST_ROWS, included
from recovery.owners import apart, count_apart, owner_facts, owner_in, region_and_owner
from recovery.state import Facts, Incident, NewTask, StepState, StepStatus, TaskStatus
from recovery.step import (
    Step,
    begins_nothing,
    called_off,
    forget_failures,
    left_by_decision,
    left_out,
    scope_of,
    scope_of_beginning,
)
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Code, Line, count, line, listing

DELETE = "queued_mail.delete"


class QueuedMail(Step):
    kind = "queued_mail"
    number = 7
    title = "Delete queued mail"
    names = ("queue", "queued", "queued-mail", "envelopes")
    destructive = True

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (
            TaskKind(self.begin_kind, begin, "listing the domains"),
            TaskKind(DELETE, delete_queued, "deleting queued mail", effect=True),
        )

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        return {"queues": {domain.subject: owner_facts(domain.owner) for domain in inventory.domains}}

    def parts(self, state: StepState) -> Mapping[str, str]:
        known, scope = owners_in(state.facts), scope_of(state)
        return {subject: shown(subject, known.get(subject)) for subject in (known if scope is None else scope)}

    def explain(self, view: StepView) -> list[Line]:
        state = view.state
        parts, chosen, scope = self.parts(state), included(self, state), scope_of(state)
        lines: list[Line] = []
        if scope is not None:
            many = count(len(scope), "domain")
            lines.append(line(f"Another round: {many} new since, or emptied before the last old key died."))
        touched = f"{counted(chosen, owners_in(state.facts))}" if parts else "every domain, in both regions"
        lines.append(line(f"Deletes all scheduled and undelivered mail of {touched}."))
        lines.append(line("Wanted mail goes too, and cannot be brought back. Who sent it is not told."))
        lines.append(when_best(view.incident))
        if len(chosen) < len(parts):
            lines.append(line(f"Left out: {listing(words for key, words in parts.items() if key not in chosen)}."))
        if len(parts) > MOST_ROWS:
            lines.append(
                line(
                    "To leave a domain out, type ",
                    Code(f"/mailgun-compromised leave-out {self.number} <domain>"),
                    "; to take it in again, ",
                    Code(f"/mailgun-compromised include {self.number} <domain>"),
                    ".",
                )
            )
        return lines

    def progress(self, view: StepView) -> str:
        total = view.tasks(DELETE) - view.tasks(DELETE, TaskStatus.DROPPED)
        if not total:
            return ""
        return f"queued mail of {view.tasks(DELETE, TaskStatus.DONE):,} of {count(total, 'domain')} deleted"

    def outdated(self, tx: Transaction, incident: Incident, state: StepState) -> list[str]:
        expired = incident.keys_expired_at
        if expired is None:
            return []
        left = left_by_decision(state) | left_out(state) | gone(state)
        done = emptied_at(tx, incident, state)
        return sorted(subject for subject, at in done.items() if at < expired and subject not in left)

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, inventory: Inventory) -> list[str]:
        done = emptied_at(tx, incident, state)
        if state.status is StepStatus.SKIPPED and not done:
            # It never ran: leaving everything as it was is what was decided.
            return []
        last = [task for task in last_tasks(tx, state.id) if task.kind == DELETE]
        # Where a storage host knows no such domain although it is listed, there is no mail of it to be deleted.
        left = {task.subject for task in last if task.status is TaskStatus.DROPPED}
        left |= left_by_decision(state) | left_out(state)
        expired = incident.keys_expired_at

        def too_early(subject: str) -> bool:
            at = done.get(subject)
            return at is None or (expired is not None and at < expired)

        return [d.subject for d in inventory.domains if d.subject not in left and too_early(d.subject)]

    def summary(self, tx: Transaction, incident: Incident, state: StepState) -> str | None:
        done = len(tx.tasks.last_done(incident.id, DELETE))
        return f"scheduled and undelivered mail of {count(done, 'domain')} deleted" if done else None

    def hand_instructions(self) -> list[Line]:
        return [
            line("Mailgun deletes what is queued by its API alone, which any admin key may ask for it, or by Support."),
            line(
                "With a key: ",
                Code("curl -X DELETE -u api:KEY https://storage-us-east4.api.mailgun.net/v3/DOMAIN/envelopes"),
                ", on each storage host of the region. Without one: ask for it in the ticket.",
            ),
        ]

    def hand_items(self, tx: Transaction, incident: Incident, state: StepState) -> list[HandItem]:
        known = [HandItem(subject, says) for subject, says in included(self, state).items()]
        return known or [HandItem("queued mail", "what is queued, of every domain in both regions: deleted")]

    def subject_matches(self, subject: str, target: str) -> bool:
        return target.lower() in (subject.lower(), name_of(subject).lower())

    def confirmation(self, state: StepState) -> Confirm:
        which = count(len(included(self, state)), "domain") if self.parts(state) else "every domain"
        return Confirm(
            title="Delete queued mail?",
            text=f"All scheduled and undelivered mail of {which} will be deleted, wanted mail too. It cannot be "
            "brought back.",
            yes="Delete it",
        )


def emptied_at(tx: Transaction, incident: Incident, state: StepState) -> dict[str, datetime]:
    """When the queued mail of each domain was deleted last, by the bot or else by hand, by subject."""
    return {**hand_done(tx, state), **tx.tasks.last_done(incident.id, DELETE)}


def owners_in(facts: Facts) -> dict[str, Owner]:
    """The domains as they were counted, by subject, each with whose it is."""
    queues = facts.get("queues")
    if not isinstance(queues, dict):
        return {}
    return {subject: owner_in(kept) for subject, kept in queues.items() if isinstance(kept, dict)}


def region_of(subject: str) -> str:
    """The region in a domain's subject."""
    return subject.partition("/")[0]


def name_of(subject: str) -> str:
    """The domain's name in its subject."""
    return subject.partition("/")[2]


def shown(subject: str, owner: Owner) -> str:
    """How a domain is called: with its region, and its subaccount."""
    return f"{name_of(subject)} ({region_and_owner(region_of(subject), owner)})"


def counted(subjects: Iterable[str], owners: Mapping[str, Owner]) -> str:
    """“5 domains (EU: 2; US: 3), 1 of them of a subaccount”."""
    chosen = list(subjects)
    if not chosen:
        return "no domain"
    regions = sorted({region_of(subject) for subject in chosen})
    many = "; ".join(f"{region.upper()}: {sum(region_of(s) == region for s in chosen)}" for region in regions)
    theirs, subaccounts = count_apart(owners.get(subject) for subject in chosen)
    return f"{count(len(chosen), 'domain')} ({many})" + (f", {apart(theirs, subaccounts)}" if theirs else "")


def when_best(incident: Incident) -> Line:
    """Why it should not be the first thing to be done."""
    if incident.keys_expired_at is None:
        return line(
            "Best done once API keys and SMTP passwords are reset (steps 1 and 2): whoever holds an old one can queue "
            "more. What is deleted before the last old key died is offered again after."
        )
    return line("Best done once SMTP passwords are reset too (step 2): whoever holds an old one can queue more.")


def begin(job: Job) -> None:
    """List the domains again, and plan one task for each that is not left out."""
    task = job.task
    if called_off(job):
        return
    listed = {domain.subject: domain.owner for domain in list_domains(job, list_owners(job))}
    scope = scope_of_beginning(task)
    with job.record() as tx:
        if begins_nothing(tx, task):
            job.done(tx, task)
            return
        state = tx.steps.get(task.step_id or 0)
        by_hand = hand_done(tx, state)
        wanted = set(scope) if scope is not None else set(listed) - set(by_hand)
        note_gone(tx, job, state, wanted - set(listed), set(listed), "this domain")
        chosen = {subject: owner for subject, owner in listed.items() if subject in wanted - left_out(state)}
        forget_failures(tx, job, task, DELETE, set(chosen))
        tx.tasks.add(
            NewTask(
                DELETE,
                f"{DELETE}:{task.step_id}:{subject}",
                task.incident_id,
                task.step_id,
                subject,
                payload={**owner_facts(owner), "name": shown(subject, owner)},
            )
            for subject, owner in chosen.items()
        )
        job.done(tx, task)


def delete_queued(job: Job) -> None:
    """Delete the queued mail of one domain. Repeated harmlessly after a crash, and after an uncertain answer."""
    task = job.task
    begun_at = job.tools.clock.now()
    job.hold()
    try:
        mailgun = mailgun_of(job, owner_in(task.payload))
        mailgun.delete_queued(region_of(task.subject), name_of(task.subject))
    except NotFound:
        with job.record() as tx:
            job.drop(tx, task, "Mailgun no longer has this domain")
            state = tx.steps.get(task.step_id or 0)
            note_gone(tx, job, state, {task.subject}, set(), "this domain")
        return
    with job.record() as tx:
        entry = AuditFacts(Actor.BOT, Action.QUEUE_DELETED, str(task.payload["name"]))
        tx.audit.append(task.incident_id or 0, job.tools.clock.now(), entry)
        # An old key that died meanwhile could have queued more.
        job.done(tx, task, at=begun_at)
