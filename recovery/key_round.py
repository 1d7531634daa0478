"""How a round of step 1 begins: a key of the bot's own, then every key listed, and a task planned for each."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from recovery.account import ApiKey, KeyKind
from recovery.hand import hand_done
from recovery.handovers import greet_recipient, identity_of
from recovery.inventory import list_keys, list_owners
from recovery.jobs import Job
from recovery.key_plans import (
    ACCOUNT_KEYS,
    DEAD,
    KNOWN_BY,
    OWN_FIRST,
    PART_OF,
    REPLACE,
    approved_parts,
    deleted_for_room,
    handed_ids,
    is_dead,
    keys_to_be_removed,
    own_key_id,
    replace_task,
    replace_task_of,
    replaced_already,
    retire_task,
    unfinished_marks,
)
from recovery.key_room import ASKS, NO_ROOM_ONCE, superseded
from recovery.keyring import delete_orphans, own_marks, without_orphans
from recovery.keys_by_hand import parts_done
from recovery.own_key import get_own_key
from recovery.signing import RENEW, RENEWED, renew_task
from recovery.state import Facts, Incident, Json, NewTask, StepState, Task
from recovery.step import begins_nothing, called_off, forget_failures, scope_of_beginning
from recovery.store import Transaction


@dataclass(frozen=True)
class Round:
    """What one beginning is about: the keys with these ids, or all of these parts; and secrets to be made anew."""

    ids: frozenset[str] | None
    secrets: tuple[str, ...]
    parts: Set[str]

    @classmethod
    def of(cls, tx: Transaction, state: StepState, task: Task) -> "Round":
        """As the task says that begins it."""
        scope, parts = scope_of_beginning(task), approved_parts(tx, state)
        if scope is None:
            return cls(None, (), parts)
        subjects = {identity_of(subject) for subject in scope}
        secrets = tuple(part for part in RENEWED if part in subjects)
        return cls(frozenset(subjects - {*RENEWED}), secrets, parts)

    def lists_keys(self, gone: Set[str]) -> bool:
        """Whether it may be about a key that Mailgun lists; these are gone."""
        return bool(self.ids - gone) if self.ids is not None else not self.parts.isdisjoint(PART_OF.values())


def begin(job: Job) -> None:
    """Open the requester's direct message, make the bot's own key, list the keys again, plan one task for each."""
    task = job.task
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(task.incident_id or 0)
        state = tx.steps.get(task.step_id or 0)
        former = tx.vault.newest()
        is_off = begins_nothing(tx, task)
        about, gone = Round.of(tx, state, task), deleted_for_room(tx, state).keys()
    if is_off:
        # What it made before the incident was cancelled, and did not get into the vault.
        delete_orphans(job, own_marks(task), incident.id)
    if called_off(job):
        return
    if former is not None and former.incident_id != incident.id and former.mailgun_key_id:
        # Written down before the vault's newest key is another one.
        job.note(former=former.mailgun_key_id, was_given=former.incident_id is None)
    if task.payload.get(ASKS):
        job.remember(**{ASKS: None})
    incident = greet_recipient(job, incident)
    known_by, keys = None, list[ApiKey]()
    if about.lists_keys(gone):
        known_by, keys = with_own_key(job, incident, about.parts)
    with job.record() as tx:
        if begins_nothing(tx, task):
            job.done(tx, job.task)
            return
        state = tx.steps.get(state.id)
        chosen = chosen_keys(tx, state, job.task, about, keys)
        lost = {subject: each for subject, each in deleted_for_room(tx, state).items() if is_about(about, subject)}
        forget_failures(tx, job, task, REPLACE, {key.id for key in chosen} | lost.keys())
        forget_failures(tx, job, task, RENEW, {*about.secrets})
        tx.tasks.add(key_tasks(tx, state, job, chosen, known_by))
        tx.tasks.add(replace_task_of(task.incident_id, task.step_id, *each) for each in payloads(lost))
        tx.tasks.add(renew_task(job.task, part) for part in about.secrets)
        job.done(tx, job.task)


def with_own_key(job: Job, incident: Incident, parts: Set[str]) -> tuple[str | None, list[ApiKey]]:
    """The keys of the account and its subaccounts, once the bot works with its own; and the fingerprint of the key
    that it was given instead, where the plan allows no other."""
    needs_own = ACCOUNT_KEYS in parts or job.task.payload.get(OWN_FIRST)
    known_by = get_own_key(job, incident) if needs_own else None
    with job.tools.store.read() as tx:
        unfinished = unfinished_marks(tx, tx.steps.get(job.task.step_id or 0))
    return known_by, without_orphans(job, list_keys(job, list_owners(job)), unfinished, incident.id)


def is_about(about: Round, key_id: str) -> bool:
    """Whether a round without a scope, or this one's scope, covers that key."""
    return about.ids is None or key_id in about.ids


def chosen_keys(tx: Transaction, state: StepState, task: Task, about: Round, keys: list[ApiKey]) -> list[ApiKey]:
    """The listed keys that the round is about: never the one that the bot works with. What people did by hand is left
    out; not so a key that the bot was given since, which only the bot has."""
    own, ours = own_key_id(tx, state), handed_ids(tx, state)
    former = task.payload.get("former")
    if about.ids is not None:
        # One that was given is none of those that were listed before it was; save one that had been handed over.
        with_it = task.payload.get("was_given") and former not in ours
        ids = {*about.ids, str(former)} if with_it else about.ids
        return [key for key in keys if key.id in ids and key.id != own]
    parts = about.parts - parts_done(hand_done(tx, state))
    return [key for key in keys if key.id not in (own, *ours) and (PART_OF[key.kind] in parts or key.id == former)]


def payloads(lost: dict[str, Task]) -> list[tuple[str, Facts]]:
    """By key, what its replacement shall be, without what an earlier attempt at it noted."""
    return [(subject, {**task.payload, NO_ROOM_ONCE: False, ASKS: None}) for subject, task in lost.items()]


def key_tasks(tx: Transaction, state: StepState, job: Job, chosen: list[ApiKey], known_by: str | None) -> list[NewTask]:
    """A task for each of these keys, but for sessions from after the approval."""
    task, now = job.task, job.tools.clock.now()
    # Of the first attempt: a retry must not end the sessions of those who are turning on 2FA meanwhile.
    approved_at = datetime.fromisoformat(str(task.payload["approved_at"]))
    # A key that was handed over is not the bot's alone, whoever gave it to the bot as well.
    without_another = (superseded(tx, task) - handed_ids(tx, state)) | keys_to_be_removed(tx, state.incident_id)
    replaced = replaced_already(tx, state)
    tasks: list[NewTask] = []
    for key in chosen:
        if key.kind is KeyKind.WEB:
            if key.created_at < approved_at:
                tasks.append(retire_task(task.incident_id, task.step_id, key))
        elif key.id in without_another:
            tasks.append(retire_task(task.incident_id, task.step_id, key, **{KNOWN_BY: known_by}))
        else:
            more: dict[str, Json] = {"new_id": replaced.get(key.id), DEAD: is_dead(key, now), KNOWN_BY: known_by}
            tasks.append(replace_task(task.incident_id, task.step_id, key, **more))
    return tasks
