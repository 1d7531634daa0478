"""The queue: how a task is planned, claimed, kept, finished and taken over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, not_, or_, select, update
from sqlalchemy.orm import aliased

from recovery import store
from recovery.state import Facts, NewTask, Task, TaskStatus
from storage.lanes import lock_lanes
from storage.processes import Processes
from storage.rows import Rows, unless_there
from storage.schema import TaskRow

TASKS = Rows(TaskRow, Task)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NO_LEASE = {"token": None, "lease_owner": None, "lease_until": None}


class Tasks(store.Tasks):
    def __init__(self, connection: Connection, processes: Processes) -> None:
        self._connection = connection
        self._processes = processes

    # --- planned

    def add(self, tasks: Iterable[NewTask]) -> int:
        rows = [
            {
                "kind": task.kind,
                "key": task.key,
                "status": TaskStatus.READY,
                "incident_id": task.incident_id,
                "step_id": task.step_id,
                "subject": task.subject,
                "lane": task.lane,
                "priority": task.priority,
                "payload": task.payload,
                "attempts": 0,
                "not_before": task.not_before or _LONG_AGO,
            }
            for task in tasks
        ]
        if not rows:
            return 0
        added = unless_there(self._connection, TaskRow).returning(TaskRow.id)
        return len(self._connection.scalars(added, rows).all())

    # --- claimed

    def claim(
        self, kinds: Sequence[str], batches: Mapping[str, int], owner: int, now: datetime, until: datetime
    ) -> list[Task]:
        claimable = self._claimable(owner, now)
        passed: list[int] = []
        while first := self._first(kinds, claimable, passed):
            if self._ours([first], claimable):
                companions = self._companions(first, batches.get(first.kind, 1) - 1, claimable)
                return self._lease([first, *companions], owner, until)
            # Another process claims from its lane at this moment: look further.
            passed.append(first.id)
        return []

    def _claimable(self, owner: int, now: datetime) -> ColumnElement[bool]:
        """Ready and due, or left behind by its holder; and first in its lane, of which nothing else runs."""
        gone = self._gone(owner)
        other = aliased(TaskRow)
        in_lane = and_(other.lane == TaskRow.lane, other.finished_at.is_(None), other.id != TaskRow.id)
        earlier = exists().where(in_lane, other.id < TaskRow.id)
        # A later task can run already when this one was made ready again after it had failed.
        held = exists().where(in_lane, other.lease_owner.is_not(None), not_(_lapsed(other, gone, now)))
        due = and_(TaskRow.status == TaskStatus.READY, TaskRow.not_before <= now)
        left_behind = and_(TaskRow.status == TaskStatus.RUNNING, _lapsed(TaskRow, gone, now))
        return and_(TaskRow.finished_at.is_(None), or_(due, left_behind), not_(earlier), not_(held))

    def _gone(self, owner: int) -> list[int]:
        """The holders of leases whose process is dead."""
        holders = self._connection.scalars(
            select(TaskRow.lease_owner).where(TaskRow.lease_owner.is_not(None)).distinct()
        )
        others = {holder for holder in holders if holder is not None and holder != owner}
        return sorted(self._processes.gone(self._connection, others)) if others else []

    def _first(self, kinds: Sequence[str], claimable: ColumnElement[bool], passed: list[int]) -> Task | None:
        query = (
            TASKS.select()
            .where(TaskRow.kind.in_(kinds), claimable, TaskRow.id.not_in(passed))
            .order_by(TaskRow.priority, TaskRow.id)
            .with_for_update(of=TaskRow, skip_locked=True)
        )
        return TASKS.first(self._connection, query)

    def _companions(self, first: Task, most: int, claimable: ColumnElement[bool]) -> list[Task]:
        """Up to `most` further tasks of the same kind and step."""
        if most < 1:
            return []
        query = (
            TASKS.select()
            .where(
                TaskRow.kind == first.kind,
                TaskRow.step_id == first.step_id,
                TaskRow.id != first.id,
                claimable,
            )
            .order_by(TaskRow.id)
            .limit(most)
            .with_for_update(of=TaskRow, skip_locked=True)
        )
        return self._ours(TASKS.all(self._connection, query), claimable)

    def _ours(self, tasks: list[Task], claimable: ColumnElement[bool]) -> list[Task]:
        """Those whose lane no other process claims from, and which are claimable still once that is sure."""
        lanes = lock_lanes(self._connection, (task.lane for task in tasks if task.lane is not None))
        in_lanes = [task.id for task in tasks if task.lane in lanes]
        if not in_lanes:
            return [task for task in tasks if task.lane is None]
        # A new statement sees what was committed before the locks were ours.
        sure = set(self._connection.scalars(select(TaskRow.id).where(TaskRow.id.in_(in_lanes), claimable)))
        return [task for task in tasks if task.lane is None or task.id in sure]

    def _lease(self, tasks: list[Task], owner: int, until: datetime) -> list[Task]:
        leased = [
            replace(
                task,
                status=TaskStatus.RUNNING,
                token=uuid4().hex,
                lease_until=until.astimezone(UTC),
                attempts=task.attempts + 1,
            )
            for task in tasks
        ]
        self._connection.execute(
            update(TaskRow)
            .where(TaskRow.id == bindparam("task_id"))
            .values(
                status=TaskStatus.RUNNING,
                token=bindparam("new_token"),
                lease_owner=owner,
                lease_until=until,
                attempts=TaskRow.attempts + 1,
            ),
            [{"task_id": task.id, "new_token": task.token} for task in leased],
        )
        return leased

    # --- kept

    def renew(self, tasks: Sequence[Task], until: datetime) -> bool:
        if not self.holds(tasks):
            return False
        self._update(tasks, lease_until=until)
        return True

    def holds(self, tasks: Sequence[Task]) -> bool:
        held = self._connection.scalars(
            select(TaskRow.id)
            .where(
                TaskRow.id.in_([task.id for task in tasks]),
                TaskRow.token.in_([task.token for task in tasks if task.token is not None]),
                TaskRow.status == TaskStatus.RUNNING,
            )
            # In one order for everybody, so that two batches never wait for each other.
            .order_by(TaskRow.id)
            .with_for_update()
        )
        return len(held.all()) == len({task.id for task in tasks})

    def release(self, owner: int) -> None:
        self._connection.execute(update(TaskRow).where(TaskRow.lease_owner == owner).values(lease_until=_LONG_AGO))

    # --- finished, or put off

    def end(self, task: Task, status: TaskStatus, now: datetime, failure: str | None = None) -> None:
        self.end_all([task], status, now, failure)

    def end_all(self, tasks: Sequence[Task], status: TaskStatus, now: datetime, failure: str | None = None) -> None:
        """`end` for many, in one statement."""
        self._update(tasks, status=status, finished_at=now, **_NO_LEASE, **_said(failure))

    def defer(self, task: Task, not_before: datetime, failure: str | None = None) -> None:
        self.defer_all([task], not_before, failure)

    def defer_all(self, tasks: Sequence[Task], not_before: datetime, failure: str | None = None) -> None:
        """`defer` for many, in one statement. Finished ones stay finished."""
        self._connection.execute(
            update(TaskRow)
            .where(TaskRow.id.in_([task.id for task in tasks]), TaskRow.finished_at.is_(None))
            .values(status=TaskStatus.READY, not_before=not_before, **_NO_LEASE, **_said(failure))
        )

    def give_back(self, tasks: Sequence[Task]) -> None:
        self._connection.execute(
            update(TaskRow)
            .where(TaskRow.id.in_([task.id for task in tasks]), TaskRow.finished_at.is_(None))
            .values(status=TaskStatus.READY, attempts=TaskRow.attempts - 1, **_NO_LEASE)
        )

    def note(self, task: Task, payload: Facts) -> Task:
        self._update([task], payload=payload)
        return replace(task, payload=dict(payload))

    def attach(self, tasks: Sequence[Task], handover_id: int | None) -> None:
        self._update(tasks, handover_id=handover_id)

    def retry_failed(self, step_id: int, now: datetime) -> int:
        again = aliased(TaskRow)
        # Keys stay unique: of failed tasks with one key the newest, none whose key an unfinished task has.
        newest = (
            select(func.max(TaskRow.id))
            .where(TaskRow.step_id == step_id, TaskRow.status == TaskStatus.FAILED)
            .group_by(TaskRow.key)
        )
        replanned = exists().where(again.key == TaskRow.key, again.finished_at.is_(None))
        retried = self._connection.execute(
            update(TaskRow)
            .where(TaskRow.id.in_(newest), not_(replanned))
            .values(status=TaskStatus.READY, not_before=now, finished_at=None)
        )
        return retried.rowcount

    def drop_unstarted(self, incident_id: int, kinds: Sequence[str], now: datetime) -> int:
        dropped = self._connection.execute(
            update(TaskRow)
            .where(
                TaskRow.incident_id == incident_id,
                TaskRow.kind.in_(kinds),
                TaskRow.status == TaskStatus.READY,
                TaskRow.attempts == 0,
            )
            .values(status=TaskStatus.DROPPED, finished_at=now)
        )
        return dropped.rowcount

    # --- looked at

    def get(self, task_id: int) -> Task:
        return TASKS.get(self._connection, task_id)

    def of_step(self, step_id: int, *statuses: TaskStatus, kind: str | None = None) -> list[Task]:
        query = TASKS.select().where(TaskRow.step_id == step_id).order_by(TaskRow.id)
        if statuses:
            query = query.where(TaskRow.status.in_(statuses))
        if kind is not None:
            query = query.where(TaskRow.kind == kind)
        return TASKS.all(self._connection, query)

    def tally(self, step_id: int) -> dict[str, dict[TaskStatus, int]]:
        rows = self._connection.execute(
            select(TaskRow.kind, TaskRow.status, func.count())
            .where(TaskRow.step_id == step_id)
            .group_by(TaskRow.kind, TaskRow.status)
        )
        counts: dict[str, dict[TaskStatus, int]] = {}
        for kind, status, count in rows:
            counts.setdefault(kind, {})[status] = count
        return counts

    def last_done(self, incident_id: int, kind: str) -> dict[str, datetime]:
        rows = self._connection.execute(
            select(TaskRow.subject, func.max(TaskRow.finished_at))
            .where(
                TaskRow.incident_id == incident_id,
                TaskRow.kind == kind,
                TaskRow.status == TaskStatus.DONE,
            )
            .group_by(TaskRow.subject)
        )
        return {subject: done for subject, done in rows if done is not None}

    def _update(self, tasks: Sequence[Task], **values: Any) -> None:
        ids = [task.id for task in tasks]
        self._connection.execute(update(TaskRow).where(TaskRow.id.in_(ids)).values(values))


def _lapsed(row: type[TaskRow], gone: Sequence[int], now: datetime) -> ColumnElement[bool]:
    """Whether a running task's lease has ended or its holder is gone."""
    return or_(row.lease_until <= now, row.lease_owner.in_(gone))


def _said(failure: str | None) -> dict[str, str]:
    """The failure to keep; without one the last stays on record."""
    return {} if failure is None else {"failure": failure}
