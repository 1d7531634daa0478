"""The tables. A column is named as the field of `recovery.state` that it keeps."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from recovery.audit import Action
from recovery.findings import FindingStatus
from recovery.holdings import Trace
from recovery.state import HandoverStatus, IncidentStatus, ObligationStatus, Source, Standing, StepStatus, TaskStatus
from storage.columns import JsonMapping, JsonTuple, Moment

WAITING = text("outcome = 'waiting'")
"""The condition of the index over waiting requests, word for word: SQLite uses the index for nothing else."""


def _values(choices: type[Enum]) -> list[str]:
    return [choice.value for choice in choices]


class Base(DeclarativeBase):
    """What all tables share: how Python's types are kept, and how constraints are named."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: sa.Text(),
        datetime: Moment(),
        tuple[str, ...]: JsonTuple(),
        tuple[int, ...]: JsonTuple(),
        # Plain text, not the database's own enum: a new value needs no migration.
        Enum: sa.Enum(Enum, native_enum=False, length=64, values_callable=_values),
    }


class IdentityRow(Base):
    """This database's uuid: one row, made once."""

    __tablename__ = "identity"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uuid: Mapped[str]


class IncidentRow(Base):
    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "incidents_one_open",
            "status",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[IncidentStatus]
    team_id: Mapped[str]
    channel_id: Mapped[str]
    opened_by: Mapped[str]
    requester_id: Mapped[str]
    description: Mapped[str]
    opened_at: Mapped[datetime]
    since: Mapped[datetime]
    suspect_from: Mapped[datetime | None]
    thread_ts: Mapped[str | None]
    permalink: Mapped[str | None]
    direct_channel_id: Mapped[str | None]
    keys_expired_at: Mapped[datetime | None]
    watched: Mapped[tuple[str, ...]]
    was_disabled: Mapped[bool]
    ticket: Mapped[str | None]
    troubles: Mapped[Mapping[str, Any]] = mapped_column(JsonMapping)
    recovered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    next_poll_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]
    strays_ts: Mapped[str | None]
    next_summary_at: Mapped[datetime | None]
    revision: Mapped[int]
    drawn_revision: Mapped[int]
    drawn_board: Mapped[str]
    audit_count: Mapped[int]
    audit_posted: Mapped[int]
    audit_mirrored: Mapped[int]


class StepRow(Base):
    __tablename__ = "steps"
    __table_args__ = (UniqueConstraint("incident_id", "number"), UniqueConstraint("incident_id", "kind"))

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    kind: Mapped[str]
    number: Mapped[int]
    status: Mapped[StepStatus]
    version: Mapped[int]
    facts: Mapped[Mapping[str, Any]] = mapped_column(JsonMapping)
    round: Mapped[int]
    decision: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    keep_reminding: Mapped[bool]
    message_ts: Mapped[str | None]
    drawn: Mapped[str]


class RequestRow(Base):
    __tablename__ = "requests"
    __table_args__ = (
        UniqueConstraint("dedupe"),
        Index("requests_waiting", "action", sqlite_where=WAITING, postgresql_where=WAITING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe: Mapped[str]
    source: Mapped[Source]
    action: Mapped[str]
    user_id: Mapped[str]
    team_id: Mapped[str]
    channel_id: Mapped[str]
    received_at: Mapped[datetime]
    text: Mapped[str]
    about: Mapped[Mapping[str, Any]] = mapped_column(JsonMapping)
    message_ts: Mapped[str | None]
    response_url: Mapped[str | None]
    secrets_cut: Mapped[bool]
    outcome: Mapped[str | None]


class HandoverRow(Base):
    __tablename__ = "handovers"
    __table_args__ = (UniqueConstraint("incident_id", "number"), Index("handovers_status", "status"))

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    step_id: Mapped[int] = mapped_column(ForeignKey("steps.id"))
    number: Mapped[int]
    recipient_id: Mapped[str]
    channel_id: Mapped[str]
    status: Mapped[HandoverStatus]
    what: Mapped[str]
    subjects: Mapped[tuple[str, ...]]
    attempt: Mapped[int]
    replaces: Mapped[tuple[int, ...]]
    message_ts: Mapped[str | None]
    controls_ts: Mapped[str | None]
    planned_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    reminders: Mapped[int]
    next_reminder_at: Mapped[datetime | None]
    wiped_at: Mapped[datetime | None]


_UNFINISHED = text("finished_at IS NULL")
_LEASED = text("lease_owner IS NOT NULL")


class TaskRow(Base):
    """The queue. The indexes that claiming looks at hold unfinished tasks only, however many are finished."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("(finished_at IS NULL) = (status IN ('ready', 'running'))", name="finished"),
        CheckConstraint("(lease_owner IS NOT NULL) = (status = 'running')", name="leased"),
        Index(
            "tasks_one_unfinished_by_key",
            "key",
            unique=True,
            sqlite_where=_UNFINISHED,
            postgresql_where=_UNFINISHED,
        ),
        Index("tasks_next", "priority", "id", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
        Index("tasks_lane", "lane", "id", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
        Index("tasks_batch", "step_id", "kind", "id", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
        Index("tasks_leased", "lane", "lease_owner", sqlite_where=_LEASED, postgresql_where=_LEASED),
        # The status before the kind: a tick asks for what is unfinished or failed, of whatever kind.
        Index("tasks_step", "step_id", "status", "kind"),
        # The step comes last: the board counts by it from the index alone.
        Index("tasks_incident", "incident_id", "status", "kind", "step_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    status: Mapped[TaskStatus]
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    step_id: Mapped[int | None] = mapped_column(ForeignKey("steps.id"))
    subject: Mapped[str]
    lane: Mapped[str | None]
    priority: Mapped[int]
    payload: Mapped[Mapping[str, Any]] = mapped_column(JsonMapping)
    attempts: Mapped[int]
    not_before: Mapped[datetime]
    handover_id: Mapped[int | None] = mapped_column(ForeignKey("handovers.id"))
    failure: Mapped[str | None]
    token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[int | None] = mapped_column(sa.BigInteger)
    finished_at: Mapped[datetime | None]


class PersonRow(Base):
    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("incident_id", "mailgun_id"),
        Index("people_due", "incident_id", "next_message_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    mailgun_id: Mapped[str]
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    is_master: Mapped[bool]
    sign_in: Mapped[str]
    slack_id: Mapped[str | None]
    slack_tz: Mapped[str | None]
    channel_id: Mapped[str | None]
    reached_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    standing: Mapped[Standing]
    standing_by: Mapped[str | None]
    version: Mapped[int]
    message_ts: Mapped[str | None]
    reminders: Mapped[int]
    next_message_at: Mapped[datetime | None]
    quiet_until: Mapped[datetime | None]
    put_off: Mapped[int]
    urged_by: Mapped[str | None]


class ObligationRow(Base):
    __tablename__ = "obligations"
    __table_args__ = (
        UniqueConstraint("person_id", "kind"),
        # The status before the step: a tick asks whether anybody is left, in a step and in all of them.
        Index("obligations_incident", "incident_id", "status", "step_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    step_id: Mapped[int] = mapped_column(ForeignKey("steps.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str]
    status: Mapped[ObligationStatus]
    version: Mapped[int]
    evidence: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    reason: Mapped[str | None]
    told_at: Mapped[datetime | None]
    said_at: Mapped[datetime | None]


class FindingRow(Base):
    __tablename__ = "findings"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    number: Mapped[int]
    trace: Mapped[Trace]
    subject: Mapped[str]
    title: Mapped[str]
    reasons: Mapped[tuple[str, ...]]
    status: Mapped[FindingStatus]
    found_at: Mapped[datetime]
    thing: Mapped[Mapping[str, Any]] = mapped_column(JsonMapping)
    owner_id: Mapped[str | None]
    owner_name: Mapped[str | None]
    is_own: Mapped[bool]
    version: Mapped[int]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class AuditRow(Base):
    __tablename__ = "audit_entries"

    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[Action]
    subject: Mapped[str]
    result: Mapped[str]
    private: Mapped[bool]
    whom: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]


class VaultKeyRow(Base):
    """The bot's own Mailgun key, sealed. The newest row counts."""

    __tablename__ = "vault_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    mailgun_key_id: Mapped[str | None]
    sealed: Mapped[str]
    environment: Mapped[str]
    created_at: Mapped[datetime]
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))


class BucketRow(Base):
    """How much may be called, as far as the bot's processes have called by now: see `recovery.buckets`.

    Moments are seconds by the database's clock; `kept_at` is when the row was last written.
    """

    __tablename__ = "buckets"

    key: Mapped[str] = mapped_column(primary_key=True)
    kept_at: Mapped[float]
    full_at: Mapped[float]
    closed_until: Mapped[float]
    on_the_way: Mapped[list[float]] = mapped_column(sa.JSON)
    line: Mapped[dict[str, float]] = mapped_column(sa.JSON)
