"""Room for one more key where the plan allows no further one: what goes first, and what an approver is asked.

A limit counts the keys of one account, and those of each subaccount apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from recovery.account import ApiKey, KeyKind
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import KeyLimitReached, NotYet, Refused
from recovery.jobs import Job, merged
from recovery.key_plans import (
    DEAD,
    DELETED,
    FIRST,
    KNOWN_BY,
    REPLACE,
    RETIRE,
    handed_ids,
    is_dead,
    owner_id_of,
    replace_task,
    retire_task,
)
from recovery.keyring import as_list, ends_as, make_own_key
from recovery.secret import Secret, fingerprint
from recovery.state import Facts, Incident, Json, NewTask, StepState, Task, TaskStatus
from recovery.store import Transaction

API_SECURITY = "https://app.mailgun.com/settings/api_security"

ASKS = "asks"
"""In the payload of a task that failed for want of room: what an approver is asked."""
UNFINISHED = (TaskStatus.READY, TaskStatus.RUNNING)

NO_ROOM = (
    "The plan allows no further API key. Delete one that nobody needs in Mailgun's control panel (API Security), then "
    "press Retry; or let an approver name one below, which the bot deletes before it makes its replacement."
)
WHICH_IS_OWN = (
    "The plan allows no further API key, and Mailgun does not show which of its keys the bot works with. An approver "
    "says below which one it is: that one stays until the bot has another."
)
ONLY_ONE = (
    "The plan allows one API key, and that is the one that the bot works with: it cannot replace that safely. Make a "
    "new admin key in Mailgun's control panel (API Security) and give it to the bot; the bot deletes the old one."
)
ROOM_COMES = "room is being made for a further key"


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


def refused_keys(state: StepState) -> set[str]:
    """The ids of keys that an approver wants gone: at the plan's limit they go first."""
    return {str(key_id) for key_id in as_list(state.facts.get("refused"))}


def with_refused(state: StepState, key_id: str) -> Facts:
    """The step's facts with that key among those that an approver wants gone."""
    refused: list[Json] = [*sorted(refused_keys(state) | {key_id})]
    return {**state.facts, "refused": refused}


# --- The bot's own key ----------------------------------------------------------------------------------


def get_own_key(job: Job, incident: Incident) -> str | None:
    """Have the bot work with a key of its own; or with the one that it was given, where the plan allows no other.

    In the latter case, the answer is the fingerprint of that key. Raises `NotYet` while room is being made for it, and
    `Refused` where a person has to say more: what they are asked is written down with the task.
    """
    secret = job.tools.vault.current()
    with job.tools.store.read() as tx:
        state, kept = tx.steps.get(job.task.step_id or 0), tx.vault.newest()
    has_own = kept is not None and kept.incident_id == incident.id
    only = state.facts.get("only_key")
    if isinstance(only, dict) and only["fingerprint"] != fingerprint(secret) and not has_own:
        take_given_key(job, str(only["id"]), secret)
        return fingerprint(secret)
    try:
        make_own_key(job, incident)
    except KeyLimitReached:
        make_room(job, secret)
    return None


def take_given_key(job: Job, only_id: str, secret: Secret) -> None:
    """The bot was given a key in place of the only one that the plan allows: it works with that, and the other goes."""
    keys = _counted(job)
    with job.record() as tx:
        state = tx.steps.get(job.task.step_id or 0)
        own = known_own(tx, state, secret, [key for key in keys if key.id != only_id])
        if own is not None:
            now = job.tools.clock.now()
            known: dict[str, Json] = {"id": own, "fingerprint": fingerprint(secret)}
            gone_at = state.facts.get("only_key_gone_at") or now.isoformat()
            is_gone = all(key.id != only_id for key in keys)
            facts = {**state.facts, "own_key": known, "only_key_gone_at": gone_at if is_gone else None}
            if state.facts.get("own_key") != known:
                entry = AuditFacts(Actor.BOT, Action.GIVEN_KEY_TAKEN, own)
                tx.audit.append(state.incident_id, now, entry)
            tx.steps.set(state.id, facts=facts)
    if own is None:
        _ask(job, Question.WHICH_IS_OWN, [key for key in keys if key.kind is KeyKind.USER and key.id != only_id])
        raise Refused(WHICH_IS_OWN)
    job.note(former=only_id)


def known_own(tx: Transaction, state: StepState, secret: Secret, keys: Sequence[ApiKey]) -> str | None:
    """Which of the listed keys the bot works with: by the vault, by its secret, by what an approver said of it, or
    because no other can be; None where that is not known."""
    kept = tx.vault.newest()
    listed = {key.id for key in keys}
    if kept is not None and kept.mailgun_key_id in listed:
        return kept.mailgun_key_id
    if by_secret := ends_as(secret, keys):
        return by_secret
    said = state.facts.get("own_key")
    if isinstance(said, dict) and said["fingerprint"] == fingerprint(secret) and said["id"] in listed:
        return str(said["id"])
    account_keys = [key.id for key in keys if key.kind is KeyKind.USER]
    return account_keys[0] if len(account_keys) == 1 else None


def make_room(job: Job, secret: Secret) -> None:
    """Have a key deleted, so that the bot can make its own; or ask an approver. Raises `NotYet` or `Refused`."""
    keys = _counted(job)
    with job.record() as tx:
        state = tx.steps.get(job.task.step_id or 0)
        own = known_own(tx, state, secret, keys)
        others = [key for key in keys if key.id != own and key.id not in handed_ids(tx, state)]
        comes = room_comes(tx, state.id, None)
        going = [] if comes else go_first(job, tx, state, others, own is not None, fingerprint(secret))
    if own is not None:
        job.note(full_with=own)
    if comes or going:
        raise NotYet(ROOM_COMES, seconds=1)
    account_keys = [key for key in keys if key.kind is KeyKind.USER]
    if own is None and account_keys:
        _ask(job, Question.WHICH_IS_OWN, account_keys)
        raise Refused(WHICH_IS_OWN)
    if own is not None and not others:
        with job.record() as tx:
            state = tx.steps.get(state.id)
            only: dict[str, Json] = {"id": own, "fingerprint": fingerprint(secret)}
            tx.steps.set(state.id, facts={**state.facts, "only_key": only})
        _ask(job, Question.NEW_KEY, [])
        raise Refused(ONLY_ONE)
    _ask(job, Question.WHICH_GOES, others)
    raise Refused(NO_ROOM)


def superseded(tx: Transaction, task: Task) -> set[str]:
    """The keys that a beginning plans no replacement for: the bot worked with them, and works with its own by now.

    That of an earlier incident, which the bot had made; and where room had to be made, the one from before, for to
    replace that as well is more than the plan allows.
    """
    names = ["former"]
    tasks = tx.tasks.of_step(task.step_id or 0)
    if any(each.payload.get(FIRST) or (each.kind == RETIRE and each.payload.get(DEAD)) for each in tasks):
        names.append("full_with")
    return {str(task.payload[name]) for name in names if task.payload.get(name)}


def go_first(
    job: Job, tx: Transaction, state: StepState, others: Sequence[ApiKey], own_is_known: bool, known_by: str
) -> list[NewTask]:
    """Plan that those keys go which nobody can use, or which an approver wants gone. The latter get a replacement."""
    now, refused = job.tools.clock.now(), refused_keys(state)
    going = []
    for key in others:
        if is_dead(key, now):
            going.append(retire_task(state.incident_id, state.id, key, **{DEAD: True}))
        elif key.id in refused and own_is_known:
            more: dict[str, Json] = {FIRST: True, KNOWN_BY: known_by}
            going.append(replace_task(state.incident_id, state.id, key, **more))
    if tx.tasks.add(going):
        for task in going:
            facts = AuditFacts(Actor.BOT, Action.ROOM_MADE, f"key {task.payload['name']}", _why(task.payload))
            tx.audit.append(state.incident_id, now, facts)
    return going


def _why(payload: Facts) -> str:
    return "nobody can use it" if payload.get(DEAD) else "an approver wants it gone; its replacement follows"


def _counted(job: Job) -> list[ApiKey]:
    """The account's keys that count for the plan's limit."""
    job.hold()
    return [key for key in job.tools.mailgun.keys() if key.kind is not KeyKind.WEB]


def _ask(job: Job, question: Question, keys: Sequence[ApiKey]) -> None:
    tasks = [replace_task(job.task.incident_id, job.task.step_id, key) for key in keys]
    listed: list[Json] = [{**task.payload, "id": task.subject} for task in tasks]
    job.note(**{ASKS: str(question), "keys": listed})


# --- A replacement that finds no room -------------------------------------------------------------------


def room_comes(tx: Transaction, step_id: int, owner_id: str | None, but: Sequence[Task] = ()) -> bool:
    """Whether a key of that account is about to be deleted by another task than these."""
    mine = {task.id for task in but}
    unfinished = [task for task in tx.tasks.of_step(step_id, *UNFINISHED) if task.id not in mine]
    return any(owner_id_of(task) == owner_id and _makes_room(task) for task in unfinished)


def _makes_room(task: Task) -> bool:
    if task.kind == RETIRE:
        return not task.payload.get("session")
    if task.kind != REPLACE:
        return False
    goes_first = bool(task.payload.get(FIRST)) and not task.payload.get(DELETED)
    # One that is being handed over now is deleted after that.
    return goes_first or (task.status is TaskStatus.RUNNING and not task.payload.get(DELETED))


def settle_no_room(job: Job, tx: Transaction, task: Task, error: KeyLimitReached, *, others_made: bool) -> None:
    """At the plan's limit a replacement waits until the others' old keys are gone. Failing that its own old key goes
    first, if nobody can use that or an approver wants it gone; else an approver is asked."""
    state = tx.steps.get(task.step_id or 0)
    now = job.tools.clock.now()
    if task.payload.get(DEAD) and not task.payload.get(DELETED):
        job.drop(tx, task, "deleted without a replacement: nobody could use it")
        payload = {name: task.payload.get(name) for name in ("name", "owner", "owner_name", DEAD)}
        key = f"{RETIRE}:{task.step_id}:{task.subject}"
        tx.tasks.add([NewTask(RETIRE, key, task.incident_id, task.step_id, task.subject, payload=payload)])
    elif task.subject in refused_keys(state) and not task.payload.get(FIRST):
        first = tx.tasks.note(task, merged(task.payload, {FIRST: True}))
        job.defer(tx, first, str(error))
    elif others_made:
        job.defer(tx, task, str(error))
        return
    elif room_comes(tx, state.id, owner_id_of(task), job.tasks) or not task.payload.get("no_room"):
        # Another job may have made room between Mailgun's answer and this look: one answer is no proof.
        waiting = tx.tasks.note(task, merged(task.payload, {"no_room": True}))
        job.defer(tx, waiting, str(error), seconds=1)
        return
    else:
        stuck = merged(task.payload, {"no_room": False, ASKS: str(Question.WHICH_GOES)})
        job.fail(tx, tx.tasks.note(task, stuck), NO_ROOM)
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
    return other.kind.endswith(".begin") and not task.payload.get("owner")
