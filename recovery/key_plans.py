"""What is planned for API keys, one task for each, and what those tasks say of the keys."""

from collections.abc import Mapping
from datetime import datetime

from recovery.account import ApiKey, KeyKind
from recovery.findings import FindingStatus
from recovery.hand import hand_done, hand_kind
from recovery.holdings import Trace
from recovery.inventory import Owner
from recovery.keyring import as_list, key_name, own_marks
from recovery.owners import owner_facts, owner_in
from recovery.state import UNFINISHED, Facts, Json, NewTask, StepState, Task, TaskStatus
from recovery.store import Transaction
from recovery.things import Thing, key_spec

BEGIN = "api_keys.begin"
"""Lists the keys and plans the rest: how each round of the step begins."""
REPLACE = "api_keys.replace"
RETIRE = "api_keys.retire"
"""Ends a control panel session, which gets no replacement."""
SPARE = "api_keys.spare"
"""Deletes a key that gets no replacement: one that only the bot had, that nobody can use, or that is an attacker's."""

ACCOUNT_KEYS = "account-keys"
SENDING_KEYS = "sending-keys"
SESSIONS = "sessions"
SIGNING_KEY = "signing-key"
PUBLIC_KEY = "public-key"

ACCOUNT_WIDE = (SIGNING_KEY, PUBLIC_KEY)
"""The parts that are no listed key, but a secret of the whole account."""

PART_OF: Mapping[KeyKind, str] = {
    KeyKind.USER: ACCOUNT_KEYS,
    KeyKind.DOMAIN: SENDING_KEYS,
    KeyKind.WEB: SESSIONS,
}
"""The part of the step that a listed key belongs to."""

FIRST = "first"
"""In a task's payload: the key is deleted before its replacement is made, for want of room."""
DELETED = "deleted"
"""In the payload of such a task: it is."""
ANEW = "anew"
"""In the payload of such a task: it was removed as a finding, before the task was planned."""
DEAD = "dead"
"""In a task's payload: nobody can use the key any more, for it is disabled or expired."""
KNOWN_BY = "known_by"
"""In a task's payload: the fingerprint of the key that the bot worked with when it was known not to be this one."""

OWN_FIRST = "own_first"
"""In the payload of a beginning: one of its keys may be the one that the bot was given, so it makes its own first."""


def replace_task(incident_id: int | None, step_id: int | None, key: ApiKey, **more: Json) -> NewTask:
    """Replaces a key: the payload has all that its replacement shall be, so that the key itself may be gone by then."""
    payload: dict[str, Json] = {
        "kind": str(key.kind),
        "role": key.role,
        "description": key.description,
        "domain": key.domain_name,
        "name": key_name(key),
        **owner_facts(key.owner),
    }
    return replace_task_of(incident_id, step_id, key.id, {**payload, **more})


def made_anew_task(state: StepState, key_id: str, thing: Thing, owner: Owner) -> NewTask:
    """Makes another key in the place of one that was found and removed: with all that it was, save its secret."""
    spec = key_spec(thing)
    payload: dict[str, Json] = {
        "kind": str(spec.kind),
        "role": spec.role,
        "description": spec.description,
        "domain": spec.domain_name,
        "name": f"{spec.description or 'key without a description'} ({spec.role}, {key_id})",
        **owner_facts(owner),
        FIRST: True,
        DELETED: True,
        ANEW: True,
    }
    return replace_task_of(state.incident_id, state.id, key_id, payload)


def keys_to_be_removed(tx: Transaction, incident_id: int) -> set[str]:
    """The keys that an approver wants removed as an attacker's: they get no replacement."""
    return {
        finding.subject
        for finding in tx.findings.of(incident_id)
        if finding.trace is Trace.KEY and finding.status is FindingStatus.REMOVING
    }


def replace_task_of(incident_id: int | None, step_id: int | None, key_id: str, payload: Facts) -> NewTask:
    """The same, of a payload that was made before."""
    return NewTask(REPLACE, f"{REPLACE}:{step_id}:{key_id}", incident_id, step_id, key_id, payload=payload)


def retire_task(incident_id: int | None, step_id: int | None, key: ApiKey, **more: Json) -> NewTask:
    """Deletes a key without a replacement."""
    kind = RETIRE if key.kind is KeyKind.WEB else SPARE
    session = key.kind is KeyKind.WEB
    payload: dict[str, Json] = {
        "name": "control panel session" if session else key_name(key),
        "session": session,
        **owner_facts(key.owner),
    }
    key_id = key.id
    return NewTask(kind, f"{kind}:{step_id}:{key_id}", incident_id, step_id, key_id, payload={**payload, **more})


def owner_of(task: Task) -> Owner:
    """The subaccount that a task's key belongs to, None for the account itself."""
    return owner_in(task.payload)


def owner_id_of(task: Task) -> str | None:
    """Its id."""
    owner = owner_of(task)
    return owner.id if owner else None


def is_dead(key: ApiKey, now: datetime) -> bool:
    """Whether nobody can use that key any more."""
    return key.is_disabled or (key.expires_at is not None and key.expires_at <= now)


def handed_ids(tx: Transaction, state: StepState) -> set[str]:
    """The ids of the replacements that this incident handed over.

    By id and not by mark: whoever may list the keys can copy a mark into a key of their own.
    """
    return {str(new_id) for task in tx.tasks.of_step(state.id, kind=REPLACE) if (new_id := task.payload.get("new_id"))}


def replaced_already(tx: Transaction, state: StepState) -> dict[str, str]:
    """By old key, the replacement that was handed over for it, where the old key was then left by a decision."""
    dropped = tx.tasks.of_step(state.id, TaskStatus.DROPPED, kind=REPLACE)
    return {task.subject: str(task.payload["new_id"]) for task in dropped if task.payload.get("new_id")}


def deleted_for_room(tx: Transaction, state: StepState) -> dict[str, Task]:
    """By old key, the last task of one that was deleted before its replacement, where that was given up, and where
    nobody has made another by hand."""
    by_hand = hand_done(tx, state)
    last = {task.subject: task for task in tx.tasks.of_step(state.id, kind=REPLACE)}
    given_up = (TaskStatus.FAILED, TaskStatus.DROPPED)
    return {
        subject: task
        for subject, task in last.items()
        if subject not in by_hand
        and task.status in given_up
        and task.payload.get(DELETED)
        and not task.payload.get("new_id")
    }


def unfinished_marks(tx: Transaction, state: StepState) -> list[str]:
    """The marks of keys that were made, perhaps, and never came into anybody's hands.

    Of replacements, by tasks that have ended: also by one that made another in the end, for Mailgun may list a key
    late. And of keys of the bot's own: of those, all but the one in the vault.
    """
    ended = tx.tasks.of_step(state.id, TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.DROPPED, kind=REPLACE)
    marks = [mark for task in ended for mark in as_list(task.payload.get("marks"))]
    return [*map(str, marks), *(mark for task in tx.tasks.of_step(state.id) for mark in own_marks(task))]


def marks_in_work(tx: Transaction, state: StepState) -> list[str]:
    """The marks of keys that unfinished tasks have made, perhaps, and not handed over yet."""
    tasks = [task for kind in (BEGIN, REPLACE) for task in tx.tasks.of_step(state.id, *UNFINISHED, kind=kind)]
    return [str(mark) for task in tasks for mark in (*as_list(task.payload.get("marks")), *own_marks(task))]


def last_old_key_died(tx: Transaction, state: StepState) -> datetime | None:
    """When the last of the keys from before was deleted, as far as this step deleted any."""
    # A replacement that was issued anew was never an old key.
    ours, by_hand = handed_ids(tx, state), hand_kind(state.kind)
    ended = [
        task.finished_at
        for task in tx.tasks.of_step(state.id, TaskStatus.DONE)
        if task.kind in (REPLACE, RETIRE, SPARE, by_hand)
        and task.subject not in (*ours, *ACCOUNT_WIDE)
        and task.finished_at is not None
        # The key that it takes the place of was gone before it was planned.
        and not task.payload.get(ANEW)
    ]
    return max(ended, default=None)


def approved_parts(tx: Transaction, state: StepState) -> set[str]:
    """The parts of the step that were on its checklist when it was approved last; or, where it never was, when it went
    on by hand.

    A step that was approved under an earlier version of the bot had keys and sessions alone.
    """
    begun = [task.payload.get("parts") for task in tx.tasks.of_step(state.id, kind=BEGIN)]
    approved = [parts for parts in begun if isinstance(parts, list)]
    if approved:
        return {str(part) for part in approved[-1]}
    listed = {*PART_OF.values()}
    items = {task.subject for task in tx.tasks.of_step(state.id, kind=hand_kind(state.kind))}
    return items & {*listed, *ACCOUNT_WIDE} or listed


def bots_key_id(tx: Transaction, incident_id: int) -> str | None:
    """The same, for whoever does not know the step."""
    found = [own_key_id(tx, state) for state in tx.steps.of(incident_id)]
    return next((key_id for key_id in found if key_id), None)


def own_key_id(tx: Transaction, state: StepState) -> str | None:
    """The id of the key that the bot works with: by the vault, or as it was found out otherwise."""
    kept = tx.vault.newest()
    if kept is not None and kept.mailgun_key_id:
        return kept.mailgun_key_id
    known = state.facts.get("own_key")
    return str(known["id"]) if isinstance(known, dict) else None
