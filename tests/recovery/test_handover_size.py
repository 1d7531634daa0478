"""How many secrets are reckoned to fit into one handover, against what the drawn message measures."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.blocks import measure
from recovery.handover_messages import secrets_message
from recovery.handover_size import BESIDE_THE_SECRETS, MOST_CHARACTERS, reckoned
from recovery.secret import PASSWORD_LENGTH, Secret

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-@", min_size=1, max_size=90)
ITEMS = st.lists(st.tuples(st.sampled_from(["a.example.com (US)", "b.example.com (EU)"]), NAMES), min_size=1).map(
    lambda some: sorted(some * (200 // len(some) + 1))
)


def drawn(items: list[tuple[str, str]]) -> int:
    """The characters of the longest handover of these: one that has a high number and replaces three."""
    secret = Secret("x" * PASSWORD_LENGTH)
    packed = [(heading, label, secret) for heading, label in items]
    return measure(secrets_message(9999, "SMTP password", packed, (1001, 1002, 1003)))


@given(items=ITEMS)
def test_what_is_reckoned_to_fit_does(items: list[tuple[str, str]]) -> None:
    assert drawn(items[: reckoned(items, PASSWORD_LENGTH)]) <= MOST_CHARACTERS


@given(items=ITEMS)
def test_it_is_reckoned_closely(items: list[tuple[str, str]]) -> None:
    many = reckoned(items, PASSWORD_LENGTH)

    assert many == len(items) or drawn(items[: many + 1]) > MOST_CHARACTERS - BESIDE_THE_SECRETS


def test_one_fits_always() -> None:
    assert reckoned([("x" * MOST_CHARACTERS, "x")], PASSWORD_LENGTH) == 1
