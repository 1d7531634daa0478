"""Decisions, the trail and the messages: each once, none lost, in order."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from drill.ordering import JsonObject
from handlers.actions import clicked
from handlers.commands import typed
from handlers.views import submitted
from recovery.audit import FIRST_HASH, Action, AuditEntry, digest
from recovery.state import NewRequest
from recovery.steps import STEPS
from tests.crashes.findings import Aftermath, Finding, Harm, found

_MOVES = {
    Action.APPROVED,
    Action.SKIPPED,
    Action.RETRIED,
    Action.STEP_DONE,
    Action.STEP_STUCK,
    Action.STEP_OFFERED,
    Action.STEP_OPENED,
    Action.LEFT_OUT,
    Action.INCLUDED,
}
"""Entries about a step by its label, each of which moved that step once."""

_MAY_MOVE = {Action.REISSUED, Action.SET_AGAIN}
"""The same, of which each moved a step that had ended, and left one that ran where it was."""

_ONCE_A_SUBJECT = (
    Action.HANDED_OVER,
    Action.HANDOVER_SAVED,
    Action.HANDOVER_EXPIRED,
    Action.HANDOVER_DOUBTFUL,
    Action.HANDOVER_WIPED,
    Action.KEY_REPLACED,
    Action.KEY_DELETED,
    Action.ORPHAN_DELETED,
    Action.NOTED,
    Action.QUEUE_DELETED,
)
_MORE = "reply that adds something"
"""A reply under a person's message has the kind of a reminder; one that adds something tells them of it."""

_TOLD_OF_A_MESSAGE = {
    ("checklist", _MORE): (Action.PERSON_TOLD,),
    ("reminder",): (Action.PERSON_REMINDED, Action.HANDOVER_REMINDED),
}
_ONCE = (Action.OPENED, Action.BOT_KEY_MADE, Action.SUPPORT_TOLD, Action.RECOVERED, Action.CLOSED)
_OPENED_A_FORM = "views.open"


def finished(after: Aftermath) -> list[Finding]:
    """Nothing is left undone, nothing failed, and every request was judged."""
    run = after.run
    tasks = run.rows("SELECT kind, subject, status, failure FROM tasks WHERE status NOT IN ('done', 'dropped')")
    requests = run.rows("SELECT id, action FROM requests WHERE outcome IS NULL OR outcome = 'waiting'")
    sending = run.rows("SELECT number FROM handovers WHERE status IN ('planned', 'sending')")
    return found(
        Harm.LOST,
        [
            *(f"the task {kind} {subject} is {status}: {failure}" for kind, subject, status, failure in tasks),
            *(f"request {number} ({action}) was never judged" for number, action in requests),
            *(f"handover {number} was begun and never ended" for (number,) in sending),
        ],
    )


def taken(after: Aftermath) -> list[Finding]:
    """Whatever was acknowledged had been stored, save clicks that opened a form, and forms that were given back."""
    calls = [entry for entry in after.slack_log if entry["kind"] == "call" and entry["method"] == _OPENED_A_FORM]
    opened = {call["body"].get("trigger_id") for call in calls if call["ok"]}
    asked = [
        _request(entry)
        for entry in after.slack_log
        if entry["kind"] == "event"
        and entry["state"] == "acknowledged"
        and entry["payload"].get("trigger_id") not in opened
        and not (entry["response"] or {}).get("response_action")
    ]
    stored = {row[0] for row in after.run.rows("SELECT dedupe FROM requests")}
    told = Counter(request.dedupe for request in asked)
    lost = [f"{r.user_id}'s “{r.action}” was acknowledged, and not stored" for r in asked if r.dedupe not in stored]
    lost += [f"{times} requests were acknowledged as one: {dedupe}" for dedupe, times in told.items() if times > 1]
    return found(Harm.LOST, lost)


def _request(event: JsonObject) -> NewRequest:
    """What the bot makes of an event."""
    payload, at = event["payload"], datetime.fromtimestamp(event["at"], UTC)
    match payload.get("type"):
        case "block_actions":
            return clicked(payload, at)
        case "view_submission":
            return submitted(payload, at)
    return typed(payload, at)


def decisions(after: Aftermath) -> list[Finding]:
    """Each decision took effect once for each version of its step."""
    return found(Harm.REPEATED, _repeated_subjects(after.entries)) + _versions(after)


def _repeated_subjects(entries: list[AuditEntry]) -> Iterator[str]:
    once = Counter((entry.incident_id, entry.facts.action) for entry in entries if entry.facts.action in _ONCE)
    each = Counter(
        (entry.incident_id, entry.facts.action, entry.facts.subject)
        for entry in entries
        if entry.facts.action in _ONCE_A_SUBJECT
    )
    for what, times in [*once.items(), *each.items()]:
        if times > 1:
            yield f"“{' '.join(map(str, what[1:]))}” is in the trail {times} times"


def _versions(after: Aftermath) -> list[Finding]:
    """A step's version grows by one with each move, and each move is told by one entry."""
    findings = []
    labels = {step.kind: step.label for step in STEPS}
    rows = after.run.rows("SELECT incident_id, kind, version, status, number FROM steps")
    for incident_id, kind, version, status, number in rows:
        mine = [entry.facts for entry in after.entries if entry.incident_id == incident_id]
        about = [facts.action for facts in mine if facts.subject == labels[str(kind)]]
        least = sum(action in _MOVES for action in about)
        # Two moves are told in words of their own: Support was told, and the last half of the note.
        least += sum(facts.action is Action.SUPPORT_TOLD for facts in mine) if kind == "tell_support" else 0
        least += 1 if kind == "note" and status == "done" else 0
        # Whoever takes another step up again locks the last one again, without a word.
        most = least + sum(action in _MAY_MOVE or action is Action.STEP_OPENED for action in about)
        moved = int(str(version)) - 1
        if not least <= moved <= most:
            harm = Harm.REPEATED if moved < least else Harm.LOST
            findings.append(Finding(harm, f"step {number} moved {moved} times, and the trail tells of {most}"))
    return findings


# --- The trail ------------------------------------------------------------------------------------------


def chain(after: Aftermath) -> list[Finding]:
    """The entries are numbered without a gap, and each holds the hash of the one before."""
    wrong = []
    previous: dict[int, AuditEntry] = {}
    for entry in after.entries:
        last = previous.get(entry.incident_id)
        number, holds = (1, FIRST_HASH) if last is None else (last.number + 1, last.hash)
        if (entry.number, entry.previous, entry.hash) != (number, holds, digest(entry)):
            wrong.append(f"entry {entry.number} does not follow from the one before")
        previous[entry.incident_id] = entry
    counted = {row[0]: row[1] for row in after.run.rows("SELECT id, audit_count FROM incidents")}
    kept = {incident: entry.number for incident, entry in previous.items()}
    if counted != kept:
        wrong.append(f"there are {kept} entries by incident, and {counted} were counted")
    return found(Harm.LOST, wrong)


def thread(after: Aftermath) -> list[Finding]:
    """Each entry is in the thread exactly once and in order, by the numbers and hashes of its message."""
    wrong, twice = [], []
    rows = after.run.rows("SELECT id, thread_ts FROM incidents")
    for incident_id, thread_ts in rows:
        messages = [m for m in after.shown if m.kind == "audit" and m.payload.get("incident") == incident_id]
        there = [
            (number, digest_there)
            for m in sorted(messages, key=lambda m: float(m.ts))
            for number, digest_there in zip(
                range(m.payload["first"], m.payload["last"] + 1), m.payload["hashes"], strict=False
            )
        ]
        kept = [(entry.number, entry.hash) for entry in after.entries if entry.incident_id == incident_id]
        twice += [f"entry {entry[0]} is in the thread twice" for entry, times in Counter(there).items() if times > 1]
        wrong += [f"entry {entry[0]} is not in the thread" for entry in kept if entry not in there]
        if not wrong and not twice and there != kept:
            wrong.append("the thread has the entries in another order")
        wrong += [f"{m.key} is not in the thread of its incident" for m in messages if m.thread_ts != thread_ts]
    return found(Harm.LOST, wrong) + found(Harm.REPEATED, twice)


# --- Messages -------------------------------------------------------------------------------------------


def messages(after: Aftermath) -> list[Finding]:
    """No two messages with one marker stand; each step has its card; each reminder and request is told of once."""
    marked = Counter((message.kind, message.key) for message in after.shown if message.kind)
    twice = [f"the {kind} {key} stands {times} times" for (kind, key), times in marked.items() if times > 1]
    kinds = Counter(kind for kind, _ in marked)
    wanted = {"board": len(after.run.rows("SELECT id FROM incidents")), "step": len(_steps(after))}
    missing = [f"{many - kinds[kind]} of {many} are missing: {kind}" for kind, many in wanted.items()]
    missing = [words for words in missing if not words.startswith("0 ")]
    added = sum(kind == "reminder" and ":more-" in key for kind, key in marked)
    kinds.update({_MORE: added, "reminder": -added})
    for of, actions in _TOLD_OF_A_MESSAGE.items():
        told, stand = sum(entry.facts.action in actions for entry in after.entries), sum(kinds[kind] for kind in of)
        if told < stand:
            missing.append(f"{stand} messages stand ({of[0]}), and the trail tells of {told}")
        elif told > stand:
            twice.append(f"the trail tells of {told} messages ({of[0]}), and {stand} stand")
    return found(Harm.REPEATED, twice) + found(Harm.LOST, missing)


def _steps(after: Aftermath) -> list[tuple[object, ...]]:
    return after.run.rows("SELECT id FROM steps")
