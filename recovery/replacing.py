"""Replacing keys: a replacement for each, handed over in one direct message, and then the old one deleted."""

from dataclasses import dataclass

from recovery.account import KeyKind, KeySpec
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import KeyLimitReached, NotFound, OutsideError, Refused
from recovery.handovers import Packet, fitting, give_up_earlier, greet_recipient, hand_over, plan_handover
from recovery.jobs import Job, merged
from recovery.keyring import (
    NO_ROOM,
    as_list,
    delete_orphans,
    delete_surely,
    marked,
    new_mark,
    orphan_task,
    own_marks,
    unmarked,
)
from recovery.ports import NewKey
from recovery.state import Handover, Incident, StepState, Task, TaskStatus
from recovery.step import Step, begin_anew
from recovery.store import Transaction

REPLACE = "api_keys.replace"
RETIRE = "api_keys.retire"
"""Deletes a control panel session, which gets no replacement."""
SPARE = "api_keys.spare"
"""Deletes a key that only the bot had, and that gets no replacement: of an earlier incident, or given to it since."""

KEY_LENGTH = 72
"""More characters than a key has: about fifty today."""


@dataclass(frozen=True)
class Replacement:
    """What became of one key: its replacement, or why there is none."""

    task: Task
    made: NewKey | None
    error: OutsideError | None = None


def handed_ids(tx: Transaction, state: StepState) -> set[str]:
    """The ids of the replacements that this incident handed over.

    By id and not by mark: whoever may list the keys can copy a mark into a key of their own.
    """
    return {str(new_id) for task in tx.tasks.of_step(state.id, kind=REPLACE) if (new_id := task.payload.get("new_id"))}


def replaced_already(tx: Transaction, state: StepState) -> dict[str, str]:
    """By old key, the replacement that was handed over for it, where the old key was then left by a decision."""
    dropped = tx.tasks.of_step(state.id, TaskStatus.DROPPED, kind=REPLACE)
    return {task.subject: str(task.payload["new_id"]) for task in dropped if task.payload.get("new_id")}


def unfinished_marks(tx: Transaction, state: StepState) -> list[str]:
    """The marks of keys that were made, perhaps, and never came into anybody's hands.

    Of replacements, by tasks that have ended: also by one that made another in the end, for Mailgun may list a key
    late. And of keys of the bot's own: of those, all but the one in the vault.
    """
    ended = tx.tasks.of_step(state.id, TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.DROPPED, kind=REPLACE)
    marks = [mark for task in ended for mark in as_list(task.payload.get("marks"))]
    return [*map(str, marks), *(mark for task in tx.tasks.of_step(state.id) for mark in own_marks(task))]


def must_begin_again(job: Job, step: Step) -> bool:
    """Whether the bot was given a key to work with meanwhile: then the step begins again for the job's keys.

    One of them may be that key, for of a key that was given to it the bot does not know the id. With one of its own,
    which it makes first, it can delete all of them.
    """
    with job.record() as tx:
        kept = tx.vault.newest()
        if kept is not None and kept.incident_id == job.task.incident_id:
            return False
        first, subjects = job.task, [task.subject for task in job.tasks]
        for task in list(job.tasks):
            job.drop(tx, task, "the bot was given another key, and makes one of its own first")
        begin_anew(tx, step, tx.steps.get(first.step_id or 0), f"own-{first.id}-{first.attempts}", subjects)
    return True


def retire_key(job: Job, step: Step) -> None:
    """Delete a key that gets no replacement."""
    if must_begin_again(job, step):
        return
    task = job.task
    delete_surely(job, task.subject)
    session = bool(task.payload.get("session"))
    with job.record() as tx:
        now = job.tools.clock.now()
        action = Action.SESSION_DELETED if session else Action.KEY_DELETED
        tx.audit.append(task.incident_id or 0, now, AuditFacts(Actor.BOT, action, str(task.payload["name"])))
        job.done(tx, task)


def replace_keys(job: Job, step: Step) -> None:
    """Make a replacement for each key, hand them over in one direct message, then delete the old ones."""
    if must_begin_again(job, step):
        return
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    give_up_earlier(job)
    handed = [task for task in job.tasks if task.payload.get("new_id")]
    if len(handed) < len(job.tasks):
        # Whoever took the requester's role over meanwhile is greeted first, too.
        incident = greet_recipient(job, incident)
        fresh = [task for task in job.tasks if not task.payload.get("new_id")]
        fits = fitting(job, [shown(task) for task in fresh], KEY_LENGTH)
        job.let_go(fresh[fits:])
        handed += replace_and_hand_over(job, incident, fresh[:fits])
    for task, error in job.tools.at_once(lambda task: (task, delete_old(job, task)), handed):
        with job.record() as tx:
            if error is None:
                now = job.tools.clock.now()
                facts = AuditFacts(Actor.BOT, Action.KEY_DELETED, str(task.payload["name"]))
                tx.audit.append(incident.id, now, facts)
                job.done(tx, task)
            else:
                job.not_done(tx, task, error)


def replace_and_hand_over(job: Job, incident: Incident, tasks: list[Task]) -> list[Task]:
    """The tasks whose replacement was handed over; the others are recorded and taken off the job."""
    stale = [str(mark) for task in tasks for mark in as_list(task.payload.get("marks"))]
    delete_orphans(job, stale, incident.id)
    handover = plan_handover(job, incident, tasks, "API key")
    tasks = mark_tasks(job, tasks)
    results = proven(job, job.tools.at_once(lambda task: make_replacement(job, task), tasks))
    made = [r for r in results if r.made is not None]
    failed = [r for r in results if r.made is None]
    if failed:
        with job.record() as tx:
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
            noted.append(tx.tasks.note(task, merged(task.payload, {"marks": marks, "mark": mark})))
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
    try:
        job.hold()
        job.if_lost(orphan_task(job, str(task.payload["mark"])))
        made = job.tools.mailgun.create_key(spec)
        if made.key.kind is KeyKind.USER:
            job.hold()
            job.tools.mailgun.prove_key(made.secret)
    except OutsideError as error:
        return Replacement(task, None, error)
    return Replacement(task, made)


def proven(job: Job, results: list[Replacement]) -> list[Replacement]:
    """The same, where a sending key that is not listed as enabled counts as not made. One list for all."""
    if not any(r.made and r.made.key.kind is KeyKind.DOMAIN for r in results):
        return results
    job.hold()
    enabled = {key.id for key in job.tools.mailgun.keys() if not key.is_disabled}
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
    """At the plan's limit the rest waits until the others' old keys are gone; anything else is an ordinary failure."""
    assert failed.error is not None
    if isinstance(failed.error, KeyLimitReached):
        if others_made:
            job.defer(tx, failed.task, str(failed.error))
            return
        if others_at_work(tx, job, failed.task) or not failed.task.payload.get("no_room"):
            # Another job may have made room between Mailgun's answer and this look: one answer is no proof.
            task = tx.tasks.note(failed.task, merged(failed.task.payload, {"no_room": True}))
            job.defer(tx, task, str(failed.error), seconds=1)
            return
        task = tx.tasks.note(failed.task, merged(failed.task.payload, {"no_room": False}))
        job.fail(tx, task, NO_ROOM)
        return
    error = failed.error
    if isinstance(error, NotFound):
        error = Refused(f"Mailgun did not find what the key belongs to: {error}", status=404)
    job.not_done(tx, failed.task, error)


def others_at_work(tx: Transaction, job: Job, task: Task) -> bool:
    """Whether another job of this step is replacing keys now, which makes room when it deletes the old ones."""
    mine = {each.id for each in job.tasks}
    running = tx.tasks.of_step(task.step_id or 0, TaskStatus.RUNNING, kind=REPLACE)
    return any(other.id not in mine for other in running)


def delete_old(job: Job, task: Task) -> OutsideError | None:
    """Delete the old key; the error, if that did not work."""
    try:
        delete_surely(job, task.subject)
    except OutsideError as error:
        return error
    return None


def shown(task: Task) -> tuple[str, str]:
    """The heading and the label of a key in its handover."""
    domain = task.payload.get("domain")
    heading = f"Sending keys of {domain}" if domain else "Account keys"
    return (
        heading,
        f"{unmarked(str(task.payload['description'])) or 'no description'} ({task.payload['role']})",
    )
