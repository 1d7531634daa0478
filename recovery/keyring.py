"""API keys: marks in their descriptions, the bot's own key, and deleting one for certain."""

import re
import uuid
from collections.abc import Sequence

from recovery.account import ApiKey, KeyKind, KeySpec
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import NotFound, Uncertain
from recovery.inventory import Owner, list_keys, mailgun_of
from recovery.jobs import Job, TaskKind
from recovery.owners import owner_facts, owner_in
from recovery.state import Incident, Json, NewTask, Task

ORPHAN = "keys.orphan"
OWN_DESCRIPTION = "Mailgun recovery bot"
_MARK = re.compile(r" ?\[mc-([0-9a-f-]{36})\]\s*$")


def new_mark() -> str:
    """A uuid to be written down before a key is made with it."""
    return str(uuid.uuid4())


def marked(description: str, mark: str) -> str:
    """The description with this mark, and without any earlier one."""
    return f"{unmarked(description)} [mc-{mark}]".strip()


def unmarked(description: str) -> str:
    """The description as its people wrote it."""
    return _MARK.sub("", description).strip()


def mark_of(key: ApiKey) -> str | None:
    """The mark in a key's description, if it has one."""
    found = _MARK.search(key.description)
    return found.group(1) if found else None


def delete_surely(job: Job, key_id: str, owner: Owner = None) -> None:
    """Delete a key of the account or of a subaccount; if the answer leaves a doubt, look whether it is gone.

    Raises `Uncertain` if it is not.
    """
    mailgun = mailgun_of(job, owner)
    job.hold()
    try:
        mailgun.delete_key(key_id)
    except (NotFound, Uncertain) as error:
        job.hold()
        if any(key.id == key_id for key in mailgun.keys()):
            raise Uncertain(f"the key {key_id} is still listed after it was deleted ({error})") from error


def delete_orphans(job: Job, marks: list[str], incident_id: int, owners: Sequence[Owner] = (None,)) -> None:
    """Delete keys that an earlier attempt made under one of these marks and that nobody was given, the bot neither."""
    if marks:
        without_orphans(job, list_keys(job, owners), marks, incident_id)


def without_orphans(job: Job, keys: list[ApiKey], marks: list[str], incident_id: int) -> list[ApiKey]:
    """The same of keys that were just listed; those that are left of them."""
    with job.tools.store.read() as tx:
        kept = tx.vault.newest()
    own = kept.mailgun_key_id if kept else None
    orphans = [key for key in keys if mark_of(key) in marks and key.id != own]
    for key in orphans:
        delete_surely(job, key.id, key.owner)
        facts = AuditFacts(Actor.BOT, Action.ORPHAN_DELETED, key_name(key))
        with job.record() as tx:
            # Mailgun may list a key for a moment after it was deleted.
            if facts not in [entry.facts for entry in tx.audit.entries(incident_id)]:
                tx.audit.append(incident_id, job.tools.clock.now(), facts)
    return [key for key in keys if key not in orphans]


def orphan_task(job: Job, mark: str, owner: Owner = None) -> NewTask:
    """What follows if another process has taken the job over: it does not know of a key made after that."""
    payload: dict[str, Json] = {"mark": mark, **owner_facts(owner)}
    return NewTask(ORPHAN, f"{ORPHAN}:{mark}", job.task.incident_id, priority=2, payload=payload)


def delete_orphan(job: Job) -> None:
    """Delete the key that was made under a mark after another process had taken the work over."""
    payload = job.task.payload
    delete_orphans(job, [str(payload["mark"])], job.task.incident_id or 0, [owner_in(payload)])


def make_own_key(job: Job, incident: Incident) -> None:
    """Make the bot's own key, prove it with a call, and put it in the vault, once for each incident.

    A key that an earlier attempt made without getting that far is deleted first. The old key stays until its
    turn comes: the new one is in the vault before anything is deleted. Raises `KeyLimitReached` at the plan's limit.
    """
    with job.tools.store.read() as tx:
        kept = tx.vault.newest()
    if kept is not None and kept.incident_id == incident.id:
        return
    marks = own_marks(job.task)
    delete_orphans(job, marks, incident.id)
    mark = new_mark()
    job.note(own_marks=[*marks, mark])
    job.hold()
    job.if_lost(orphan_task(job, mark))
    made = job.tools.mailgun.create_key(KeySpec(KeyKind.USER, "admin", marked(OWN_DESCRIPTION, mark)))
    job.hold()
    job.tools.mailgun.prove_key(made.secret)
    with job.record() as tx:
        job.tools.vault.keep(tx, made.secret, made.key.id, incident.id)
        facts = AuditFacts(Actor.BOT, Action.BOT_KEY_MADE, key_name(made.key), "proven, in the vault")
        tx.audit.append(incident.id, job.tools.clock.now(), facts)
    job.tools.vault.refresh()


ORPHAN_KIND = TaskKind(ORPHAN, delete_orphan, "deleting an unfinished key", most_attempts=None)


def own_marks(task: Task) -> list[str]:
    """The marks under which this beginning of the step has made, perhaps, a key of the bot's own."""
    return [str(mark) for mark in as_list(task.payload.get("own_marks"))]


def key_name(key: ApiKey) -> str:
    """How the trail and the handovers call a key: its description, what it is for, and its id."""
    where = f" for {key.domain_name}" if key.domain_name else ""
    whose = f" of subaccount {key.owner.name}" if key.owner else ""
    return f"{unmarked(key.description) or 'key without a description'} ({key.role}{where}{whose}, {key.id})"


def as_list(value: object) -> list[object]:
    """A payload's list, or an empty one."""
    return value if isinstance(value, list) else []
