"""The database, as the recovery asks for it: one Protocol a table, and the unit of work. `storage` keeps them.

Everything inside one `Store.write` commits together or not at all, and no outside call is made inside it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recovery.audit import AuditEntry, AuditFacts
from recovery.findings import Finding, FindingStatus
from recovery.state import (
    Facts,
    Handover,
    HandoverStatus,
    Incident,
    IncidentStatus,
    NewRequest,
    NewTask,
    Obligation,
    ObligationStatus,
    Person,
    Request,
    StepState,
    StepStatus,
    Task,
    TaskStatus,
    VaultKey,
)


class Incidents(Protocol):
    def add(self, incident: Incident) -> Incident | None:
        """Insert it (its `id` is ignored) and return it stored, or None when one is open already."""
        ...

    def get(self, incident_id: int, *, lock: bool = False) -> Incident:
        """The incident; with `lock`, others who lock it wait until this transaction ends (PostgreSQL)."""
        ...

    def open_one(self) -> Incident | None:
        """The open incident, if there is one."""
        ...

    def current(self) -> Incident | None:
        """The incident that people mean: the open one; else the recovered one whose people are still looked after;
        else the one that ended last."""
        ...

    def latest(self) -> Incident | None:
        """The one that was opened last, however it stands."""
        ...

    def in_status(self, *statuses: IncidentStatus) -> list[Incident]:
        """Those incidents, oldest first."""
        ...

    def set(self, incident_id: int, **fields: object) -> None:
        """Set columns by name and grow `revision` by one, so that the thread is redrawn."""
        ...

    def mark_drawn(self, incident_id: int, **fields: object) -> None:
        """Set columns by name without growing `revision`: what the thread shows by now."""
        ...


class Steps(Protocol):
    def add(self, incident_id: int, kind: str, number: int, status: StepStatus) -> StepState: ...

    def get(self, step_id: int) -> StepState: ...

    def of(self, incident_id: int) -> list[StepState]:
        """The incident's steps in the order of their numbers."""
        ...

    def move(
        self, step: StepState, sources: Iterable[StepStatus], to: StepStatus, **fields: object
    ) -> StepState | None:
        """Compare and set: if the row still has `step.version` and a status of `sources`, set `to` and `fields`,
        grow the version by one and return the new state; otherwise None and nothing changed."""
        ...

    def set(self, step_id: int, **fields: object) -> None:
        """Set columns other than status and version."""
        ...


class Requests(Protocol):
    def add(self, request: NewRequest) -> int | None:
        """Store it; its id, or None when the same delivery is stored already."""
        ...

    def get(self, request_id: int) -> Request: ...

    def close(self, request_id: int, outcome: str) -> None:
        """What came of it. What a request to give the bot a key was about is forgotten: the sealed key is in it."""
        ...

    def close_all(self, request_ids: Sequence[int], outcome: str) -> None:
        """The same came of all of them."""
        ...

    def waiting(self) -> list[Request]:
        """Requests, clicked or typed, whose outcome is "waiting", oldest first."""
        ...


@dataclass(frozen=True)
class Batch:
    """How many tasks of a kind are claimed together: `most`, and of those as many from the first as `fits` says."""

    most: int
    fits: Callable[[Sequence[Task]], int] = len


class Tasks(Protocol):
    def add(self, tasks: Iterable[NewTask]) -> int:
        """Plan tasks; those whose key an unfinished task has already are left out. How many were added."""
        ...

    def claim(
        self, kinds: Sequence[str], batches: Mapping[str, Batch], owner: int, now: datetime, until: datetime
    ) -> list[Task]:
        """Claim the next claimable task of these kinds by (priority, id), and lease it until `until`.

        Claimable: ready and due, or running under a lease that has ended or whose holder is gone; first in
        its lane (no earlier unfinished task of the same lane). For a kind in `batches`, claimable ones of the same
        kind and step are claimed with it, in the order of their ids, as many as its batch takes. Each claimed task
        gets a new token and one more attempt. Empty when nothing is claimable.

        May be asked again and again in one transaction; what was claimed in it before is not claimed again.
        """
        ...

    def renew(self, tasks: Sequence[Task], until: datetime) -> bool:
        """Lease them until `until`, if each still has its token; False (and no change) otherwise."""
        ...

    def holds(self, tasks: Sequence[Task]) -> bool:
        """Whether each of these tasks is still running under its token. Locks them until the commit."""
        ...

    def end(self, task: Task, status: TaskStatus, now: datetime, failure: str | None = None) -> None:
        """Finish, fail or drop a task, whatever its lease; call `holds` first."""
        ...

    def end_all(self, ended: Sequence[tuple[Task, datetime]], status: TaskStatus) -> None:
        """The same for many, each at its moment, in one statement."""
        ...

    def defer(self, task: Task, not_before: datetime, failure: str | None = None) -> None:
        """Back to ready, not before that moment."""
        ...

    def give_back(self, tasks: Sequence[Task]) -> None:
        """Back to ready as they were before this claim, which then does not count as an attempt."""
        ...

    def note(self, task: Task, payload: Facts) -> Task:
        """Replace the payload: what a restart must know of this task."""
        ...

    def note_all(self, noted: Sequence[tuple[Task, Facts]]) -> list[Task]:
        """The same for many, in one statement; the tasks as they are noted then, in order."""
        ...

    def attach(self, tasks: Sequence[Task], handover_id: int | None) -> None:
        """Say which handover carries these tasks' secrets."""
        ...

    def get(self, task_id: int) -> Task: ...

    def of_step(self, step_id: int, *statuses: TaskStatus, kind: str | None = None) -> list[Task]:
        """The step's tasks in those statuses (all when none is named), in the order of their ids."""
        ...

    def is_planned(self, key: str) -> bool:
        """Whether an unfinished task has that key."""
        ...

    def tally(self, step_id: int) -> dict[str, dict[TaskStatus, int]]:
        """How many of the step's tasks are where, by kind."""
        ...

    def tallies(self, incident_id: int) -> dict[int, dict[str, dict[TaskStatus, int]]]:
        """The same for each of the incident's steps that has tasks, by the step's id."""
        ...

    def failed(self, incident_id: int) -> list[Task]:
        """The incident's tasks that failed, in the order of their ids."""
        ...

    def retry_failed(self, step_id: int, now: datetime) -> int:
        """Make the step's failed tasks ready again; how many."""
        ...

    def retry(self, tasks: Sequence[Task], now: datetime) -> int:
        """Make these ready again as far as they failed and are not planned anew already; how many."""
        ...

    def deferred(self, incident_id: int, now: datetime) -> list[Task]:
        """The incident's ready tasks that are not due yet, in the order of their ids."""
        ...

    def ready_of_kinds(self, incident_id: int, kinds: Sequence[str]) -> list[Task]:
        """The incident's ready tasks of these kinds, in the order of their ids."""
        ...

    def drop_unstarted(self, incident_id: int, kinds: Sequence[str], now: datetime) -> int:
        """Drop the ready tasks of these kinds that were never claimed; how many."""
        ...

    def last_done(self, incident_id: int, kind: str) -> dict[str, datetime]:
        """For each subject of that kind in this incident, when a task for it was last done."""
        ...

    def release(self, owner: int) -> None:
        """End this process's leases at once: it is leaving."""
        ...


class Handovers(Protocol):
    def add(self, handover: Handover) -> Handover:
        """Insert it (its `id` and `number` are ignored; the number is the incident's next)."""
        ...

    def get(self, handover_id: int) -> Handover: ...

    def of(self, incident_id: int, *statuses: HandoverStatus) -> list[Handover]:
        """The incident's handovers in those statuses (all when none is named), by number."""
        ...

    def move(self, handover: Handover, sources: Iterable[HandoverStatus], to: HandoverStatus, **fields: object) -> bool:
        """Compare and set on the status; whether it moved."""
        ...

    def set(self, handover_id: int, **fields: object) -> None: ...

    def due(self, now: datetime) -> list[Handover]:
        """Sent ones whose `next_reminder_at` or `expires_at` has come."""
        ...


class People(Protocol):
    """Whoever changes people or obligations has locked their incident first: what was read then is what is there."""

    def of(self, incident_id: int) -> list[Person]: ...

    def get(self, person_id: int) -> Person: ...

    def in_slack(self, incident_id: int, slack_id: str) -> list[Person]:
        """The people of the incident who are that Slack user."""
        ...

    def due_together(self, incident_id: int, now: datetime) -> tuple[list[Person], list[Obligation]]:
        """Those whose `next_message_at` has come, with the others who are the same Slack users; and the obligations of
        all these."""
        ...

    def add(self, people: Sequence[Person]) -> None:
        """Insert them (their `id`s are ignored), by one statement."""
        ...

    def save(self, people: Sequence[Person]) -> None:
        """Write all that may change of these people, by one statement."""
        ...

    def oblige(self, obligations: Sequence[Obligation]) -> None:
        """Insert obligations (their `id`s are ignored), by one statement."""
        ...

    def obligations(self, incident_id: int, step_id: int | None = None) -> list[Obligation]: ...

    def obligations_of(self, person_id: int) -> list[Obligation]: ...

    def save_obligations(self, obligations: Sequence[Obligation]) -> None:
        """Write all that may change of these obligations, by one statement."""
        ...

    def settle(self, obligation: Obligation, to: ObligationStatus, **fields: object) -> bool:
        """Compare and set: if the row still has the obligation's version, set status `to` and `fields`, grow the
        version; whether it moved."""
        ...

    def due(self, now: datetime) -> set[int]:
        """The incidents, open or recovered, that have people whose `next_message_at` has come."""
        ...


class Findings(Protocol):
    """Whoever changes findings has locked their incident first."""

    def of(self, incident_id: int) -> list[Finding]:
        """The incident's findings in the order of their numbers."""
        ...

    def get(self, finding_id: int) -> Finding: ...

    def add(self, incident_id: int, findings: Sequence[Finding]) -> list[Finding]:
        """Insert them, numbered on from the last (their `id`, `incident_id` and `number` are ignored); as stored."""
        ...

    def save(self, findings: Sequence[Finding]) -> None:
        """Write all that may change of these findings, by one statement."""
        ...

    def move(
        self, finding: Finding, sources: Iterable[FindingStatus], to: FindingStatus, **fields: object
    ) -> Finding | None:
        """Compare and set: if the row still has `finding.version` and a status of `sources`, set `to` and `fields`,
        grow the version by one and return the new state; otherwise None and nothing changed."""
        ...


class AuditTrail(Protocol):
    def append(self, incident_id: int, at: datetime, facts: AuditFacts) -> AuditEntry:
        """Chain one more entry to the incident's trail and grow its `audit_count` and `revision`."""
        ...

    def append_all(self, incident_id: int, at: datetime, facts: Sequence[AuditFacts]) -> None:
        """Chain these entries in their order, by as many statements as for one."""
        ...

    def entries(self, incident_id: int, after: int = 0, most: int | None = None) -> list[AuditEntry]:
        """Entries with a number over `after`, in order. Raises `Unreadable` at the first that is no entry any more."""
        ...

    def posted(self, incident_id: int) -> dict[str, dict[int, str]]:
        """Which entries were certainly posted where (the thread, or a channel's id), by number, each with the `ts` of
        its message or, where that is not known, an empty one."""
        ...


class VaultKeys(Protocol):
    def newest(self) -> VaultKey | None: ...

    def all(self) -> list[VaultKey]:
        """Every key that was ever kept, oldest first."""
        ...

    def add(self, key: VaultKey) -> VaultKey: ...

    def reseal(self, key_id: int, sealed: str) -> None:
        """Replace how a key is sealed; which one is the newest stays as it is."""
        ...


@dataclass(frozen=True)
class Glance:
    """One incident as a tick sees it: whether it is worth a closer look.

    `stalled` are the running steps none of whose tasks is unfinished, and whose people, if any, are all done. `is_due`
    says that a handover's or a person's time has come, `is_reviewed` that its last look is planned.
    """

    incident: Incident
    steps: tuple[StepState, ...]
    stalled: frozenset[int]
    somebody_is_left: bool
    is_due: bool
    is_reviewed: bool


class Transaction(Protocol):
    """The tables, inside one transaction."""

    incidents: Incidents
    steps: Steps
    requests: Requests
    tasks: Tasks
    handovers: Handovers
    people: People
    findings: Findings
    audit: AuditTrail
    vault: VaultKeys

    def glance(self, now: datetime, review: str) -> list[Glance]:
        """Every incident that is not settled, by one statement; `review` is the kind of the task of the last look."""
        ...


class Store(Protocol):
    """The database. It also makes its own uuid, once, which marks of keys and messages carry."""

    def write(self, within: float | None = None) -> AbstractContextManager[Transaction]:
        """A transaction that may write: commits at the end, rolls back on an error.

        With `within`, it gives up rather than wait longer than that many seconds for others.
        """
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads, one consistent view."""
        ...

    def identity(self) -> str:
        """This database's uuid."""
        ...
