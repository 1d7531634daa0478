"""The trail's chain: whatever is changed afterwards shows."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from recovery.audit import FIRST_HASH, Action, AuditEntry, AuditFacts, chained, digest
from tests.recovery.builders import NOON, entries, facts

ENTRY = chained(7, 1, NOON, facts(Action.APPROVED, "step 1", result="why", whom="U-ANN"), FIRST_HASH)


def test_an_untouched_entry_has_its_own_hash() -> None:
    assert digest(ENTRY) == ENTRY.hash


@pytest.mark.parametrize(
    "changed",
    [
        replace(ENTRY, incident_id=8),
        replace(ENTRY, number=2),
        replace(ENTRY, at=NOON + timedelta(microseconds=1)),
        replace(ENTRY, previous="1" * 64),
        replace(ENTRY, facts=replace(ENTRY.facts, actor="U-EVE")),
        replace(ENTRY, facts=replace(ENTRY.facts, action=Action.SKIPPED)),
        replace(ENTRY, facts=replace(ENTRY.facts, subject="step 2")),
        replace(ENTRY, facts=replace(ENTRY.facts, result="because")),
        replace(ENTRY, facts=replace(ENTRY.facts, private=True)),
        replace(ENTRY, facts=replace(ENTRY.facts, whom="U-BOB")),
    ],
    ids=lambda entry: "",
)
def test_a_change_of_any_field_changes_the_hash(changed: AuditEntry) -> None:
    assert digest(changed) != ENTRY.hash


def test_no_field_is_left_out_of_the_list_above() -> None:
    assert {field.name for field in fields(AuditEntry)} == {"incident_id", "number", "at", "facts", "previous", "hash"}
    assert {field.name for field in fields(AuditFacts)} == {"actor", "action", "subject", "result", "private", "whom"}


def test_moving_words_from_one_field_to_the_next_changes_the_hash() -> None:
    one = chained(7, 1, NOON, facts(Action.FAILED, "ab", result="c"), FIRST_HASH)
    other = chained(7, 1, NOON, facts(Action.FAILED, "a", result="bc"), FIRST_HASH)

    assert one.hash != other.hash


def test_each_entry_holds_the_hash_of_the_one_before() -> None:
    first, second, third = entries(facts(Action.OPENED), facts(Action.APPROVED), facts(Action.STEP_DONE))

    assert (second.previous, third.previous) == (first.hash, second.hash)


def test_the_same_fact_in_another_place_has_another_hash() -> None:
    first, second = entries(facts(Action.FAILED), facts(Action.FAILED))

    assert first.hash != second.hash
