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
    PERSON = "person"
    """Somebody in their own matter, whose name is not for the thread: `whom` says who."""


class Action(StrEnum):
    """What happened. The export and the thread use the same words."""

    OPENED = "opened the incident"
    APPROVED = "approved"
    LOOKED = "looked through"
    FOUND = "marked as suspicious"
    FINDING_GONE = "no longer finds"
    EXPECTED = "said that it is expected:"
    CONFIRMED_ATTACK = "said that it was the attack:"
    REMOVAL_APPROVED = "approved removing"
    THING_REMOVED = "removed"
    PUT_BACK_APPROVED = "approved putting back"
    THING_RESTORED = "put back"
    MADE_ANEW = "asked to make anew what was removed:"
    SKIPPED = "skipped"
    RETRIED = "asked to retry what failed in"
    LEFT_OUT = "left out a part of"
    INCLUDED = "included again a part of"
    CANCELLED = "cancelled the incident"
    STEP_DONE = "finished"
    STEP_STUCK = "needs help with"
    STEP_OFFERED = "offers another round of"
    STEP_OPENED = "opened"
    BOT_KEY_MADE = "made a key of its own:"
    KEY_REPLACED = "made and handed over a replacement of the key"
    KEY_DELETED = "deleted the old key"
    ORPHAN_DELETED = "deleted a key that it had not finished:"
    SESSION_DELETED = "ended a"
    QUEUE_DELETED = "deleted the queued mail of"
    HANDED_OVER = "handed over"
    HANDOVER_DOUBTFUL = "could not be sure of the arrival of"
    HANDOVER_WIPED = "wiped"
    HANDOVER_SAVED = "saved"
    HANDOVER_EXPIRED = "gave up waiting for somebody to save"
    HANDOVER_REMINDED = "reminded to save"
    REISSUED = "asked to issue anew in"
    SET_AGAIN = "was held up too long and does once more a part of"
    TOOK_OVER = "took over receiving the secrets from"
    FAILED = "has trouble with"
    NOT_REACHED = "could not write to a person"
    PERSON_TOLD = "told a person"
    PERSON_REMINDED = "reminded a person"
    OBLIGATION_MET = "shows a person's part as done"
    OBLIGATION_REOPENED = "shows a person's part as undone again"
    OBLIGATION_DROPPED = "no longer lists a user"
    VOUCHED = "confirmed for a person"
    QUESTIONED = "asked a person whether a change was theirs"
    SAID_DONE = "says that their part is done"
    EXCUSED = "stopped the reminders to a person"
    PUT_OFF = "asked to be reminded later"
    CANNOT = "says that they cannot do their part"
    URGED = "had a person reminded at once"
    IDENTIFIED = "said who a user is"
    BY_HAND = "tells a person themself"
    LEAVING = "said that a user has left"
    REQUESTER_TOLD = "told the requester who is left"
    OWNED = "said that a change was theirs"
    DISOWNED = "said that a change was not theirs"
    RENEWED = "made and handed over a new"
    ROOM_MADE = "deletes first, because the plan allows no further key, the"
    ROOM_CHOSEN = "lets a key be deleted before its replacement:"
    OWN_KEY_NAMED = "said which key the bot works with:"
    GIVEN_KEY_TAKEN = "works with the key that it was given:"
    KEPT_REMINDING = "lets the last step open before the end of"
    NOTED = "noted"
    SUPPORT_TOLD = "told Mailgun Support"
    EXPORTED = "exported"
    RECOVERED = "declared the account recovered"
    CLOSED = "closed the incident"
    KEY_GIVEN = "gave the bot a new key"
    BY_HAND_BEGUN = "goes on by hand with"
    DID_BY_HAND = "did by hand"
    LET_BOT = "lets the bot do the rest of"
    LOOKED_BY_HAND = "looked through the account by hand"
    SAID_WORKS = "says that the account works again"
    TAKEN_UP = "looks after the people again:"
    SCAN_ASKED = "asked to scan repositories:"
    SCANNED = "scanned the repositories"
    LEAK_FOUND = "found a leaked"
    SOURCE_FOUND = "found the likely source of the leak, with"
    CHECKED = "checked off"


@dataclass(frozen=True)
class AuditFacts:
    """One thing that happened, before it has its place in the chain.

    `actor` is an `Actor` or a Slack user id; `whom` is the Slack user id of whoever it was done to, if anybody.
    `private` marks what concerns a person's password or 2FA: the thread shows it without `subject` and `whom`;
    the export and approvers see it whole.
    """

    actor: str
    action: Action
    subject: str = ""
    result: str = ""
    private: bool = False
    whom: str = ""


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
        entry.facts.whom,
        entry.previous,
    ]
    canonical = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
