"""Whatever is changed in the trail afterwards, on either side, is named: the first entry, and where."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recovery.audit import FIRST_HASH, Action, AuditEntry, chained, digest
from recovery.audit_check import Compared, Copy, Fault, Kept, chain_fault, compare
from recovery.ports import TrailMessage
from tests.recovery.builders import entries, facts

MANY = 8
TRUE = tuple(entries(*(facts(Action.NOTED, f"note {number}") for number in range(1, MANY + 1))))

Entries = tuple[AuditEntry, ...]
Messages = tuple[TrailMessage, ...]


# --- Both sides as the bot leaves them --------------------------------------------------------------------


def words(those: Sequence[AuditEntry]) -> str:
    return "\n".join(entry.facts.subject for entry in those)


def unlike(shown: str, those: Sequence[AuditEntry]) -> AuditEntry | None:
    lines = [*shown.split("\n"), *[""] * len(those)]
    return next((e for e, line in zip(those, lines, strict=False) if e.facts.subject != line), None)


def message(first: int, last: int, those: Entries = TRUE) -> TrailMessage:
    held = [entry for entry in those if first <= entry.number <= last]
    hashes = {entry.number: entry.hash for entry in held}
    return TrailMessage(f"{100 + first}.0", True, f"db:7:thread:{first}-{last}", hashes, shown=words(held))


THREAD = (message(1, 2), message(3, 3), message(4, 6), message(7, 8))


def thread(messages: Messages = THREAD, posted: int = MANY) -> Copy:
    known = {number: each.ts for each in THREAD for number in each.hashes}
    return Copy("the thread", "thread", messages, {number: known[number] for number in range(1, posted + 1)})


def kept(those: Entries = TRUE, counted: int | None = None) -> Kept:
    return Kept("db", 7, len(those) if counted is None else counted, those)


def compared(database: Kept, copy: Copy) -> Compared:
    return compare(database, copy, unlike)


def first(*faults: Fault | None) -> Fault | None:
    return min((fault for fault in faults if fault), key=lambda fault: fault.number, default=None)


# --- What somebody does to the database ---------------------------------------------------------------------


def without(*numbers: int) -> Callable[[Entries], Entries]:
    return lambda those: tuple(entry for entry in those if entry.number not in numbers)


def reworded(number: int) -> Callable[[Entries], Entries]:
    """The words of an entry are changed, its hash is not."""
    return lambda those: tuple(
        replace(e, facts=replace(e.facts, subject="other")) if e.number == number else e for e in those
    )


def rehashed(number: int) -> Callable[[Entries], Entries]:
    """The words of an entry are changed, and its hash fits them; the next one's is as it was."""

    def change(those: Entries) -> Entries:
        return tuple(replace(e, hash=digest(e)) if e.number == number else e for e in reworded(number)(those))

    return change


def chained_anew(those: Sequence[AuditEntry]) -> Entries:
    """All numbers and hashes made anew, as a bot that had written these entries would have."""
    again: list[AuditEntry] = []
    for number, entry in enumerate(those, start=1):
        again.append(chained(7, number, entry.at, entry.facts, again[-1].hash if again else FIRST_HASH))
    return tuple(again)


def rewritten(number: int) -> Callable[[Entries], Entries]:
    return lambda those: chained_anew(reworded(number)(those))


def taken_out(number: int) -> Callable[[Entries], Entries]:
    return lambda those: chained_anew(without(number)(those))


def put_in(number: int) -> Callable[[Entries], Entries]:
    """An entry more after the one with that number, and all hashes from there on made anew."""
    return lambda those: chained_anew([*those[:number], those[0], *those[number:]])


# --- What somebody does to the thread -----------------------------------------------------------------------


def deleted(*which: int) -> Callable[[Messages], Messages]:
    return lambda messages: tuple(each for index, each in enumerate(messages) if index not in which)


def edited(which: int, **fields: Any) -> Callable[[Messages], Messages]:
    fields = {"is_edited": True, **fields}
    return lambda messages: tuple(
        replace(each, **fields) if index == which else each for index, each in enumerate(messages)
    )


def added(*more: TrailMessage) -> Callable[[Messages], Messages]:
    return lambda messages: (*messages, *more)


def other_hashes(each: TrailMessage, *numbers: int) -> dict[int, str]:
    return {number: "f" * 64 if number in numbers else found for number, found in each.hashes.items()}


def as_is(side: object) -> object:
    return side


# --- The trail that nobody touched --------------------------------------------------------------------------


def test_an_untouched_trail_is_fine_on_both_sides() -> None:
    found = compared(kept(), thread())

    assert (chain_fault(kept()), found.fault, found.notes) == (None, None, ())
    assert (found.entries, found.messages) == (MANY, 4)


def test_an_empty_trail_is_fine() -> None:
    assert chain_fault(kept(())) is None
    assert compared(kept(()), Copy("the thread", "thread", (), {})).fault is None


def test_entries_that_are_on_their_way_to_the_thread_are_told_and_no_fault() -> None:
    found = compared(kept(), thread(THREAD[:2], posted=3))

    assert found.fault is None
    assert found.notes == ("5 entries are not in the thread yet: 4 to 8.",)


def test_what_was_posted_while_it_was_read_is_no_fault() -> None:
    assert compared(kept(), thread(THREAD, posted=3)).fault is None


# --- Tamperings -----------------------------------------------------------------------------------------------

THREAD_CHANGED = "the side of the thread was changed"
DATABASE_CHANGED = "most likely the database's side was changed"

TAMPERINGS = {
    # name: what is done to the database, what to the thread, the entry that is named, words of the sentence
    "an entry's words in the database": (reworded(5), as_is, 5, "changed in the database"),
    "an entry and its own hash": (rehashed(5), as_is, 5, DATABASE_CHANGED),
    "an entry and all later hashes": (rewritten(5), as_is, 5, DATABASE_CHANGED),
    "the first entry and all hashes": (rewritten(1), as_is, 1, DATABASE_CHANGED),
    "the last entry and its hash": (rewritten(8), as_is, 8, DATABASE_CHANGED),
    "an entry is removed": (without(5), as_is, 5, "removed from the database"),
    "the first entry is removed": (without(1), as_is, 1, "removed from the database"),
    "an entry is removed, numbers and hashes made anew": (taken_out(5), as_is, 5, DATABASE_CHANGED),
    "the last entries are removed": (without(7, 8), as_is, 7, "removed from the end of the database"),
    "an entry is inserted, numbers and hashes made anew": (put_in(4), as_is, 5, DATABASE_CHANGED),
    "an entry is inserted before the first": (
        lambda those: (replace(those[0], number=0), *those),
        as_is,
        0,
        "inserted into the database",
    ),
    "a message is deleted": (as_is, deleted(1), 3, "is not in the thread: its message was deleted"),
    "the first message is deleted": (as_is, deleted(0), 1, "is not in the thread"),
    "the last message is deleted": (as_is, deleted(3), 7, "is not in the thread"),
    "every message is deleted": (as_is, deleted(0, 1, 2, 3), 1, "is not in the thread"),
    "a message's metadata is taken away": (as_is, edited(2, key="", hashes={}), 4, "is not in the thread"),
    "a message's metadata cannot be read": (as_is, edited(2, hashes={}), 4, "is not in the thread"),
    "a message says that it is another incident's": (
        as_is,
        edited(2, key="db:8:thread:4-6"),
        4,
        "is not in the thread",
    ),
    "a hash in the thread": (as_is, edited(2, hashes=other_hashes(THREAD[2], 5)), 5, THREAD_CHANGED),
    "a hash in the thread, without a mark": (
        as_is,
        edited(2, hashes=other_hashes(THREAD[2], 5), is_edited=False),
        5,
        THREAD_CHANGED,
    ),
    "the last hashes in the thread": (
        as_is,
        edited(3, hashes=other_hashes(THREAD[3], 7, 8)),
        7,
        f"most likely {THREAD_CHANGED}; its message was edited",
    ),
    "the last message is deleted and another posted": (
        as_is,
        lambda messages: (*messages[:3], replace(THREAD[3], ts="999.0", hashes=other_hashes(THREAD[3], 7, 8))),
        7,
        f"most likely {THREAD_CHANGED}; its message is not the one that the bot posted",
    ),
    "a message's words": (as_is, edited(2, shown="note 4\nsomething else\nnote 6"), 5, "reads otherwise in the thread"),
    "a message's words, without a mark": (as_is, edited(1, shown="nothing", is_edited=False), 3, "words were edited"),
    "an entry twice": (as_is, added(replace(message(4, 6), ts="999.0")), 4, "more than once in the thread"),
    "an entry that never was, in the thread": (
        as_is,
        added(TrailMessage("999.0", True, "db:7:thread:9-9", {9: "f" * 64})),
        9,
        "or inserted in the thread",
    ),
    "an entry that never was, in the database": (
        lambda those: chained_anew([*those, those[0]]),
        as_is,
        9,
        "or it was inserted into the database",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampering_is_named_by_its_first_entry(name: str) -> None:
    to_database, to_thread, number, says = TAMPERINGS[name]
    database = kept(to_database(TRUE))
    copy = thread(to_thread(THREAD))
    if name.endswith("in the database"):
        # Whoever inserts an entry at the end must also say that it was posted, or the bot posts it.
        copy = replace(copy, posted={**copy.posted, 9: ""})
    fault = first(chain_fault(database), compared(database, copy).fault)

    assert fault is not None
    assert fault.number == number
    assert says in fault.says
    assert fault.says.startswith(f"Entry {number} ") or fault.says.startswith(f"Entries {number} ")


def test_a_chain_made_anew_is_whole_in_the_database_and_shows_only_beside_the_thread() -> None:
    database = kept(rewritten(5)(TRUE))

    assert chain_fault(database) is None
    assert compared(database, thread()).fault is not None


def test_a_count_that_does_not_fit_is_a_removal_or_an_insertion_at_the_end() -> None:
    removed, inserted = chain_fault(kept(TRUE[:6], counted=8)), chain_fault(kept(TRUE, counted=7))

    assert removed == Fault(7, "Entries 7 to 8 were removed from the end of the database: the incident counts 8.")
    assert inserted == Fault(8, "Entry 8 was inserted at the end of the database: the incident counts 7.")


def test_an_entry_that_does_not_follow_on_the_one_before_is_named() -> None:
    fault = chain_fault(kept(rehashed(5)(TRUE)))

    assert fault is not None
    assert fault.number == 6
    assert "does not follow on entry 5" in fault.says


def test_what_was_removed_on_both_sides_is_missed_by_the_task_that_posted_it() -> None:
    found = compared(kept(TRUE[:6]), thread(THREAD[:3]))

    assert found.fault == Fault(
        7, "Entry 7 was posted, and is neither in the database nor in the thread: it was removed."
    )


def test_a_change_in_the_database_is_not_blamed_on_the_thread() -> None:
    found = compared(kept(reworded(5)(TRUE)), thread())

    assert found.fault is None


def test_a_number_out_of_all_proportion_is_an_insertion_like_any_other() -> None:
    far = TrailMessage("999.0", True, "db:7:thread:x", {10**12: "f" * 64})
    fault = compared(kept(), thread(added(far)(THREAD))).fault

    assert fault is not None
    assert fault.number == 10**12


@settings(deadline=None)
@given(st.data())
def test_whatever_is_rewritten_removed_or_inserted_in_the_database_shows_beside_the_thread(data: st.DataObject) -> None:
    number = data.draw(st.integers(1, MANY))
    change = data.draw(st.sampled_from([reworded, rehashed, rewritten, without, taken_out, put_in]))
    those = change(number)(TRUE)
    database = kept(those)
    fault = first(chain_fault(database), compared(database, replace(thread(), posted={})).fault)

    if change is put_in and number == MANY:
        # At the end it is like an entry that is on its way; see the guarantees.
        assert fault is None
    else:
        assert fault is not None
        assert fault.number == number + (change is put_in)


# --- What is no fault by itself -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (replace(message(4, 6), ts="999.0", is_ours=False), "not counted, in somebody else's 1 message (999.0)"),
        (TrailMessage("999.0", True), "Without any metadata: the bot's own 1 message (999.0)"),
        (replace(message(4, 6), ts="999.0", key="other:7:thread:4-6"), "Of another database"),
    ],
    ids=["imitated", "bare", "another database's"],
)
def test_what_is_not_counted_is_told(more: TrailMessage, says: str) -> None:
    found = compared(kept(), thread(added(more)(THREAD)))

    assert found.fault is None
    assert [note for note in found.notes if says in note]


def test_a_message_that_was_edited_and_says_what_it_said_is_told() -> None:
    found = compared(kept(), thread(edited(2)(THREAD)))

    assert found.fault is None
    assert found.notes == ("Edited after it was posted: 1 message (104.0) in the thread.",)


def test_a_message_that_was_posted_anew_with_the_same_words_is_told() -> None:
    moved = (*THREAD[:1], *THREAD[2:], replace(THREAD[1], ts="999.0"))
    found = compared(kept(), thread(moved))

    assert found.fault is None
    assert any("Not where the bot posted it" in note for note in found.notes)
    assert any("Not in the order of their entries" in note for note in found.notes)


# --- The audit channel ----------------------------------------------------------------------------------------


def channel(messages: Messages, posted: Sequence[int]) -> Copy:
    ours = tuple(replace(each, key=each.key.replace(":thread:", ":C-AUDIT:")) for each in messages)
    return Copy("the audit channel", "C-AUDIT", ours, dict.fromkeys(posted, ""))


def test_an_audit_channel_that_was_set_later_lacks_nothing() -> None:
    assert compared(kept(), channel(THREAD[2:], range(4, 9))).fault is None


def test_a_message_deleted_in_the_audit_channel_is_named() -> None:
    fault = compared(kept(), channel(THREAD[3:], range(4, 9))).fault

    assert fault is not None
    assert fault.number == 4
    assert "is not in the audit channel" in fault.says


def test_the_threads_messages_are_not_the_audit_channels() -> None:
    assert compared(kept(), replace(channel((), ()), messages=THREAD)).entries == 0
