"""What the engine does beside the work itself."""

import logging

import pytest

from engine import telling_once
from recovery.errors import RecoveryError


def test_recurring_work_that_fails_is_told_once_a_reason_and_once_when_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    outcomes = iter([None, "no database", "no database", "no disk", "no disk", None, None, "no database"])

    def look() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise RecoveryError(outcome)

    job = telling_once("what is due", look)
    for _ in range(8):
        job()
    assert [record.getMessage() for record in caplog.records] == [
        "what is due could not be looked after: no database",
        "what is due could not be looked after: no disk",
        "what is due is looked after again",
        "what is due could not be looked after: no database",
    ]
