"""The queue: which task is the next. `storage.leases` claims it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, or_, select
from sqlalchemy.orm import aliased

from recovery.state import Task, TaskStatus
from storage.lanes import lock_lanes
from storage.rows import Rows
from storage.schema import TaskRow

TASKS = Rows(TaskRow, Task)

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Lapsed:
    """Which leases have ended: those whose moment has come by `now`, and those of dead processes."""

    now: datetime
    dead: Sequence[int]

    def of(self, row: type[TaskRow]) -> ColumnElement[bool]:
        """Whether that running task's has."""
        return or_(row.lease_until <= self.now, row.lease_owner.in_(self.dead))


def next_tasks(connection: Connection, kinds: Sequence[str], batches: Mapping[str, int], lapsed: Lapsed) -> list[Task]:
    """The next claimable task of these kinds, and those that are claimed with it; locked. Empty if there is none."""
    claimable = _claimable(lapsed)
    passed: list[int] = []
    while first := _first(connection, kinds, claimable, passed):
        if _ours(connection, [first], claimable):
            companions = _companions(connection, first, batches.get(first.kind, 1) - 1, claimable)
            return [first, *companions]
        # Another process claims from its lane at this moment: look further.
        passed.append(first.id)
    return []


def _claimable(lapsed: Lapsed) -> ColumnElement[bool]:
    """Ready and due, or left behind by its holder; and first in its lane, of which nothing else runs."""
    other = aliased(TaskRow)
    in_lane = and_(other.lane == TaskRow.lane, other.finished_at.is_(None), other.id != TaskRow.id)
    earlier = exists().where(in_lane, other.id < TaskRow.id)
    # A later task can run already when this one was made ready again after it had failed.
    held = exists().where(in_lane, other.lease_owner.is_not(None), not_(lapsed.of(other)))
    due = and_(TaskRow.status == TaskStatus.READY, TaskRow.not_before <= lapsed.now)
    left_behind = and_(TaskRow.status == TaskStatus.RUNNING, lapsed.of(TaskRow))
    return and_(TaskRow.finished_at.is_(None), or_(due, left_behind), not_(earlier), not_(held))


def _first(
    connection: Connection, kinds: Sequence[str], claimable: ColumnElement[bool], passed: Sequence[int]
) -> Task | None:
    query = (
        TASKS.select()
        .where(TaskRow.kind.in_(kinds), claimable, TaskRow.id.not_in(passed))
        .order_by(TaskRow.priority, TaskRow.id)
        .with_for_update(of=TaskRow, skip_locked=True)
    )
    return TASKS.first(connection, query)


def _companions(connection: Connection, first: Task, most: int, claimable: ColumnElement[bool]) -> list[Task]:
    """Up to `most` further tasks of the same kind and step."""
    if most < 1:
        return []
    query = (
        TASKS.select()
        .where(TaskRow.kind == first.kind, TaskRow.step_id == first.step_id, TaskRow.id != first.id, claimable)
        .order_by(TaskRow.id)
        .limit(most)
        .with_for_update(of=TaskRow, skip_locked=True)
    )
    return _ours(connection, TASKS.all(connection, query), claimable)


def _ours(connection: Connection, tasks: list[Task], claimable: ColumnElement[bool]) -> list[Task]:
    """Those whose lane no other process claims from, and which are claimable still once that is sure."""
    lanes = lock_lanes(connection, (task.lane for task in tasks if task.lane is not None))
    in_lanes = [task.id for task in tasks if task.lane in lanes]
    if not in_lanes:
        return [task for task in tasks if task.lane is None]
    # A new statement sees what was committed before the locks were ours.
    sure = set(connection.scalars(select(TaskRow.id).where(TaskRow.id.in_(in_lanes), claimable)))
    return [task for task in tasks if task.lane is None or task.id in sure]
