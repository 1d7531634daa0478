"""The life of a lease, all of it on this page. A lease says which process works on a task, and until when.

1. **Claimed.** `claim` takes the next tasks that nobody works on (`storage.queue` says which), and writes four
   things into their rows: running, the process, until when, and a token that is new for each claim. A worker claims
   in one transaction as many jobs as it has free threads.
2. **Kept.** `renew` is called before an outside call that the lease might not outlast, `holds` in each transaction
   that records a result. Both look for the token and lock the row: from then to the commit it stays as it is.
3. **Finished.** `end`, or back into the queue: `defer` for later, `give_back` as if it had never been claimed. Owner,
   moment and token go.
4. **Taken over.** A lease lapses when its moment has come; at once when its process is dead, as its lock tells
   (`storage.processes`); and when a process that leaves says so (`release`). Nothing happens then: the next `claim`,
   by whoever is first, finds the task and writes a new token over the old one. Who had it before, if it still runs,
   learns that from `renew` or `holds`, and must not record anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, String, bindparam, func, select, update

from recovery.state import Task, TaskStatus
from recovery.store import Batch
from storage.processes import Processes
from storage.queue import LONG_AGO, Lapsed, next_tasks
from storage.schema import TaskRow

_NO_LEASE = {"token": None, "lease_owner": None, "lease_until": None}

_LEASED = (
    update(TaskRow)
    .where(TaskRow.id == bindparam("claimed"))
    .values(
        status=TaskStatus.RUNNING,
        token=bindparam("its_token"),
        lease_owner=bindparam("holder"),
        lease_until=bindparam("until"),
        attempts=TaskRow.attempts + 1,
    )
)
_ENDED = (
    update(TaskRow)
    .where(TaskRow.id == bindparam("ended"))
    .values(
        status=bindparam("how"),
        finished_at=bindparam("at"),
        # Without a failure to tell, the last stays on record.
        failure=func.coalesce(bindparam("said", type_=String), TaskRow.failure),
        **_NO_LEASE,
    )
)
_HELD = (
    select(TaskRow.id)
    .where(
        TaskRow.id.in_(bindparam("ids")),
        TaskRow.token.in_(bindparam("tokens")),
        TaskRow.status == TaskStatus.RUNNING,
    )
    # In one order for everybody, so that two batches never wait for each other.
    .order_by(TaskRow.id)
    .with_for_update()
)
_SIGNED = select(TaskRow.lease_owner).where(TaskRow.lease_owner.is_not(None)).distinct()


class Leases:
    """Claims, keeps and ends tasks, as `recovery.store.Tasks` promises."""

    def __init__(self, connection: Connection, processes: Processes) -> None:
        self._connection = connection
        self._processes = processes
        self._known_dead: list[int] | None = None

    def claim(
        self, kinds: Sequence[str], batches: Mapping[str, Batch], owner: int, now: datetime, until: datetime
    ) -> list[Task]:
        lapsed = Lapsed(now, self._dead(but_not=owner))
        tasks = [_leased(task, until) for task in next_tasks(self._connection, kinds, batches, lapsed)]
        if tasks:
            self._connection.execute(
                _LEASED,
                [{"claimed": t.id, "its_token": t.token, "holder": owner, "until": until} for t in tasks],
            )
        return tasks

    def renew(self, tasks: Sequence[Task], until: datetime) -> bool:
        if not self.holds(tasks):
            return False
        self._connection.execute(update(TaskRow).where(_among(tasks)).values(lease_until=until))
        return True

    def holds(self, tasks: Sequence[Task]) -> bool:
        tokens = [task.token for task in tasks if task.token is not None]
        held = self._connection.scalars(_HELD, {"ids": [task.id for task in tasks], "tokens": tokens})
        return len(held.all()) == len({task.id for task in tasks})

    def end(self, task: Task, status: TaskStatus, now: datetime, failure: str | None = None) -> None:
        self._end([(task, now)], status, failure)

    def end_all(self, ended: Sequence[tuple[Task, datetime]], status: TaskStatus) -> None:
        self._end(ended, status, None)

    def defer(self, task: Task, not_before: datetime, failure: str | None = None) -> None:
        unfinished = update(TaskRow).where(TaskRow.id == task.id, TaskRow.finished_at.is_(None))
        ready = {"status": TaskStatus.READY, "not_before": not_before}
        self._connection.execute(unfinished.values(**ready, **_NO_LEASE, **_said(failure)))

    def give_back(self, tasks: Sequence[Task]) -> None:
        unfinished = update(TaskRow).where(_among(tasks), TaskRow.finished_at.is_(None))
        ready = {"status": TaskStatus.READY, "attempts": TaskRow.attempts - 1}
        self._connection.execute(unfinished.values(**ready, **_NO_LEASE))

    def release(self, owner: int) -> None:
        self._connection.execute(update(TaskRow).where(TaskRow.lease_owner == owner).values(lease_until=LONG_AGO))

    def _end(self, ended: Sequence[tuple[Task, datetime]], status: TaskStatus, failure: str | None) -> None:
        if ended:
            rows = [{"ended": task.id, "how": status, "at": at, "said": failure} for task, at in ended]
            self._connection.execute(_ENDED, rows)

    def _dead(self, but_not: int) -> list[int]:
        """The holders of leases whose process is dead, asked once in a transaction.

        They are read before it is asked who lives.
        """
        if self._known_dead is None:
            others = {owner for owner in self._connection.scalars(_SIGNED) if owner is not None and owner != but_not}
            self._known_dead = sorted(self._processes.gone(self._connection, others)) if others else []
        return self._known_dead


def _leased(task: Task, until: datetime) -> Task:
    """The task as its row reads once it is claimed."""
    lease_until, attempts = until.astimezone(UTC), task.attempts + 1
    return replace(task, status=TaskStatus.RUNNING, token=uuid4().hex, lease_until=lease_until, attempts=attempts)


def _among(tasks: Sequence[Task]) -> ColumnElement[bool]:
    return TaskRow.id.in_([task.id for task in tasks])


def _said(failure: str | None) -> dict[str, str]:
    """The failure to keep; without one the last stays on record."""
    return {} if failure is None else {"failure": failure}
