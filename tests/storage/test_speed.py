"""That the queue does not slow down as it fills."""

import time

from sqlalchemy import create_engine, text

from recovery.state import NewTask
from storage.database import Database
from storage.urls import parsed
from tests.storage.given import a_step, claim, plan

ALLOWED = 0.1
"""Seconds for a claim; it takes a few milliseconds."""


def fill(url: str, finished: int) -> None:
    """Add that many finished tasks behind the program's back: the way through it would take longer."""
    engine = create_engine(parsed(url))
    with engine.begin() as connection:
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :finished) "
                "INSERT INTO tasks (kind, key, status, step_id, subject, priority, payload, attempts, "
                "not_before, finished_at) "
                "SELECT 'work', 'old ' || i, 'done', (SELECT min(id) FROM steps), '', 5, '{}', 1, "
                "'2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM n"
            ),
            {"finished": finished},
        )
    engine.dispose()


def test_fifty_thousand_finished_tasks_do_not_slow_a_claim(database: Database, url: str) -> None:
    step = a_step(database)
    fill(url, 50_000)
    plan(database, *(NewTask("work", f"new {n}", step_id=step.id, lane=f"l{n}") for n in range(500)))
    claim(database, work=100)
    began = time.monotonic()
    for _ in range(10):
        assert len(claim(database, work=5)) == 5
    assert (time.monotonic() - began) / 10 < ALLOWED
