"""The key that the bot works with: one of its own, or the one that it is given where the plan allows one alone."""

from collections.abc import Sequence

from recovery.account import ApiKey, KeyKind
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import KeyLimitReached, NotYet, Refused
from recovery.jobs import Job
from recovery.key_plans import handed_ids, replace_task
from recovery.key_room import ASKS, NO_ROOM, Question, go_first, room_comes
from recovery.keyring import make_own_key
from recovery.secret import Secret, fingerprint, told_key_id
from recovery.state import Incident, Json, StepState
from recovery.store import Transaction

WHICH_IS_OWN = (
    "The plan allows no further API key, and Mailgun does not show which of its keys the bot works with. An approver "
    "says below which one it is: that one stays until the bot has another."
)
ONLY_ONE = (
    "The plan allows one API key, and that is the one that the bot works with: it cannot replace that safely. Make a "
    "new admin key in Mailgun's control panel (API Security) and give it to the bot; the bot deletes the old one."
)
ROOM_COMES = "room is being made for a key of the bot's own"


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
        make_room(job, incident, secret)
        return fingerprint(secret)
    return None


def take_given_key(job: Job, only_id: str, secret: Secret) -> None:
    """The bot was given a key in place of the only one that the plan allows: it works with that, and the other goes."""
    keys = _counted(job)
    with job.record() as tx:
        state = tx.steps.get(job.task.step_id or 0)
        own = known_own(tx, state, secret, [key for key in keys if key.id != only_id])
        if own is not None:
            gone_at = state.facts.get("only_key_gone_at") or job.tools.clock.now().isoformat()
            is_gone = all(key.id != only_id for key in keys)
            keep_given(job, tx, state, own, secret, only_key_gone_at=gone_at if is_gone else None)
    if own is None:
        _ask(job, Question.WHICH_IS_OWN, [key for key in keys if key.kind is KeyKind.USER and key.id != only_id])
        raise Refused(WHICH_IS_OWN)
    job.note(former=only_id)


def keep_given(job: Job, tx: Transaction, state: StepState, own: str, secret: Secret, **more: Json) -> None:
    """Remember which listed key it is that the bot was given, and works with from here on."""
    known: dict[str, Json] = {"id": own, "fingerprint": fingerprint(secret)}
    if state.facts.get("own_key") != known:
        entry = AuditFacts(Actor.BOT, Action.GIVEN_KEY_TAKEN, own)
        tx.audit.append(state.incident_id, job.tools.clock.now(), entry)
    tx.steps.set(state.id, facts={**state.facts, "own_key": known, **more})


def known_own(tx: Transaction, state: StepState, secret: Secret, keys: Sequence[ApiKey]) -> str | None:
    """Which of the listed keys the bot works with: by the vault, by its secret, by what an approver said of it, or
    because no other can be; None where that is not known."""
    kept = tx.vault.newest()
    listed = {key.id for key in keys}
    if kept is not None and kept.mailgun_key_id in listed:
        return kept.mailgun_key_id
    if (told := told_key_id(secret)) in listed:
        return told
    said = state.facts.get("own_key")
    if isinstance(said, dict) and said["fingerprint"] == fingerprint(secret) and said["id"] in listed:
        return str(said["id"])
    account_keys = [key.id for key in keys if key.kind is KeyKind.USER]
    return account_keys[0] if len(account_keys) == 1 else None


def make_room(job: Job, incident: Incident, secret: Secret) -> None:
    """Have a key deleted, so that the bot can make its own; or ask an approver. Raises `NotYet` or `Refused`.

    Returns where nothing is left to be deleted, and the key that the bot works with was made since the incident began:
    a person has made it for the bot, and it takes the place of its own.
    """
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
        is_fresh = any(key.id == own and key.created_at > incident.opened_at for key in keys)
        with job.record() as tx:
            state = tx.steps.get(state.id)
            if is_fresh:
                keep_given(job, tx, state, own, secret)
                return
            only: dict[str, Json] = {"id": own, "fingerprint": fingerprint(secret)}
            tx.steps.set(state.id, facts={**state.facts, "only_key": only})
        _ask(job, Question.NEW_KEY, [])
        raise Refused(ONLY_ONE)
    _ask(job, Question.WHICH_GOES, others)
    raise Refused(NO_ROOM)


def _counted(job: Job) -> list[ApiKey]:
    """The account's keys that count for the plan's limit."""
    job.hold()
    return [key for key in job.tools.mailgun.keys() if key.kind is not KeyKind.WEB]


def _ask(job: Job, question: Question, keys: Sequence[ApiKey]) -> None:
    tasks = [replace_task(job.task.incident_id, job.task.step_id, key) for key in keys]
    listed: list[Json] = [{**task.payload, "id": task.subject} for task in tasks]
    job.note(**{ASKS: str(question), "keys": listed})
