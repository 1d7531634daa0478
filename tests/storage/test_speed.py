"""That the queue does not slow down as it fills: finished tasks are not even looked at."""

import re
from typing import Any

from sqlalchemy import create_engine, event, text

from recovery.state import NewTask
from storage.database import Database
from storage.urls import parsed
from tests.storage.given import a_step, claim, plan

FINISHED = 50_000


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
        connection.exec_driver_sql("ANALYZE tasks")
    engine.dispose()


def plans_of_a_claim(database: Database) -> list[str]:
    """How the database goes about each query of one claim, in its own words."""
    asked: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT") and "FROM tasks" in statement:
            asked.append((statement, parameters))

    engine = database._writing
    event.listen(engine, "before_cursor_execute", note)
    assert len(claim(database, work=5)) == 5
    event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, COSTS OFF)"
    plans = []
    with engine.begin() as connection:
        for statement, parameters in asked:
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plans.append("\n".join(str(row[-1]) for row in rows))
    return plans


def rows_passed_over(plan: str) -> int:
    """How many rows PostgreSQL read in vain."""
    return sum(int(number) for number in re.findall(r"Rows Removed by Filter: (\d+)", plan))


def test_a_claim_reads_no_finished_tasks(database: Database, url: str) -> None:
    step = a_step(database)
    fill(url, FINISHED)
    plan(database, *(NewTask("work", f"new {n}", step_id=step.id, lane=f"l{n}") for n in range(500)))
    claim(database, work=100)
    plans = plans_of_a_claim(database)

    assert plans
    for each in plans:
        assert not re.search(r"SCAN tasks(_\d)?(?! USING)", each), each
        assert rows_passed_over(each) < FINISHED / 10, each
