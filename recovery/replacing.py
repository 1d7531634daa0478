"""Replacing keys: a replacement for each, handed over in one direct message, and then the old one deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from recovery.account import KeyKind, KeySpec
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import KeyLimitReached, NotFound, OutsideError, Refused
from recovery.handover_size import fitting, reckoned
from recovery.handovers import CHANGED, Packet, detach, give_up_earlier, greet_recipient, hand_over, plan_handover
from recovery.inventory import list_keys, mailgun_of
from recovery.investigating import key_is_gone
from recovery.jobs import Job, merged
from recovery.key_plans import DEAD, DELETED, FIRST, KNOWN_BY, OWN_FIRST, owner_of
from recovery.key_room import ASKS, settle_no_room, wait_for_others
from recovery.keyring import as_list, delete_orphans, delete_surely, marked, new_mark, orphan_task, unmarked
from recovery.patience import patiently
from recovery.ports import NewKey
from recovery.secret import fingerprint
from recovery.state import Handover, Incident, IncidentStatus, Task
from recovery.step import Step, begin_anew
from recovery.store import Transaction

KEY_LENGTH = 72
"""More characters than a key has: about fifty today."""


@dataclass(frozen=True)
class Replacement:
    """What became of one key: its replacement, or why there is none."""

    task: Task
    made: NewKey | None
    error: OutsideError | None = None


def must_begin_again(job: Job, step: Step) -> bool:
    """Whether the bot was given a key to work with meanwhile: then the step begins again for the job's keys.

    One of them may be that key, for of a key that was given to it the bot does not know the id. With one of its own,
    which it makes first, it can delete all of them. What cannot be that key stays in the job.
    """
    works_with = fingerprint(job.tools.vault.current())
    with job.record() as tx:
        kept = tx.vault.newest()
        if kept is not None and kept.incident_id == job.task.incident_id:
            return False
        first, doubtful = job.task, [task for task in job.tasks if may_be_the_bots(task, works_with)]
        if not doubtful:
            return False
        for task in doubtful:
            job.drop(tx, task, "the bot was given another key, and makes one of its own first")
        subjects = [task.subject for task in doubtful]
        state = tx.steps.get(first.step_id or 0)
        # After a cancel only what had been begun is still at work. Before one, nothing of these has: none begins after.
        is_off = tx.incidents.get(state.incident_id).status is IncidentStatus.CANCELLED
        begin_anew(tx, step, state, f"own-{first.id}-{first.attempts}", subjects, **{OWN_FIRST: True, "anew": is_off})
    return not job.tasks


def may_be_the_bots(task: Task, works_with: str) -> bool:
    """Whether a task's key may be the one with that fingerprint, which the bot works with and has not made itself."""
    payload = task.payload
    is_account_key = payload.get("kind", KeyKind.USER) == KeyKind.USER and not payload.get("session")
    is_useless = bool(payload.get(DELETED) or payload.get(DEAD))
    return is_account_key and not is_useless and payload.get(KNOWN_BY) != works_with


def retire_key(job: Job, step: Step) -> None:
    """Delete a key that gets no replacement."""
    if must_begin_again(job, step):
        return
    task = job.task
    delete_surely(job, task.subject, owner_of(task))
    session = bool(task.payload.get("session"))
    with job.record() as tx:
        now = job.tools.clock.now()
        action = Action.SESSION_DELETED if session else Action.KEY_DELETED
        facts = AuditFacts(Actor.BOT, action, str(task.payload["name"]), "" if session else "without a replacement")
        tx.audit.append(task.incident_id or 0, now, facts)
        key_is_gone(tx, task.incident_id or 0, task.subject, now)
        job.done(tx, task)


def replace_keys(job: Job, step: Step) -> None:
    """Make a replacement for each key, hand them over in one direct message, then delete the old ones.

    What an approver lets go first is deleted first, and waits for its replacement.
    """
    give_up_earlier(job)
    if must_begin_again(job, step):
        return
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    delete_first(job)
    wait_for_others(job)
    handed = [task for task in job.tasks if task.payload.get("new_id")]
    if len(handed) < len(job.tasks):
        # Whoever took the requester's role over meanwhile is greeted first, too.
        incident = greet_recipient(job, incident)
        fresh = [task for task in job.tasks if not task.payload.get("new_id")]
        many = fitting(job, [shown(task) for task in fresh], KEY_LENGTH)
        job.let_go(fresh[many:])
        handed += replace_and_hand_over(job, incident, fresh[:many])
    for task, error in job.tools.at_once(lambda task: (task, delete_old(job, task)), handed):
        with job.record() as tx:
            if error is None:
                if not task.payload.get(DELETED):
                    tell_deleted(job, tx, task)
                job.done(tx, task)
            else:
                job.not_done(tx, task, error)


def delete_first(job: Job) -> None:
    """Delete the keys that go before their replacements: each has its replacement planned by its task."""
    going = [task for task in job.tasks if task.payload.get(FIRST) and not task.payload.get(DELETED)]
    for task, error in job.tools.at_once(lambda task: (task, delete_old(job, task)), going):
        with job.record() as tx:
            if error is None:
                tell_deleted(job, tx, task, "its replacement follows")
                gone = tx.tasks.note(task, merged(task.payload, {DELETED: True, CHANGED: True}))
                job.tasks = [gone if each.id == gone.id else each for each in job.tasks]
            else:
                job.not_done(tx, task, error)


def tell_deleted(job: Job, tx: Transaction, task: Task, result: str = "") -> None:
    """The trail's entry of a key that is deleted."""
    facts = AuditFacts(Actor.BOT, Action.KEY_DELETED, str(task.payload["name"]), result)
    now = job.tools.clock.now()
    tx.audit.append(task.incident_id or 0, now, facts)
    key_is_gone(tx, task.incident_id or 0, task.subject, now)


def replace_and_hand_over(job: Job, incident: Incident, tasks: list[Task]) -> list[Task]:
    """The tasks whose replacement was handed over; the others are recorded and taken off the job."""
    stale = [str(mark) for task in tasks for mark in as_list(task.payload.get("marks"))]
    delete_orphans(job, stale, incident.id, list({owner_of(task): None for task in tasks}))
    handover = plan_handover(job, incident, tasks, "API key")
    tasks = mark_tasks(job, tasks)
    results = proven(job, job.tools.at_once(lambda task: make_replacement(job, task), tasks))
    job.calls_made()
    made = [r for r in results if r.made is not None]
    failed = [r for r in results if r.made is None]
    if failed:
        with job.record() as tx:
            detach(job, tx, handover, [r.task for r in failed])
            for r in failed:
                settle_failure(job, tx, r, others_made=bool(made))
    if not made:
        return []
    packets = [Packet(r.task, *shown(r.task), r.made.secret) for r in made if r.made]
    new_ids = {r.task.id: r.made.key.id for r in made if r.made}
    handed: list[Task] = []

    def on_sent(tx: Transaction, sent: Handover) -> None:
        now = job.tools.clock.now()
        # A later "issue anew" speaks of the keys that were handed over, not of those that they replaced.
        tx.handovers.set(sent.id, subjects=tuple(handed_subject(r) for r in made))
        for r in made:
            stale = [mark for mark in as_list(r.task.payload.get("marks")) if mark != r.task.payload["mark"]]
            payload = merged(r.task.payload, {"new_id": new_ids[r.task.id], "marks": stale})
            handed.append(tx.tasks.note(r.task, payload))
            facts = AuditFacts(
                Actor.BOT, Action.KEY_REPLACED, str(r.task.payload["name"]), f"the new one is {new_ids[r.task.id]}"
            )
            tx.audit.append(incident.id, now, facts)

    hand_over(job, handover, packets, on_sent)
    return handed


def mark_tasks(job: Job, tasks: list[Task]) -> list[Task]:
    """Write down a new mark for each, before any key is made with it."""
    with job.record() as tx:
        noted = []
        for task in tasks:
            mark = new_mark()
            marks = [*as_list(task.payload.get("marks")), mark]
            noted.append(tx.tasks.note(task, merged(task.payload, {"marks": marks, "mark": mark, ASKS: None})))
    by_id = {task.id: task for task in noted}
    job.tasks = [by_id.get(task.id, task) for task in job.tasks]
    return noted


def make_replacement(job: Job, task: Task) -> Replacement:
    """Make one replacement: same kind, role, domain and description, and this task's mark.

    An account key is proven by a call with it at once; sending keys by `proven`.
    """
    spec = KeySpec(
        kind=KeyKind(str(task.payload["kind"])),
        role=str(task.payload["role"]),
        description=marked(str(task.payload["description"]), str(task.payload["mark"])),
        domain_name=str(task.payload["domain"]) if task.payload.get("domain") else None,
    )
    owner = owner_of(task)

    def create() -> NewKey:
        job.if_lost(orphan_task(job, str(task.payload["mark"]), owner))
        return mailgun_of(job, owner).create_key(spec)

    try:
        made = patiently(job, create)
        if made.key.kind is KeyKind.USER:
            patiently(job, lambda: job.tools.mailgun.prove_key(made.secret))
    except OutsideError as error:
        return Replacement(task, None, error)
    return Replacement(task, made)


def proven(job: Job, results: list[Replacement]) -> list[Replacement]:
    """The same, where a sending key that is not listed as enabled counts as not made. One list an account."""
    owners = {owner_of(r.task): None for r in results if r.made and r.made.key.kind is KeyKind.DOMAIN}
    if not owners:
        return results
    enabled = {key.id for key in list_keys(job, list(owners)) if not key.is_disabled}
    return [
        r
        if r.made is None or r.made.key.kind is not KeyKind.DOMAIN or r.made.key.id in enabled
        else Replacement(r.task, None, Refused(f"the new key {r.made.key.id} is not listed as enabled"))
        for r in results
    ]


def handed_subject(replacement: Replacement) -> str:
    """How a handover names a key that it carries: its id, and what it is, for people."""
    assert replacement.made is not None
    return f"{replacement.made.key.id} {shown(replacement.task)[1]}"


def settle_failure(job: Job, tx: Transaction, failed: Replacement, *, others_made: bool) -> None:
    """At the plan's limit it waits for room, or a person is asked; anything else is an ordinary failure."""
    error = failed.error
    assert error is not None
    if isinstance(error, KeyLimitReached):
        settle_no_room(job, tx, failed.task, error, others_made=others_made)
        return
    if isinstance(error, NotFound):
        error = Refused(f"Mailgun did not find what the key belongs to: {error}", status=404)
    job.not_done(tx, failed.task, error)


def delete_old(job: Job, task: Task) -> OutsideError | None:
    """Delete the old key; the error, if that did not work."""
    try:
        delete_surely(job, task.subject, owner_of(task))
    except OutsideError as error:
        return error
    return None


def fits(tasks: Sequence[Task]) -> int:
    """About how many of these keys' replacements one direct message holds."""
    return reckoned(tasks, shown, KEY_LENGTH)


def shown(task: Task) -> tuple[str, str]:
    """The heading and the label of a key in its handover."""
    domain = task.payload.get("domain")
    owner = owner_of(task)
    heading = f"Sending keys of {domain}" if domain else "Account keys"
    heading += f" (subaccount {owner.name})" if owner else ""
    return (
        heading,
        f"{unmarked(str(task.payload['description'])) or 'no description'} ({task.payload['role']})",
    )
