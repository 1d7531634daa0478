"""The queue: which task is the next. `storage.leases` claims it.

The queries are built once, with parameters by name: building one takes longer than answering it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, not_, or_, select
from sqlalchemy.orm import aliased

from recovery.state import Task, TaskStatus
from recovery.store import Batch
from storage.lanes import lock_lanes
from storage.rows import Rows
from storage.schema import TaskRow

TASKS = Rows(TaskRow, Task)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

_ALONE = Batch(1)


@dataclass(frozen=True)
class Lapsed:
    """Which leases have ended: those whose moment has come by `now`, and those of dead processes."""

    now: datetime
    dead: Sequence[int]

    def named(self, **others: Any) -> dict[str, Any]:
        """The parameters of `_claimable`, and others."""
        return {"now": self.now, "dead": self.dead, **others}


def next_tasks(
    connection: Connection, kinds: Sequence[str], batches: Mapping[str, Batch], lapsed: Lapsed
) -> list[Task]:
    """The next claimable task of these kinds, and those that are claimed with it; locked. Empty if there is none."""
    passed: list[int] = []
    while first := TASKS.first(connection, _FIRST, lapsed.named(kinds=kinds, passed=passed)):
        if _ours(connection, [first], lapsed):
            batch = batches.get(first.kind, _ALONE)
            tasks = [first, *_companions(connection, first, batch.most - 1, lapsed)]
            return tasks[: max(batch.fits(tasks), 1)]
        # Another process claims from its lane at this moment: look further.
        passed.append(first.id)
    return []


def _companions(connection: Connection, first: Task, most: int, lapsed: Lapsed) -> list[Task]:
    """Up to `most` further tasks of the same kind and step."""
    if most < 1:
        return []
    alike = lapsed.named(kind=first.kind, step=first.step_id, first=first.id, most=most)
    return _ours(connection, TASKS.all(connection, _COMPANIONS, alike), lapsed)


def _ours(connection: Connection, tasks: list[Task], lapsed: Lapsed) -> list[Task]:
    """Those whose lane no other process claims from, and which are claimable still once that is sure."""
    lanes = lock_lanes(connection, (task.lane for task in tasks if task.lane is not None))
    in_lanes = [task.id for task in tasks if task.lane in lanes]
    if not in_lanes:
        return [task for task in tasks if task.lane is None]
    # A new statement sees what was committed before the locks were ours.
    sure = set(connection.scalars(_SURE, lapsed.named(ids=in_lanes)))
    return [task for task in tasks if task.lane is None or task.id in sure]


# --- The queries ----------------------------------------------------------------------------------------


def _claimable() -> ColumnElement[bool]:
    """Ready and due, or left behind by its holder; and first in its lane, of which nothing else runs."""
    other = aliased(TaskRow)
    in_lane = and_(other.lane == TaskRow.lane, other.finished_at.is_(None), other.id != TaskRow.id)
    earlier = exists().where(in_lane, other.id < TaskRow.id)
    # A later task can run already when this one was made ready again after it had failed.
    held = exists().where(in_lane, other.lease_owner.is_not(None), not_(_lapsed(other)))
    due = and_(TaskRow.status == TaskStatus.READY, TaskRow.not_before <= bindparam("now"))
    left_behind = and_(TaskRow.status == TaskStatus.RUNNING, _lapsed(TaskRow))
    return and_(TaskRow.finished_at.is_(None), or_(due, left_behind), not_(earlier), not_(held))


def _lapsed(row: type[TaskRow]) -> ColumnElement[bool]:
    """Whether the lease of that running task has ended."""
    return or_(row.lease_until <= bindparam("now"), row.lease_owner.in_(bindparam("dead")))


def _locked(query: Select[Any]) -> Select[Any]:
    """Theirs alone until the transaction ends; those that somebody else has locked are not waited for."""
    return query.with_for_update(of=TaskRow, skip_locked=True)


_CLAIMABLE = _claimable()

_FIRST = _locked(
    TASKS.select()
    .where(TaskRow.kind.in_(bindparam("kinds")), _CLAIMABLE, TaskRow.id.not_in(bindparam("passed")))
    .order_by(TaskRow.priority, TaskRow.id)
    .limit(1)
)

_COMPANIONS = _locked(
    TASKS.select()
    .where(
        TaskRow.kind == bindparam("kind"),
        TaskRow.step_id.is_not_distinct_from(bindparam("step")),
        TaskRow.id != bindparam("first"),
        _CLAIMABLE,
    )
    .order_by(TaskRow.id)
    .limit(bindparam("most"))
)

_SURE = select(TaskRow.id).where(TaskRow.id.in_(bindparam("ids")), _CLAIMABLE)
