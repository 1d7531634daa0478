"""Room for one more key where the plan allows no further one: what goes first, and what an approver is asked.

A limit counts the keys of one account, and those of each subaccount apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from recovery.account import ApiKey
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import KeyLimitReached
from recovery.jobs import Job, merged
from recovery.key_plans import (
    BEGIN,
    DEAD,
    DELETED,
    FIRST,
    KNOWN_BY,
    REPLACE,
    SPARE,
    is_dead,
    keys_to_be_removed,
    owner_id_of,
    owner_of,
    retire_task,
)
from recovery.keyring import as_list
from recovery.owners import owner_facts
from recovery.state import UNFINISHED, Facts, Json, NewTask, StepState, Task, TaskStatus
from recovery.store import Transaction

ASKS = "asks"
"""In the payload of a task that failed for want of room: what an approver is asked."""
NO_ROOM_ONCE = "no_room"
"""In the payload of a replacement: Mailgun had no room for it once, and nothing was about to make any."""

NO_ROOM = (
    "The plan allows no further API key. Delete one that nobody needs in Mailgun's control panel (API Security), then "
    "press Retry; or let an approver name one below, which the bot deletes before it makes its replacement."
)
NO_ROOM_LEFT = (
    "The plan allows no further API key, and this one is deleted already. Delete one that nobody needs in Mailgun's "
    "control panel (API Security), then press Retry."
)


class Question(StrEnum):
    """What an approver is asked where the plan allows no further key."""

    WHICH_GOES = "which goes"
    WHICH_IS_OWN = "which is own"
    NEW_KEY = "new key"


@dataclass(frozen=True)
class Asked:
    """A question, and the keys that may be its answer: what a task that replaces them says of each, by id."""

    question: Question
    keys: Mapping[str, Facts]


def asked(failures: Sequence[Task]) -> Asked | None:
    """What an approver is asked by the failures of the step, if anything."""
    asking = [(task, str(task.payload[ASKS])) for task in failures if task.payload.get(ASKS)]
    for question in (Question.NEW_KEY, Question.WHICH_IS_OWN):
        for task, asks in asking:
            if asks == question:
                return Asked(question, _listed(task))
    keys: dict[str, Facts] = {}
    for task, _ in asking:
        if task.kind != REPLACE:
            keys |= _listed(task)
        elif not task.payload.get(DELETED):
            keys[task.subject] = task.payload
    return Asked(Question.WHICH_GOES, keys) if asking else None


def _listed(task: Task) -> dict[str, Facts]:
    listed = [entry for entry in as_list(task.payload.get("keys")) if isinstance(entry, dict)]
    return {str(entry["id"]): {name: value for name, value in entry.items() if name != "id"} for entry in listed}


def superseded(tx: Transaction, task: Task) -> set[str]:
    """The keys that a beginning plans no replacement for: the bot worked with them, and works with its own by now.

    That of an earlier incident, which the bot had made; and where room had to be made, the one from before, for to
    replace that as well is more than the plan allows.
    """
    names = ["former"]
    tasks = tx.tasks.of_step(task.step_id or 0)
    if any(each.payload.get(FIRST) or each.kind == SPARE for each in tasks):
        names.append("full_with")
    return {str(task.payload[name]) for name in names if task.payload.get(name)}


def go_first(
    job: Job, tx: Transaction, state: StepState, others: Sequence[ApiKey], own_is_known: bool, known_by: str
) -> list[NewTask]:
    """Plan that those keys go which nobody can use, or which an approver wants removed as an attacker's: without a
    replacement."""
    now, unwanted = job.tools.clock.now(), keys_to_be_removed(tx, state.incident_id)
    going = []
    for key in others:
        if is_dead(key, now):
            going.append(retire_task(state.incident_id, state.id, key, **{DEAD: True}))
        elif key.id in unwanted and own_is_known:
            going.append(retire_task(state.incident_id, state.id, key, **{KNOWN_BY: known_by}))
    if tx.tasks.add(going):
        for task in going:
            facts = AuditFacts(Actor.BOT, Action.ROOM_MADE, f"key {task.payload['name']}", _why(task.payload))
            tx.audit.append(state.incident_id, now, facts)
    return going


def _why(payload: Facts) -> str:
    if payload.get(DEAD):
        return "nobody can use it"
    return "an approver wants it removed"


# --- A replacement that finds no room -------------------------------------------------------------------


def room_comes(tx: Transaction, step_id: int, owner_id: str | None, but: Sequence[Task] = ()) -> bool:
    """Whether a key of that account is about to be deleted by another task than these, or by one of these that has its
    replacement."""
    mine = {task.id for task in but if not task.payload.get("new_id")}
    unfinished = [task for task in tx.tasks.of_step(step_id, *UNFINISHED) if task.id not in mine]
    return any(owner_id_of(task) == owner_id and _makes_room(task) for task in unfinished)


def _makes_room(task: Task) -> bool:
    if task.kind == SPARE:
        return True
    if task.kind != REPLACE:
        return False
    goes_first = bool(task.payload.get(FIRST)) and not task.payload.get(DELETED)
    # Where a replacement is being handed over, or was, the old key is deleted after that.
    was_replaced = task.status is TaskStatus.RUNNING or bool(task.payload.get("new_id"))
    return goes_first or (was_replaced and not task.payload.get(DELETED))


def settle_no_room(job: Job, tx: Transaction, task: Task, error: KeyLimitReached, *, others_made: bool) -> None:
    """At the plan's limit a replacement waits until the others' old keys are gone. Failing that its own old key goes
    without one, if nobody can use that; else an approver is asked."""
    state = tx.steps.get(task.step_id or 0)
    now = job.tools.clock.now()
    if task.payload.get(DEAD) and not task.payload.get(DELETED):
        job.drop(tx, task, "deleted without a replacement: nobody could use it")
        payload: dict[str, Json] = {"name": task.payload["name"], DEAD: True, **owner_facts(owner_of(task))}
        key = f"{SPARE}:{task.step_id}:{task.subject}"
        tx.tasks.add([NewTask(SPARE, key, task.incident_id, task.step_id, task.subject, payload=payload)])
    elif others_made:
        job.defer(tx, task, str(error))
        return
    elif (comes := room_comes(tx, state.id, owner_id_of(task), job.tasks)) or not task.payload.get(NO_ROOM_ONCE):
        # Another job may have made room between Mailgun's answer and this look: one answer is no proof.
        waiting = tx.tasks.note(task, merged(task.payload, {NO_ROOM_ONCE: not comes}))
        job.defer(tx, waiting, str(error), seconds=1)
        return
    else:
        stuck = merged(task.payload, {NO_ROOM_ONCE: False, ASKS: str(Question.WHICH_GOES)})
        job.fail(tx, tx.tasks.note(task, stuck), NO_ROOM_LEFT if task.payload.get(DELETED) else NO_ROOM)
        return
    facts = AuditFacts(Actor.BOT, Action.ROOM_MADE, f"key {task.payload['name']}", _why(task.payload))
    tx.audit.append(task.incident_id or 0, now, facts)


def wait_for_others(job: Job) -> None:
    """Replacements of keys that are deleted already wait until the others of their account have theirs.

    Room is scarce: whoever still has a key gets a replacement for it before it is deleted.
    """
    waiting = [task for task in job.tasks if task.payload.get(DELETED) and not task.payload.get("new_id")]
    if not waiting:
        return
    with job.record() as tx:
        unfinished = tx.tasks.of_step(job.task.step_id or 0, *UNFINISHED)
        for task in waiting:
            if any(_is_before(other, task) for other in unfinished):
                job.defer(tx, task, "the keys that are not deleted yet get their replacements first", seconds=1)


def _is_before(other: Task, task: Task) -> bool:
    if other.kind == REPLACE:
        return owner_id_of(other) == owner_id_of(task) and not other.payload.get(FIRST)
    # The beginning makes the bot's own key, which counts with those of the account itself.
    return other.kind == BEGIN and owner_of(task) is None
