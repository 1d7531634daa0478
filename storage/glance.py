"""What a tick asks: which incidents are not settled, and whether anything in them is worth a closer look."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, not_, or_, select

from recovery.state import HandoverStatus, Incident, ObligationStatus, StepState, StepStatus, TaskStatus
from recovery.store import Glance
from storage.incidents import ALIVE, INCIDENTS, UNSETTLED
from storage.schema import HandoverRow, IncidentRow, ObligationRow, PersonRow, StepRow, TaskRow
from storage.steps import STEPS

_NOW: ColumnElement[Any] = bindparam("now")
_OPEN = ObligationRow.status.in_((ObligationStatus.OPEN, ObligationStatus.QUESTIONED))


def _any_with(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is a row for which they hold.

    No EXISTS: until PostgreSQL has statistics it answers that one for every row of the table at once, so that each tick
    would read all people. Of a query for one row it does not.
    """
    return select(1).where(*conditions).limit(1).scalar_subquery().is_not(None)


_HANDOVER_IS_DUE = _any_with(
    HandoverRow.incident_id == IncidentRow.id,
    HandoverRow.status == HandoverStatus.SENT,
    or_(HandoverRow.next_reminder_at <= _NOW, HandoverRow.expires_at <= _NOW),
)
_PERSON_IS_DUE = and_(ALIVE, _any_with(PersonRow.incident_id == IncidentRow.id, PersonRow.next_message_at <= _NOW))
_SUMMARY_IS_DUE = and_(ALIVE, IncidentRow.next_summary_at.is_not(None), IncidentRow.next_summary_at <= _NOW)
_UNFINISHED = _any_with(TaskRow.step_id == StepRow.id, TaskRow.status.in_((TaskStatus.READY, TaskStatus.RUNNING)))
_FAILED = _any_with(TaskRow.step_id == StepRow.id, TaskRow.status == TaskStatus.FAILED)
_SOMEBODY_LEFT = _any_with(ObligationRow.incident_id == IncidentRow.id, ObligationRow.step_id == StepRow.id, _OPEN)


def _flag(condition: ColumnElement[bool], name: str) -> ColumnElement[Any]:
    return condition.label(name)


_GLANCE = (
    select(
        *INCIDENTS.columns,
        *(column.label(f"step_{column.name}") for column in STEPS.columns),
        _flag(
            and_(StepRow.status == StepStatus.RUNNING, not_(_UNFINISHED), or_(_FAILED, not_(_SOMEBODY_LEFT))), "stalled"
        ),
        _flag(_any_with(ObligationRow.incident_id == IncidentRow.id, _OPEN), "somebody_is_left"),
        _flag(or_(_HANDOVER_IS_DUE, _PERSON_IS_DUE, _SUMMARY_IS_DUE), "is_due"),
        _flag(
            _any_with(
                TaskRow.incident_id == IncidentRow.id,
                TaskRow.kind == bindparam("review"),
                TaskRow.status.in_((TaskStatus.READY, TaskStatus.RUNNING)),
            ),
            "is_reviewed",
        ),
    )
    .join(StepRow, StepRow.incident_id == IncidentRow.id)
    .where(or_(UNSETTLED, _HANDOVER_IS_DUE))
    .order_by(IncidentRow.id, StepRow.number)
)


def glance(connection: Connection, now: datetime, review: str) -> list[Glance]:
    """Every incident that is not settled, or that has a handover to look after."""
    rows = connection.execute(_GLANCE, {"now": now, "review": review})
    return list(_read(rows))


def _read(rows: Any) -> Iterator[Glance]:
    many, steps = len(INCIDENTS.columns), len(STEPS.columns)
    for _, each in groupby(rows, key=lambda row: row.id):
        found = list(each)
        last = found[-1]
        yield Glance(
            incident=Incident(*last[:many]),
            steps=tuple(StepState(*row[many : many + steps]) for row in found),
            stalled=frozenset(row.step_id for row in found if row.stalled),
            somebody_is_left=bool(last.somebody_is_left),
            is_due=bool(last.is_due),
            is_reviewed=bool(last.is_reviewed),
        )
