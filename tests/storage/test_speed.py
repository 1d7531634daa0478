"""That nothing slows down as the database fills: what is finished, and who is not due, is not even looked at."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from recovery.state import NewTask, Obligation, ObligationStatus, StepState, StepStatus
from storage.database import Database
from storage.urls import parsed
from tests.databases import migrated_url
from tests.storage.given import NOON, a_step, claim, new_person, plan

FINISHED = 50_000
PEOPLE = 3_000


@pytest.fixture
def url(kind: str, tmp_path: Path) -> str:
    """A database that nobody had before: PostgreSQL plans by statistics, which outlive the rows that they are of."""
    return migrated_url(kind, tmp_path)


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


@contextmanager
def asked(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The queries meanwhile, each with its parameters."""
    queries: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            queries.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield queries
    event.remove(engine, "before_cursor_execute", note)


def plans_of(engine: Engine, queries: Iterable[tuple[str, Any]]) -> list[str]:
    """How the database goes about each query, in its own words."""
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, COSTS OFF)"
    plans = []
    with engine.begin() as connection:
        for statement, parameters in queries:
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plans.append("\n".join(str(row[-1]) for row in rows))
    return plans


def rows_passed_over(plan: str) -> int:
    """How many rows PostgreSQL read in vain."""
    return sum(int(number) for number in re.findall(r"Rows Removed by Filter: (\d+)", plan))


def rows_read(plan: str) -> int:
    """How many rows PostgreSQL read, those in vain among them."""
    return rows_passed_over(plan) + sum(round(float(rows)) for rows in re.findall(r"rows=([\d.]+) loops", plan))


def with_people_who_are_done(database: Database, url: str) -> None:
    """A running step all of whose people have done their part, and its finished tasks."""
    step = a_step(database)
    fill(url, PEOPLE)
    with database.write() as tx:
        tx.steps.move(step, [StepStatus.WAITING], StepStatus.RUNNING)
        person = replace(new_person(step.incident_id), next_message_at=NOON + timedelta(days=1))
        tx.people.add([replace(person, mailgun_id=f"m{number}") for number in range(PEOPLE)])
        tx.people.oblige([done(step, each.id) for each in tx.people.of(step.incident_id)])


def done(step: StepState, person_id: int) -> Obligation:
    return Obligation(0, step.incident_id, step.id, person_id, step.kind, ObligationStatus.DONE)


def test_a_claim_reads_no_finished_tasks(database: Database, url: str) -> None:
    step = a_step(database)
    fill(url, FINISHED)
    plan(database, *(NewTask("work", f"new {n}", step_id=step.id, lane=f"l{n}") for n in range(500)))
    claim(database, work=100)
    with asked(database._writing) as queries:
        assert len(claim(database, work=5)) == 5
    plans = plans_of(database._writing, [query for query in queries if "FROM tasks" in query[0]])

    assert plans
    for each in plans:
        assert not re.search(r"SCAN tasks(_\d)?(?! USING)", each), each
        assert rows_passed_over(each) < FINISHED / 10, each


def gather_statistics(database: Database) -> None:
    """As PostgreSQL does by itself within a minute, and SQLite when it is asked to."""
    with database._writing.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


@pytest.mark.parametrize("is_known", [False, True], ids=["without statistics", "with statistics"])
def test_a_tick_reads_nobody_who_is_not_due_and_nothing_that_is_done(
    database: Database, url: str, is_known: bool
) -> None:
    with_people_who_are_done(database, url)
    if is_known:
        gather_statistics(database)
    with asked(database._reading) as queries, database.read() as tx:
        seen = tx.glance(NOON, "review")
    plans = plans_of(database._reading, queries)

    assert [glance.somebody_is_left or glance.is_due for glance in seen] == [False]
    assert len(plans) == 1
    assert not re.search(r"(SEARCH|SCAN) (people|obligations|tasks) (?!.*(status=|next_message_at<))", plans[0]), plans
    # That would answer a question about one incident for all of them at once.
    assert "hashed SubPlan" not in plans[0], plans
    assert rows_read(plans[0]) < PEOPLE / 10, plans
