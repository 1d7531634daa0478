"""The tasks: what is planned and known about them. How they are claimed and end is in `storage.leases`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, exists, func, not_, select, update
from sqlalchemy.orm import aliased

from recovery import store
from recovery.state import Facts, NewTask, Task, TaskStatus
from storage.leases import Leases
from storage.queue import LONG_AGO, TASKS
from storage.rows import unless_there
from storage.schema import TaskRow
from storage.wakeups import tell_others

_OF_STEP = TASKS.select().where(TaskRow.step_id == bindparam("step")).order_by(TaskRow.id)
_OF_STEP_IN_STATUS = _OF_STEP.where(TaskRow.status.in_(bindparam("statuses")))
_TALLY = (
    select(TaskRow.kind, TaskRow.status, func.count())
    .where(TaskRow.step_id == bindparam("step"))
    .group_by(TaskRow.kind, TaskRow.status)
)
_TALLIES = (
    select(TaskRow.step_id, TaskRow.kind, TaskRow.status, func.count())
    .where(TaskRow.incident_id == bindparam("incident"), TaskRow.step_id.is_not(None))
    .group_by(TaskRow.step_id, TaskRow.kind, TaskRow.status)
)
_NOTED = update(TaskRow).where(TaskRow.id == bindparam("noted")).values(payload=bindparam("facts"))
_PLANNED = select(exists().where(TaskRow.key == bindparam("key"), TaskRow.finished_at.is_(None)))
_FAILED = (
    TASKS.select()
    .where(TaskRow.incident_id == bindparam("incident"), TaskRow.status == TaskStatus.FAILED)
    .order_by(TaskRow.id)
)
_READY = (
    TASKS.select()
    .where(TaskRow.incident_id == bindparam("incident"), TaskRow.status == TaskStatus.READY)
    .order_by(TaskRow.id)
)


class Tasks(Leases, store.Tasks):
    _told = False
    """Whether other processes will hear of this transaction: once is enough."""

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
                "not_before": task.not_before or LONG_AGO,
            }
            for task in tasks
        ]
        if not rows:
            return 0
        # Without RETURNING it is one statement, however many they are; so it must be asked for their number.
        added = self._connection.execute(
            unless_there(self._connection, TaskRow), rows, execution_options={"preserve_rowcount": True}
        )
        if not self._told:
            tell_others(self._connection, self._processes.owner)
            self._told = True
        return added.rowcount

    # --- changed

    def note(self, task: Task, payload: Facts) -> Task:
        return self.note_all([(task, payload)])[0]

    def note_all(self, noted: Sequence[tuple[Task, Facts]]) -> list[Task]:
        if noted:
            self._connection.execute(_NOTED, [{"noted": task.id, "facts": payload} for task, payload in noted])
        return [replace(task, payload=dict(payload)) for task, payload in noted]

    def attach(self, tasks: Sequence[Task], handover_id: int | None) -> None:
        carried = update(TaskRow).where(TaskRow.id.in_([task.id for task in tasks]))
        self._connection.execute(carried.values(handover_id=handover_id))

    def retry_failed(self, step_id: int, now: datetime) -> int:
        return self._retry(TaskRow.step_id == step_id, now)

    def retry(self, tasks: Sequence[Task], now: datetime) -> int:
        return self._retry(TaskRow.id.in_([task.id for task in tasks]), now)

    def _retry(self, which: ColumnElement[bool], now: datetime) -> int:
        again = aliased(TaskRow)
        # Keys stay unique: of failed tasks with one key the newest, none whose key an unfinished task has.
        newest = select(func.max(TaskRow.id)).where(which, TaskRow.status == TaskStatus.FAILED).group_by(TaskRow.key)
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

    def keep_time(self, owner: int, lease_until: datetime, not_before: datetime) -> None:
        """After the clock was set: that process's leases last until then, and no ready task waits any longer than
        until then."""
        ours = update(TaskRow).where(TaskRow.lease_owner == owner, TaskRow.status == TaskStatus.RUNNING)
        self._connection.execute(ours.values(lease_until=lease_until))
        far = update(TaskRow).where(TaskRow.status == TaskStatus.READY, TaskRow.not_before > not_before)
        self._connection.execute(far.values(not_before=not_before))

    # --- looked at

    def get(self, task_id: int) -> Task:
        return TASKS.get(self._connection, task_id)

    def of_step(self, step_id: int, *statuses: TaskStatus, kind: str | None = None) -> list[Task]:
        query = _OF_STEP_IN_STATUS if statuses else _OF_STEP
        if kind is not None:
            query = query.where(TaskRow.kind == kind)
        named = {"statuses": statuses} if statuses else {}
        return TASKS.all(self._connection, query, {"step": step_id, **named})

    def is_planned(self, key: str) -> bool:
        return bool(self._connection.scalar(_PLANNED, {"key": key}))

    def tally(self, step_id: int) -> dict[str, dict[TaskStatus, int]]:
        rows = self._connection.execute(_TALLY, {"step": step_id})
        counts: dict[str, dict[TaskStatus, int]] = {}
        for kind, status, count in rows:
            counts.setdefault(kind, {})[status] = count
        return counts

    def tallies(self, incident_id: int) -> dict[int, dict[str, dict[TaskStatus, int]]]:
        counts: dict[int, dict[str, dict[TaskStatus, int]]] = {}
        for step_id, kind, status, count in self._connection.execute(_TALLIES, {"incident": incident_id}):
            counts.setdefault(step_id or 0, {}).setdefault(kind, {})[status] = count
        return counts

    def failed(self, incident_id: int) -> list[Task]:
        return TASKS.all(self._connection, _FAILED, {"incident": incident_id})

    def deferred(self, incident_id: int, now: datetime) -> list[Task]:
        query = _READY.where(TaskRow.not_before > bindparam("now"))
        return TASKS.all(self._connection, query, {"incident": incident_id, "now": now})

    def ready_of_kinds(self, incident_id: int, kinds: Sequence[str]) -> list[Task]:
        query = _READY.where(TaskRow.kind.in_(bindparam("kinds", expanding=True)))
        return TASKS.all(self._connection, query, {"incident": incident_id, "kinds": list(kinds)})

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
