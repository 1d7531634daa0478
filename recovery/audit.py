"""The trail: numbered audit entries, each holding the hash of the one before."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

FIRST_HASH = "0" * 64
ENTRIES_A_MESSAGE = 20


class Actor(StrEnum):
    """Who acts when no person does. A person is named by Slack user id instead."""

    BOT = "bot"
    MAILGUN = "mailgun"


class Action(StrEnum):
    """What happened. The export and the thread use the same words."""

    OPENED = "opened the incident"
    COUNTED = "counted the account"
    APPROVED = "approved"
    SKIPPED = "skipped"
    RETRIED = "asked to retry"
    CANCELLED = "cancelled the incident"
    STEP_DONE = "finished"
    STEP_STUCK = "needs attention"
    STEP_OFFERED = "offered another round"
    STEP_OPENED = "opened the step"
    BOT_KEY_MADE = "made the bot's own key"
    KEY_REPLACED = "made a replacement key"
    KEY_DELETED = "deleted the old key"
    ORPHAN_DELETED = "deleted an unfinished key"
    SESSION_DELETED = "deleted a control panel session"
    HANDED_OVER = "handed over"
    HANDOVER_DOUBTFUL = "could not be sure that a handover arrived"
    HANDOVER_WIPED = "wiped a handover"
    HANDOVER_SAVED = "saved a handover"
    HANDOVER_EXPIRED = "wiped an unsaved handover"
    HANDOVER_REMINDED = "reminded about an unsaved handover"
    REISSUED = "asked to issue anew"
    TOOK_OVER = "took over receiving the secrets"
    FAILED = "could not"
    PERSON_TOLD = "told a person"
    PERSON_REMINDED = "reminded a person"
    OBLIGATION_MET = "saw it done"
    OBLIGATION_REOPENED = "saw it undone again"
    OBLIGATION_DROPPED = "saw a user leave the account"
    VOUCHED = "confirmed for a person"
    QUESTIONED = "asked a person whether a change was theirs"
    DISOWNED = "said that a change was not theirs"
    KEPT_REMINDING = "let the last step open while reminders go on"
    NOTED = "noted"
    SUPPORT_TOLD = "told Mailgun Support"
    RECOVERED = "declared the account recovered"
    CLOSED = "closed the incident"


@dataclass(frozen=True)
class AuditFacts:
    """One thing that happened, before it has its place in the chain.

    `private` marks what concerns a person's password or 2FA: the thread shows it without the subject,
    the export and approvers see it whole.
    """

    actor: str
    action: Action
    subject: str = ""
    result: str = ""
    private: bool = False


@dataclass(frozen=True)
class AuditEntry:
    """One line of the trail. `at` is UTC; `hash` covers every other field and `previous`."""

    incident_id: int
    number: int
    at: datetime
    facts: AuditFacts
    previous: str
    hash: str = ""


def chained(incident_id: int, number: int, at: datetime, facts: AuditFacts, previous: str) -> AuditEntry:
    """The entry in its place in the chain, with its hash."""
    entry = AuditEntry(incident_id, number, at, facts, previous)
    return replace(entry, hash=digest(entry))


def digest(entry: AuditEntry) -> str:
    """SHA-256 over the entry's fields in a fixed JSON form, the previous hash included."""
    fields = [
        entry.incident_id,
        entry.number,
        entry.at.isoformat(),
        entry.facts.actor,
        str(entry.facts.action),
        entry.facts.subject,
        entry.facts.result,
        entry.facts.private,
        entry.previous,
    ]
    canonical = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
