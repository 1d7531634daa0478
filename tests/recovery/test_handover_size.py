"""How many secrets are reckoned to fit into one handover, against what the drawn message measures."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from handlers.blocks import measure
from recovery.handover_messages import secrets_message
from recovery.handover_size import BESIDE_THE_SECRETS, MOST_CHARACTERS, reckoned
from recovery.secret import PASSWORD_LENGTH, Secret
from recovery.state import Task, TaskStatus

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
A_TASK = Task(1, "set", "set:1", TaskStatus.READY, 1, 1, "", None, 5, {}, 0, NOON)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-@", min_size=1, max_size=90)
ITEMS = st.lists(st.tuples(st.sampled_from(["a.example.com (US)", "b.example.com (EU)"]), NAMES), min_size=1).map(
    lambda some: sorted(some * (200 // len(some) + 1))
)


def drawn(items: list[tuple[str, str]]) -> int:
    """The characters of the longest handover of these: one that has a high number and replaces three."""
    secret = Secret("x" * PASSWORD_LENGTH)
    packed = [(heading, label, secret) for heading, label in items]
    return measure(secrets_message(9999, "SMTP password", packed, (1001, 1002, 1003)))


def many(items: list[tuple[str, str]]) -> int:
    """How many of these are reckoned to fit."""
    tasks = [replace(A_TASK, payload={"heading": heading, "label": label}) for heading, label in items]
    return reckoned(tasks, shown, PASSWORD_LENGTH)


def shown(task: Task) -> tuple[str, str]:
    return str(task.payload["heading"]), str(task.payload["label"])


@given(items=ITEMS)
def test_what_is_reckoned_to_fit_does(items: list[tuple[str, str]]) -> None:
    assert drawn(items[: many(items)]) <= MOST_CHARACTERS


@given(items=ITEMS)
def test_it_is_reckoned_closely(items: list[tuple[str, str]]) -> None:
    fit = many(items)

    assert fit == len(items) or drawn(items[: fit + 1]) > MOST_CHARACTERS - BESIDE_THE_SECRETS


def test_one_fits_always() -> None:
    assert many([("x" * MOST_CHARACTERS, "x")]) == 1


def test_a_task_that_cannot_be_shown_is_left_to_its_own_job() -> None:
    readable, unreadable = replace(A_TASK, payload={"heading": "a", "label": "b"}), A_TASK

    assert reckoned([readable, unreadable, readable], shown, PASSWORD_LENGTH) == 1
    assert reckoned([unreadable, readable], shown, PASSWORD_LENGTH) == 1
