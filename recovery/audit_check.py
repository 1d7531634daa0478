"""Whether the trail is as it was written: its chain in the database, and its copies in Slack. Pure.

Whoever can write to the database can make a whole new chain, and whoever holds the bot's token can edit its messages.
So the two are compared: an entry that was changed on one side differs on the other. What each side can prove about
the other decides how surely a sentence here says where the change was made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from recovery.audit import FIRST_HASH, AuditEntry, digest
from recovery.ports import TrailMessage
from recovery.text import count

Unlike = Callable[[str, Sequence[AuditEntry]], AuditEntry | None]
"""`Messenger.unlike`: the first of these entries that a message does not show as it would be drawn."""


@dataclass(frozen=True)
class Fault:
    """The first entry, seen from one side, that is not as it was: its number, and what is wrong in a sentence."""

    number: int
    says: str


@dataclass(frozen=True)
class Kept:
    """What the database keeps of one incident's trail. `counted` is how many entries the incident says it has."""

    identity: str
    incident_id: int
    counted: int
    entries: Sequence[AuditEntry]


@dataclass(frozen=True)
class Copy:
    """What stands in one place in Slack. `where` is its word in the messages' keys, `name` the one for people.

    `posted` are the numbers that the database knew to be posted there before the place was read, each with the `ts`
    of its message, empty where that is not known.
    """

    name: str
    where: str
    messages: Sequence[TrailMessage]
    posted: Mapping[int, str]


@dataclass(frozen=True)
class Compared:
    """How a copy compares: its fault if it has one, what else is worth knowing, and how many entries stand there."""

    fault: Fault | None
    notes: tuple[str, ...]
    entries: int
    messages: int


# --- The chain ------------------------------------------------------------------------------------------


def chain_fault(kept: Kept) -> Fault | None:
    """The first entry in the database that does not follow on the one before; None if the chain is whole."""
    previous = FIRST_HASH
    for number, entry in enumerate(kept.entries, start=1):
        if entry.number != number:
            return _gap(number, entry.number)
        if entry.hash != digest(entry):
            return Fault(number, f"Entry {number} was changed in the database: its hash does not fit what it says.")
        if entry.previous != previous:
            return Fault(number, _not_following(number))
        previous = entry.hash
    return _end(kept.counted, len(kept.entries))


def _gap(expected: int, found: int) -> Fault:
    if found < expected:
        return Fault(found, f"Entry {found} was inserted into the database: numbers begin with 1.")
    return Fault(expected, f"Entry {expected} was removed from the database: entry {found} comes next.")


def _not_following(number: int) -> str:
    if number == 1:
        return "Entry 1 was changed in the database: it names an entry before it, and there is none."
    return (
        f"Entry {number} does not follow on entry {number - 1} in the database: one of them was written anew, with a "
        "hash made to fit it."
    )


def _end(counted: int, found: int) -> Fault | None:
    if counted > found:
        gone = _numbers(range(found + 1, counted + 1))
        return Fault(found + 1, f"{gone} removed from the end of the database: the incident counts {counted}.")
    if counted < found:
        more = _numbers(range(counted + 1, found + 1))
        return Fault(counted + 1, f"{more} inserted at the end of the database: the incident counts {counted}.")
    return None


# --- A copy ---------------------------------------------------------------------------------------------


def compare(kept: Kept, copy: Copy, unlike: Unlike) -> Compared:
    """Hold a copy against the database, number by number, and then word by word."""
    prefix = f"{kept.identity}:{kept.incident_id}:{copy.where}:"
    ours = [message for message in copy.messages if message.is_ours and message.key.startswith(prefix)]
    shown: dict[int, list[tuple[str, TrailMessage]]] = {}
    for message in ours:
        for number, found in message.hashes.items():
            shown.setdefault(number, []).append((found, message))
    comparison = _Comparison(kept, copy, shown)
    faults = [comparison.first_hash(), comparison.first_words(ours, unlike)]
    fault = min((fault for fault in faults if fault), key=lambda fault: fault.number, default=None)
    notes = [*_notes(kept, copy, ours), *comparison.waiting()]
    return Compared(fault, tuple(notes), len(shown), len(ours))


class _Comparison:
    """One copy beside the database. Only what the database says itself without a contradiction is held against it."""

    def __init__(
        self,
        kept: Kept,
        copy: Copy,
        shown: Mapping[int, Sequence[tuple[str, TrailMessage]]],
    ) -> None:
        self._kept = {entry.number: entry for entry in kept.entries}
        self._whole = chain_fault(kept) is None
        self._place = copy.name
        self._shown = shown
        self._as_posted = copy.posted
        # Entries are posted in order: what comes before one that stands there was posted too.
        last = max((number for number in shown if number in self._kept), default=0)
        self._posted = {*copy.posted, *range(min(copy.posted, default=1), last + 1)}

    def first_hash(self) -> Fault | None:
        """The first number that one side lacks, that stands there twice, or whose hashes differ."""
        for number in sorted({*self._kept, *self._shown, *self._posted}):
            entry, found = self._kept.get(number), self._shown.get(number, ())
            says = self._missing(number) if not found else self._wrong(number, entry, found)
            if says:
                return Fault(number, says)
        return None

    def first_words(self, messages: Iterable[TrailMessage], unlike: Unlike) -> Fault | None:
        """The first entry whose numbers and hashes agree while the message says something else."""
        faults = []
        for message in messages:
            entries = [self._kept[number] for number in sorted(message.hashes) if number in self._kept]
            sound = all(entry.hash == digest(entry) == message.hashes[entry.number] for entry in entries)
            if not sound or len(entries) < len(message.hashes) or not entries:
                continue
            entry = unlike(message.shown, entries)
            if entry is not None:
                says = (
                    f"Entry {entry.number} reads otherwise in {self._place} than in the database, with the same hash: "
                    f"the message's words were edited ({message.ts})."
                )
                faults.append(Fault(entry.number, says))
        return min(faults, key=lambda fault: fault.number, default=None)

    def waiting(self) -> list[str]:
        """Entries that are only on their way there."""
        waiting = sorted(set(self._kept) - set(self._shown) - self._posted)
        many = count(len(waiting), "entry is", "entries are")
        return [f"{many} not in {self._place} yet: {_range(waiting)}."] if waiting else []

    def _missing(self, number: int) -> str | None:
        if number not in self._posted:
            return None
        if number not in self._kept:
            return f"Entry {number} was posted, and is neither in the database nor in {self._place}: it was removed."
        beyond = number > max(self._shown, default=0)
        inserted = "; or it was inserted into the database" if beyond else ""
        return (
            f"Entry {number} is in the database and was posted, but is not in {self._place}: its message was deleted, "
            f"or its metadata was changed{inserted}."
        )

    def _wrong(self, number: int, entry: AuditEntry | None, found: Sequence[tuple[str, TrailMessage]]) -> str | None:
        if entry is None:
            return self._only_shown(number)
        if len(found) > 1:
            at = ", ".join(message.ts for _, message in found)
            return f"Entry {number} stands more than once in {self._place}: a message was inserted there ({at})."
        shown, message = found[0]
        return None if shown == entry.hash else self._differs(number, entry, message)

    def _only_shown(self, number: int) -> str:
        if number < max(self._kept, default=0):
            return f"Entry {number} is in {self._place} and not in the database: it was removed from the database."
        return (
            f"Entry {number} is in {self._place} and not in the database: it was removed from the end of the "
            f"database, or inserted in {self._place}."
        )

    def _differs(self, number: int, entry: AuditEntry, message: TrailMessage) -> str:
        """Where the hashes of an entry differ: which side was changed, as surely as it can be told.

        A hash covers all the entries before it. So if a later one is the same on both sides, the database's entries
        up to it are what they were, as long as their chain is whole, and the copy was changed.
        """
        differs = f"Entry {number} has another hash in {self._place} than in the database: "
        if entry.hash != digest(entry):
            return f"{differs}the database's side was changed; it does not fit its own hash."
        later = [n for n in self._shown if n > number and n in self._kept]
        if self._whole and any(self._shown[n][0][0] == self._kept[n].hash for n in later):
            return f"{differs}the side of {self._place} was changed, for later entries agree ({message.ts})."
        why = "was edited" if message.is_edited else "is not the one that the bot posted"
        if message.is_edited or self._as_posted.get(number, "") not in ("", message.ts):
            return f"{differs}most likely the side of {self._place} was changed; its message {why} ({message.ts})."
        return (
            f"{differs}most likely the database's side was changed there (an entry changed, removed or inserted, and "
            f"all later hashes made anew), for the message is as the bot posted it ({message.ts})."
        )


def _notes(kept: Kept, copy: Copy, ours: Sequence[TrailMessage]) -> list[str]:
    """What is no fault by itself, and worth knowing."""
    own = [message for message in copy.messages if message.is_ours]
    firsts = [min(message.hashes) for message in ours if message.hashes]
    reposted = [m for m in ours if any(copy.posted.get(n, "") not in ("", m.ts) for n in m.hashes)]
    found = {
        "Metadata like the trail's, not counted, in somebody else's": [m for m in copy.messages if not m.is_ours],
        "Without any metadata: the bot's own": [message for message in own if not message.key],
        "Of another database, not counted:": [
            message for message in own if message.key and not message.key.startswith(f"{kept.identity}:")
        ],
        "With metadata that cannot be read:": [message for message in ours if not message.hashes],
        "Edited after it was posted:": [message for message in ours if message.is_edited],
        "Not where the bot posted it:": reposted,
        "Not in the order of their entries:": ours if firsts != sorted(firsts) else [],
    }
    return [f"{what} {_messages(messages)} in {copy.name}." for what, messages in found.items() if messages]


def _messages(messages: Sequence[TrailMessage]) -> str:
    return f"{count(len(messages), 'message')} ({', '.join(message.ts for message in messages[:3])})"


def _numbers(numbers: Sequence[int]) -> str:
    return f"Entry {numbers[0]} was" if len(numbers) == 1 else f"Entries {numbers[0]} to {numbers[-1]} were"


def _range(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
