"""What the specifications start from."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from recovery.state import (
    Handover,
    HandoverStatus,
    Incident,
    IncidentStatus,
    NewRequest,
    NewTask,
    Obligation,
    ObligationStatus,
    Person,
    Source,
    StepState,
    StepStatus,
    Task,
)
from recovery.store import Batch
from storage.database import Database

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=30)

Result = TypeVar("Result")


def new_incident(status: IncidentStatus = IncidentStatus.OPEN) -> Incident:
    return Incident(0, status, "T1", "C1", "U1", "U1", "leaked key", opened_at=NOON, since=NOON)


def new_request(dedupe: str = "d1", action: str = "approve") -> NewRequest:
    return NewRequest(dedupe, Source.BUTTON, action, "U1", "T1", "C1", NOON, about={"step": "1"})


def an_incident(database: Database, status: IncidentStatus = IncidentStatus.OPEN) -> Incident:
    with database.write() as tx:
        incident = tx.incidents.add(new_incident(status))
    assert incident is not None
    return incident


def a_step(database: Database, incident: Incident | None = None, number: int = 1) -> StepState:
    incident = incident or an_incident(database)
    with database.write() as tx:
        return tx.steps.add(incident.id, f"kind {number}", number, StepStatus.WAITING)


def new_handover(step: StepState, **fields: Any) -> Handover:
    start = Handover(0, step.incident_id, step.id, 0, "U1", "D1", HandoverStatus.PLANNED, "password", ("a", "b"))
    return Handover(**{**vars(start), **fields})


def new_person(incident_id: int, mailgun_id: str = "m1") -> Person:
    return Person(0, incident_id, mailgun_id, "ann@example.com", "Ann", "admin", False, "password")


def a_person(database: Database, incident_id: int, mailgun_id: str = "m1", **fields: Any) -> Person:
    with database.write() as tx:
        tx.people.add([replace(new_person(incident_id, mailgun_id), **fields)])
        return tx.people.of(incident_id)[-1]


def an_obligation(database: Database, step: StepState, mailgun_id: str = "m1", **fields: Any) -> Obligation:
    person = a_person(database, step.incident_id, mailgun_id)
    with database.write() as tx:
        start = Obligation(0, step.incident_id, step.id, person.id, "reset", ObligationStatus.OPEN)
        tx.people.oblige([replace(start, **fields)])
        return tx.people.obligations_of(person.id)[-1]


def plan(database: Database, *tasks: NewTask) -> int:
    with database.write() as tx:
        return tx.tasks.add(tasks)


def claim(
    database: Database,
    *kinds: str,
    now: datetime = NOON,
    lease: timedelta = LEASE,
    **batches: int,
) -> list[Task]:
    """Claim in a transaction of its own, as the worker does."""
    with database.write() as tx:
        together = {kind: Batch(most) for kind, most in batches.items()}
        return tx.tasks.claim(kinds or ("work",), together, database.owner, now, now + lease)


def at_once(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """What each returns, all of them started at the same moment in threads."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Result]) -> Result:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=30) for future in [pool.submit(run, work) for work in works]]
