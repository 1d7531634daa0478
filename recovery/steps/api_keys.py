"""Step 1: reset the private API key and expire every old one."""

from collections.abc import Mapping
from datetime import datetime

from recovery.account import ApiKey, Inventory, KeyKind
from recovery.content import Confirm
from recovery.handovers import greet_recipient, identity_of
from recovery.jobs import Job, TaskKind
from recovery.keyring import delete_orphans, key_name, make_own_key, mark_of, own_key_id, own_marks, without_orphans
from recovery.refusals import KEYS_PAGE
from recovery.replacing import (
    REPLACE,
    RETIRE,
    SPARE,
    handed_ids,
    replace_keys,
    replaced_already,
    retire_key,
    unfinished_marks,
)
from recovery.state import Facts, Incident, NewTask, StepState, StepStatus, Task, TaskStatus
from recovery.step import (
    HAND_SINCE,
    HandItem,
    Step,
    StepView,
    begins_nothing,
    called_off,
    forget_failures,
    hand_done,
    left_by_decision,
    number,
    recipient_line,
    scope_of,
)
from recovery.store import Transaction
from recovery.text import Bold, Line, Link, count, line

BY_HAND = {
    KeyKind.USER: HandItem("account keys", "account keys: for each a new one made, the old one deleted"),
    KeyKind.DOMAIN: HandItem(
        "sending keys", "sending keys, of every domain: for each a new one made, the old one deleted"
    ),
    KeyKind.WEB: HandItem("sessions", "sessions of the control panel, as far as they are listed there: deleted"),
}
"""What people do by hand where it is not known which keys there are."""


class ApiKeys(Step):
    kind = "api_keys"
    number = 1
    title = "Reset API keys"
    names = ("keys", "api", "api-keys", "key")
    destructive = True
    hands_over = True

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (
            TaskKind(self.begin_kind, lambda job: begin(job, self), "listing the keys"),
            TaskKind(REPLACE, lambda job: replace_keys(job, self), "replacing a key", batch=1000, effect=True),
            TaskKind(RETIRE, lambda job: retire_key(job, self), "deleting a key", effect=True),
            TaskKind(SPARE, lambda job: retire_key(job, self), "deleting a key", effect=True),
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
        total = view.tasks(REPLACE) - view.tasks(REPLACE, TaskStatus.DROPPED)
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
            if task.kind in (REPLACE, RETIRE, SPARE, self.hand_kind)
            and task.subject not in ours
            and task.finished_at is not None
        ]
        when = max(ended, default=state.decided_at or incident.opened_at)
        tx.incidents.set(incident.id, keys_expired_at=when)

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, inventory: Inventory) -> list[str]:
        by_hand = hand_done(tx, self, state)
        ran = by_hand or tx.tasks.of_step(state.id, TaskStatus.DONE, kind=REPLACE)
        if state.status is StepStatus.SKIPPED and not ran:
            # It never ran: leaving everything as it was is what was decided.
            return []
        ours = handed_ids(tx, state)
        own = own_key_id(tx)
        left = left_by_decision(state)
        return [
            key.id
            for key in inventory.keys
            if key.kind is not KeyKind.WEB
            and key.id != own
            and key.id not in ours
            and key.id not in left
            and not made_by_hand(key, state, by_hand)
        ]

    def hand_instructions(self) -> list[Line]:
        return [
            line("Open ", Link(KEYS_PAGE, "API Security"), " (your profile at the top right)."),
            line(
                "For each key that is in use: ", Bold("Add new key"), ", with the same role. It is shown once, there."
            ),
            line(
                "Sending keys: ",
                Bold("Send > Sending > Domain settings > Sending keys"),
                ", for each domain by itself.",
            ),
            line("Give the new key to what uses the old one; then delete the old one with the bin beside it."),
            line("The bot hands nothing over for these: whoever makes a key is shown it, once."),
        ]

    def hand_items(self, tx: Transaction, incident: Incident, state: StepState) -> list[HandItem]:
        return list(BY_HAND.values())

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


def of_kind(kind: KeyKind) -> str:
    """The subject of the item that stands for all keys of that kind."""
    return BY_HAND[kind].subject


def made_by_hand(key: ApiKey, state: StepState, done: Mapping[str, datetime]) -> bool:
    """Whether people made this key when they did the step by hand: while they were at keys of its kind.

    Mailgun does not show who made a key; that it is one of theirs is their word, and an old one is none.
    """
    since = state.facts.get(HAND_SINCE)
    others = {of_kind(kind) for kind in KeyKind if kind is not key.kind}
    ended = [at for subject, at in done.items() if subject not in others]
    if not ended or not isinstance(since, str):
        return False
    # Mailgun dates keys by the second.
    return datetime.fromisoformat(since).replace(microsecond=0) <= key.created_at <= max(ended)


def begin(job: Job, step: Step) -> None:
    """Open the requester's direct message, make the bot's own key, list the keys again, plan one task for each."""
    task = job.task
    with job.tools.store.read() as tx:
        incident = tx.incidents.get(task.incident_id or 0)
        state = tx.steps.get(task.step_id or 0)
        former = tx.vault.newest()
        is_off = begins_nothing(tx, task)
    if is_off:
        # What it made before the incident was cancelled, and did not get into the vault.
        delete_orphans(job, own_marks(task), incident.id)
    if called_off(job):
        return
    if former is not None and former.incident_id != incident.id and former.mailgun_key_id:
        # Written down before the vault's newest key is another one.
        job.note(former=former.mailgun_key_id, was_given=former.incident_id is None)
    incident = greet_recipient(job, incident)
    make_own_key(job, incident)
    with job.tools.store.read() as tx:
        unfinished = unfinished_marks(tx, state)
    job.hold()
    keys = without_orphans(job, job.tools.mailgun.keys(), unfinished, incident.id)
    scope = job.task.payload.get("scope")
    with job.record() as tx:
        if begins_nothing(tx, task):
            job.done(tx, job.task)
            return
        own, ours = own_key_id(tx), handed_ids(tx, state)
        former_id = job.task.payload.get("former")
        if isinstance(scope, list):
            wanted = {identity_of(str(subject)) for subject in scope}
            if job.task.payload.get("was_given"):
                # It is none of those that were listed before it was.
                wanted.add(str(former_id))
            chosen = [key for key in keys if key.id in wanted and key.id != own]
        else:
            by_hand = hand_done(tx, step, tx.steps.get(state.id))
            chosen = [
                key
                for key in keys
                if key.id not in (own, *ours) and (of_kind(key.kind) not in by_hand or key.id == former_id)
            ]
        # Of the first attempt: a retry must not end the sessions of those who are turning on 2FA meanwhile.
        before = datetime.fromisoformat(str(task.payload["approved_at"]))
        forget_failures(tx, job, task, REPLACE, {key.id for key in chosen})
        replaced = replaced_already(tx, state)
        plans = [plan_for(key, task, former_id == key.id, replaced.get(key.id), before) for key in chosen]
        tx.tasks.add(plan for plan in plans if plan is not None)
        job.done(tx, job.task)


def plan_for(key: ApiKey, task: Task, is_former: bool, new_id: str | None, approved_at: datetime) -> NewTask | None:
    """The task for one listed key, or None where it is left alone (a session from after the approval).

    `is_former` is the bot's key of an earlier incident, or one that it was given since; `new_id` is its replacement
    where one was handed over.
    """
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
    if is_former:
        return NewTask(
            SPARE,
            f"{SPARE}:{task.step_id}:{key.id}",
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
        "new_id": new_id,
    }
    return NewTask(
        REPLACE, f"{REPLACE}:{task.step_id}:{key.id}", task.incident_id, task.step_id, key.id, payload=payload
    )
