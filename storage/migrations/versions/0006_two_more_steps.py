"""investigating, and deleting queued mail, are steps"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NEW = (("investigate", 0), ("queued_mail", 7))

_LOOKBACK = timedelta(days=14)
"""What a setting says from now on, where nobody sets it."""

_incidents = sa.table(
    "incidents",
    sa.column("id"),
    sa.column("status"),
    sa.column("channel_id"),
    sa.column("since", sa.DateTime(timezone=True)),
    sa.column("suspect_from", sa.DateTime(timezone=True)),
)
_steps = sa.table(
    "steps",
    sa.column("id"),
    sa.column("incident_id"),
    sa.column("kind"),
    sa.column("number"),
    sa.column("status"),
    sa.column("version"),
    sa.column("facts", sa.JSON()),
    sa.column("round"),
    sa.column("keep_reminding", sa.Boolean()),
    sa.column("drawn"),
)
_tasks = sa.table(
    "tasks",
    sa.column("kind"),
    sa.column("key"),
    sa.column("status"),
    sa.column("incident_id"),
    sa.column("subject"),
    sa.column("lane"),
    sa.column("priority"),
    sa.column("payload", sa.JSON()),
    sa.column("attempts"),
    sa.column("not_before", sa.DateTime(timezone=True)),
    sa.column("finished_at"),
)


def upgrade() -> None:
    """An incident that is open gets the steps, too: they wait for somebody. Their cards are posted like the others';
    where those are still to come, with them. What was created before it is suspicious, as in one that opens now."""
    for kind, number in _NEW:
        _add(op.get_bind(), kind, number)
    _look_back(op.get_bind())


def _look_back(connection: sa.Connection) -> None:
    lacking = sa.select(_incidents.c.id, _incidents.c.since).where(
        _incidents.c.status == "open", _incidents.c.suspect_from.is_(None)
    )
    for incident_id, since in connection.execute(lacking).all():
        one = _incidents.update().where(_incidents.c.id == incident_id)
        connection.execute(one.values(suspect_from=since - _LOOKBACK))


def _add(connection: sa.Connection, kind: str, number: int) -> None:
    has_it = sa.exists().where(_steps.c.incident_id == _incidents.c.id, _steps.c.kind == kind)
    lacking = sa.select(_incidents.c.id, _incidents.c.channel_id).where(_incidents.c.status == "open", ~has_it)
    for incident_id, channel_id in connection.execute(lacking).all():
        connection.execute(
            _steps.insert().values(
                incident_id=incident_id,
                kind=kind,
                number=number,
                status="waiting",
                version=1,
                facts={},
                round=1,
                keep_reminding=False,
                drawn="",
            )
        )
        its_id = sa.select(_steps.c.id).where(_steps.c.incident_id == incident_id, _steps.c.kind == kind)
        step_id = connection.execute(its_id).scalar_one()
        cards_are_to_come = sa.select(_tasks.c.key).where(
            _tasks.c.kind == "survey", _tasks.c.incident_id == incident_id, _tasks.c.finished_at.is_(None)
        )
        if connection.execute(cards_are_to_come).first() is None:
            connection.execute(
                _tasks.insert().values(
                    kind="thread.step",
                    key=f"thread.step:{step_id}",
                    status="ready",
                    incident_id=incident_id,
                    subject="",
                    lane=f"channel:{channel_id}",
                    priority=1,
                    payload={"step": step_id},
                    attempts=0,
                    not_before=datetime(1970, 1, 1, tzinfo=UTC),
                )
            )


def downgrade() -> None:
    """The steps stay: a version that does not know their kinds passes over them."""
