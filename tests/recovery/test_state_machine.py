"""Every order of decisions, retries, skips and cancels, on a bot that dies and an outside that fails, at random.

`make test` runs a few examples, the same each time. To look further:

    STATE_MACHINE_EXAMPLES=2000 STATE_MACHINE_STEPS=60 STATE_MACHINE_SEED=7 \\
        .venv/bin/python -m pytest -n0 -o timeout=0 tests/recovery/test_state_machine.py

A failure prints the shortest list of rules that leads to it. `machine/promises.py` says what must hold.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from storage.database import Database
from tests.recovery.machine.moves import recording
from tests.recovery.machine.recovery import Recovery

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "12"))
STEPS_EACH = int(os.environ.get("STATE_MACHINE_STEPS", "30"))
SEED = int(os.environ.get("STATE_MACHINE_SEED", "1"))


@pytest.fixture
def recorded(shared_database: Database) -> Iterator[Database]:
    with recording(shared_database):
        yield shared_database


def test_whatever_the_order_all_promises_hold(recorded: Database, defects: list[str]) -> None:
    @seed(SEED)
    def machine() -> Recovery:
        defects.clear()
        return Recovery(recorded, defects)

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_EACH,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
