"""Marks in the descriptions of API keys."""

from hypothesis import given
from hypothesis import strategies as st

from recovery.keyring import key_name, mark_of, marked, new_mark, unmarked
from tests.recovery.builders import a_key

descriptions = st.text().filter(lambda text: "[mc-" not in text)


@given(description=descriptions, mark=st.uuids().map(str))
def test_a_mark_can_be_read_back(description: str, mark: str) -> None:
    assert mark_of(a_key(description=marked(description, mark))) == mark


@given(description=descriptions, mark=st.uuids().map(str))
def test_without_its_mark_a_description_is_what_people_wrote(description: str, mark: str) -> None:
    assert unmarked(marked(description, mark)) == description.strip()


@given(description=descriptions, first=st.uuids().map(str), second=st.uuids().map(str))
def test_a_new_mark_takes_the_place_of_the_earlier_one(description: str, first: str, second: str) -> None:
    assert marked(marked(description, first), second) == marked(description, second)


@given(descriptions)
def test_a_description_without_a_mark_has_none(description: str) -> None:
    assert mark_of(a_key(description=description)) is None


def test_a_description_ends_in_its_mark() -> None:
    assert marked("billing", "0" * 36) == f"billing [mc-{'0' * 36}]"


def test_a_mark_in_the_middle_is_somebodys_words() -> None:
    assert mark_of(a_key(description=f"[mc-{'0' * 36}] of old")) is None


def test_no_two_marks_are_the_same() -> None:
    assert new_mark() != new_mark()


def test_a_key_goes_by_its_description_and_id_and_not_by_its_mark() -> None:
    name = key_name(a_key("key-9", description=marked("billing", new_mark())))

    assert "billing" in name and "key-9" in name and "mc-" not in name
