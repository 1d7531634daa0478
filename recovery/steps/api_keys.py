"""Step 1: reset the private API key and expire every old one."""

from dataclasses import dataclass
from datetime import datetime

from recovery.account import ApiKey, Inventory, KeyKind, KeySpec
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Confirm
from recovery.errors import KeyLimitReached, NotFound, OutsideError, Refused
from recovery.handovers import Packet, fitting, greet_recipient, hand_over, identity_of, plan_handover
from recovery.jobs import Job, TaskKind, merged
from recovery.keyring import (
    NO_ROOM,
    as_list,
    delete_orphans,
    delete_surely,
    key_name,
    make_own_key,
    mark_of,
    marked,
    new_mark,
    own_key_id,
    unmarked,
)
from recovery.ports import NewKey
from recovery.state import (
    Facts,
    Handover,
    Incident,
    NewTask,
    StepState,
    StepStatus,
    Task,
    TaskStatus,
)
from recovery.step import Step, StepView, begins_nothing, forget_failures, number, recipient_line, scope_of
from recovery.store import Transaction
from recovery.text import Line, count, line

REPLACE = "api_keys.replace"
RETIRE = "api_keys.retire"
"""Deletes a key that gets no replacement: a control panel session, or the bot's key of an earlier incident."""

KEY_LENGTH = 72
"""More characters than a key has: about fifty today."""


@dataclass(frozen=True)
class Replacement:
    """What became of one key: its replacement, or why there is none."""

    task: Task
    made: NewKey | None
    error: OutsideError | None = None


class ApiKeys(Step):
    kind = "api_keys"
    number = 1
    title = "Reset API keys"
    names = ("keys", "api", "api-keys", "key")
    destructive = True
    hands_over = True

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (
            TaskKind(self.begin_kind, begin, effect=True),
            TaskKind(REPLACE, replace_keys, batch=1000, effect=True),
            TaskKind(RETIRE, retire_key, effect=True),
        )

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        def of(kind: KeyKind) -> int:
            return sum(key.kind is kind for key in inventory.keys)

        foreign = sum(mark_of(key) is not None for key in inventory.keys)
        return {
            "keys": len(inventory.keys),
            "user": of(KeyKind.USER),
            "domain": of(KeyKind.DOMAIN),
            "web": of(KeyKind.WEB),
            "marked": foreign,
        }

    def explain(self, view: StepView) -> list[Line]:
        facts = view.state.facts
        scope = scope_of(view.state)
        lines: list[Line] = []
        if scope is not None:
            lines.append(line(f"Another round: {count(len(scope), 'key')} appeared since, or is still there."))
        elif "keys" in facts:
            lines.append(
                line(
                    f"Touches {count(number(facts, 'user'), 'account key')} and "
                    f"{count(number(facts, 'domain'), 'domain sending key')} of the whole account: each gets one "
                    f"replacement of the same role, and is deleted at once. Ends "
                    f"{count(number(facts, 'web'), 'control panel session')}."
                )
            )
            if number(facts, "marked"):
                many = count(number(facts, "marked"), "key carries", "keys carry")
                lines.append(line(f"{many} the mark of an earlier recovery or of another bot; replaced all the same."))
        else:
            lines.append(line("Touches every API key of the account: each is replaced and deleted at once."))
        lines.append(line("First the bot makes a key of its own and works with it from then on."))
        lines.append(
            line(
                "Breaks: every application that calls Mailgun's API, until it is given its new key. "
                "Everyone is signed out of the control panel."
            )
        )
        lines.append(recipient_line(view.incident))
        return lines

    def progress(self, view: StepView) -> str:
        total = view.tasks(REPLACE)
        sessions = view.tasks(RETIRE, TaskStatus.DONE)
        if not total and not view.tasks(RETIRE):
            return ""
        text = f"{view.tasks(REPLACE, TaskStatus.DONE):,} of {count(total, 'key')} replaced"
        return f"{text}, {count(sessions, 'session')} ended" if sessions else text

    def on_done(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        # A replacement that was issued anew was never an old key.
        ours = handed_ids(tx, state)
        ended = [
            task.finished_at
            for task in tx.tasks.of_step(state.id, TaskStatus.DONE)
            if task.kind in (REPLACE, RETIRE) and task.subject not in ours and task.finished_at is not None
        ]
        when = max(ended, default=state.decided_at or incident.opened_at)
        tx.incidents.set(incident.id, keys_expired_at=when)

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, inventory: Inventory) -> list[str]:
        if state.status is StepStatus.SKIPPED and not tx.tasks.of_step(state.id, TaskStatus.DONE, kind=REPLACE):
            # It never ran: leaving everything as it was is what was decided.
            return []
        ours = handed_ids(tx, state)
        own = own_key_id(tx)
        left = {str(subject) for subject in as_list(state.facts.get("left"))}
        return [
            key.id
            for key in inventory.keys
            if key.kind is not KeyKind.WEB and key.id != own and key.id not in ours and key.id not in left
        ]

    def subject_matches(self, subject: str, target: str) -> bool:
        return identity_of(subject).lower() == target.lower()

    def confirmation(self, state: StepState) -> Confirm:
        scope = scope_of(state)
        keys = len(scope) if scope is not None else number(state.facts, "user") + number(state.facts, "domain")
        return Confirm(
            title="Reset API keys?",
            text=f"{count(keys, 'key')} will be replaced and deleted. What uses them stops until it has its new key, "
            "and everyone is signed out of the control panel.",
            yes="Reset them",
        )


def handed_ids(tx: Transaction, state: StepState) -> set[str]:
    """The ids of the replacements that this incident handed over.

    By id and not by mark: whoever may list the keys can copy a mark into a key of their own.
    """
    return {str(new_id) for task in tx.tasks.of_step(state.id, kind=REPLACE) if (new_id := task.payload.get("new_id"))}


def unfinished_marks(tx: Transaction, state: StepState) -> list[str]:
    """The marks of replacements that were made, perhaps, and never handed over, by tasks that have ended."""
    ended = tx.tasks.of_step(state.id, TaskStatus.FAILED, TaskStatus.DROPPED, kind=REPLACE)
    return [str(mark) for task in ended for mark in as_list(task.payload.get("marks"))]


def begin(job: Job) -> None:
    """Open the requester's direct message, make the bot's own key, list the keys again, plan one task for each."""
    task = job.task
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(task.incident_id or 0)
        state = tx.steps.get(task.step_id or 0)
        former = tx.vault.newest()
    with job.record() as tx:
        if begins_nothing(tx, task):
            job.done(tx, task)
            return
    if former is not None and former.incident_id != incident.id and former.mailgun_key_id:
        # Written down before the vault's newest key is another one.
        job.note(former=former.mailgun_key_id)
    incident = greet_recipient(job, incident)
    make_own_key(job, incident)
    with job.tools.store.read() as tx:
        unfinished = unfinished_marks(tx, state)
    delete_orphans(job, unfinished, incident.id)
    job.hold()
    keys = job.tools.mailgun.keys()
    scope = job.task.payload.get("scope")
    with job.record() as tx:
        if begins_nothing(tx, task):
            job.done(tx, job.task)
            return
        own, ours = own_key_id(tx), handed_ids(tx, state)
        if isinstance(scope, list):
            wanted = {identity_of(str(subject)) for subject in scope}
            chosen = [key for key in keys if key.id in wanted and key.id != own]
        else:
            chosen = [key for key in keys if key.id != own and key.id not in ours]
        # Of the first attempt: a retry must not end the sessions of those who are turning on 2FA meanwhile.
        before = datetime.fromisoformat(str(task.payload["approved_at"]))
        former_id = job.task.payload.get("former")
        forget_failures(tx, job, task, REPLACE, {key.id for key in chosen})
        tx.tasks.add(plan for key in chosen if (plan := plan_for(key, task, str(former_id), before)) is not None)
        job.done(tx, job.task)


def plan_for(key: ApiKey, task: Task, former_id: str, approved_at: datetime) -> NewTask | None:
    """The task for one listed key, or None where it is left alone (a session from after the approval)."""
    if key.kind is KeyKind.WEB:
        if key.created_at >= approved_at:
            return None
        return NewTask(
            RETIRE,
            f"{RETIRE}:{task.step_id}:{key.id}",
            task.incident_id,
            task.step_id,
            key.id,
            payload={"name": "control panel session", "session": True},
        )
    if key.id == former_id:
        return NewTask(
            RETIRE,
            f"{RETIRE}:{task.step_id}:{key.id}",
            task.incident_id,
            task.step_id,
            key.id,
            payload={"name": key_name(key)},
        )
    payload: Facts = {
        "kind": str(key.kind),
        "role": key.role,
        "description": key.description,
        "domain": key.domain_name,
        "name": key_name(key),
    }
    return NewTask(
        REPLACE, f"{REPLACE}:{task.step_id}:{key.id}", task.incident_id, task.step_id, key.id, payload=payload
    )


def retire_key(job: Job) -> None:
    """Delete a key that gets no replacement."""
    task = job.task
    delete_surely(job, task.subject)
    session = bool(task.payload.get("session"))
    with job.record() as tx:
        now = job.tools.clock.now()
        action = Action.SESSION_DELETED if session else Action.KEY_DELETED
        tx.audit.append(task.incident_id or 0, now, AuditFacts(Actor.BOT, action, str(task.payload["name"])))
        job.done(tx, task)


def replace_keys(job: Job) -> None:
    """Make a replacement for each key, hand them over in one direct message, then delete the old ones."""
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
    handed = [task for task in job.tasks if task.payload.get("new_id")]
    fresh = [task for task in job.tasks if not task.payload.get("new_id")]
    if fresh:
        # Whoever took the requester's role over meanwhile is greeted first, too.
        incident = greet_recipient(job, incident)
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
            payload = merged(r.task.payload, {"new_id": new_ids[r.task.id], "marks": []})
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
        elif others_at_work(tx, job, failed.task):
            job.defer(tx, failed.task, str(failed.error), seconds=1)
        else:
            job.fail(tx, failed.task, NO_ROOM)
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
