"""Text as data."""

import pytest

from recovery.text import Bold, Channel, Code, Link, When, Who, count, line, listing, plain, sentence
from tests.recovery.builders import NOON


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 keys"), (1, "1 key"), (2, "2 keys"), (1_000, "1,000 keys"), (1_234_567, "1,234,567 keys")],
)
def test_a_count_agrees_with_its_noun(number: int, said: str) -> None:
    assert count(number, "key") == said


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert (count(1, "person", "people"), count(2, "person", "people")) == ("1 person", "2 people")


def test_a_sentence_begins_with_a_capital_and_keeps_the_rest() -> None:
    assert sentence("step 1 (Reset API keys)") == "Step 1 (Reset API keys)"
    assert sentence("") == ""


def test_a_short_listing_names_all() -> None:
    assert listing(["a", "b", "c"], 3) == "a, b, c"


def test_a_long_listing_says_how_many_more() -> None:
    assert listing((str(n) for n in range(1_100)), 2) == "0, 1 and 1,098 more"


def test_plain_text_keeps_what_every_part_says() -> None:
    said = line(
        Who("U1"), " in ", Channel("C1"), ": ", Code("a@b"), Bold("!"), Link("https://x", "here"), " ", When(NOON)
    )

    assert plain(said) == "U1 in the channel: a@b!here (https://x) 2026-11-24 12:00 UTC"
