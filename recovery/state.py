"""What the database remembers, as frozen values: incidents, steps, requests, tasks, handovers, people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
Facts = Mapping[str, Json]


def as_strings(value: object) -> list[str]:
    """The texts of a list in a payload or in facts; none where that is no list."""
    return [str(item) for item in value] if isinstance(value, list) else []


class IncidentStatus(StrEnum):
    """`open`, then `recovered` (the account works), then `closed` (nobody is left to remind), or `cancelled`."""

    OPEN = "open"
    RECOVERED = "recovered"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Incident:
    """One compromise of one Mailgun account, in one Slack thread.

    `requester_id` is the one person who is handed secrets; `direct_channel_id` is their direct message,
    once it was opened and greeted. What was created at `suspect_from` or later is suspicious; it is None for incidents
    that an earlier version opened. `keys_expired_at` is when the last old key died. `watched` are the
    subjects of the domains that must work again before the account counts as recovered. `revision` grows
    with every change that the thread should show; `drawn_revision` is what it shows. `troubles` are what keeps
    the bot from its work at the moment, in words, each under the name of where it comes from. `polled_at` is when the
    last list of users was asked for. `strays_ts` is the requester's list of those whom the bot cannot reach;
    `next_summary_at` when they are told next who is left after several reminders.
    """

    id: int
    status: IncidentStatus
    team_id: str
    channel_id: str
    opened_by: str
    requester_id: str
    description: str
    opened_at: datetime
    since: datetime
    suspect_from: datetime | None = None
    thread_ts: str | None = None
    permalink: str | None = None
    direct_channel_id: str | None = None
    keys_expired_at: datetime | None = None
    watched: tuple[str, ...] = ()
    was_disabled: bool = False
    ticket: str | None = None
    troubles: Mapping[str, str] = field(default_factory=dict)
    recovered_at: datetime | None = None
    ended_at: datetime | None = None
    next_poll_at: datetime | None = None
    polled_at: datetime | None = None
    strays_ts: str | None = None
    next_summary_at: datetime | None = None
    revision: int = 0
    drawn_revision: int = -1
    drawn_board: str = ""
    audit_count: int = 0
    audit_posted: int = 0
    audit_mirrored: int = 0

    @property
    def is_alive(self) -> bool:
        """Whether people are still asked for anything in it."""
        return self.status in (IncidentStatus.OPEN, IncidentStatus.RECOVERED)


class StepStatus(StrEnum):
    """Where a step stands. `locked` is a step that opens only when the others are settled."""

    LOCKED = "locked"
    WAITING = "waiting"
    RUNNING = "running"
    NEEDS_ATTENTION = "needs attention"
    DONE = "done"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class StepState:
    """One step of one incident. `version` grows with every change of `status`; buttons carry it.

    `facts` is what the step's own file keeps: counts for its card, the scope of another round, notes.
    `keep_reminding` lets the last step open while this one still runs.
    """

    id: int
    incident_id: int
    kind: str
    number: int
    status: StepStatus
    version: int
    facts: Facts = field(default_factory=dict)
    round: int = 1
    decision: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    finished_at: datetime | None = None
    keep_reminding: bool = False
    message_ts: str | None = None
    drawn: str = ""

    @property
    def settled(self) -> bool:
        """Whether the last step need not wait for this one any longer."""
        ended = self.status in (StepStatus.DONE, StepStatus.SKIPPED, StepStatus.CANCELLED)
        return ended or (self.status is StepStatus.RUNNING and self.keep_reminding)


class Source(StrEnum):
    """How a request came: typed, clicked, or sent with a form."""

    COMMAND = "command"
    BUTTON = "button"
    FORM = "form"


@dataclass(frozen=True)
class NewRequest:
    """What somebody clicked or typed, cut to what is needed, secrets already cut out.

    `dedupe` is the same for a delivery that Slack repeats. `about` is the button's own mapping. `text` is
    what was typed: the command's text, or a form's field. `secrets_cut` says that something was cut out.
    """

    dedupe: str
    source: Source
    action: str
    user_id: str
    team_id: str
    channel_id: str
    received_at: datetime
    text: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    message_ts: str | None = None
    response_url: str | None = None
    secrets_cut: bool = False


@dataclass(frozen=True)
class Request(NewRequest):
    """A stored request. `outcome` is what came of it, once it was judged."""

    id: int = 0
    outcome: str | None = None


class TaskStatus(StrEnum):
    """`ready` to be claimed, `running` under a lease, `done`, `failed` for a person to see, `dropped`."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


UNFINISHED = (TaskStatus.READY, TaskStatus.RUNNING)
"""A task that may still do something."""


@dataclass(frozen=True)
class NewTask:
    """A task to be planned. No two unfinished tasks have the same `key`.

    Tasks of one `lane` run one at a time and in order. `step_id` makes it count for a step: its failure is
    that step's failure. `priority` 0 runs first.
    """

    kind: str
    key: str
    incident_id: int | None = None
    step_id: int | None = None
    subject: str = ""
    lane: str | None = None
    priority: int = 5
    payload: Facts = field(default_factory=dict)
    not_before: datetime | None = None


@dataclass(frozen=True)
class Task:
    """A unit of work that survives a crash.

    `attempts` counts the claims, the present one included. `failure` is the last failure in words.
    `handover_id` is the handover that carries this task's secret. `token` names the present lease.
    """

    id: int
    kind: str
    key: str
    status: TaskStatus
    incident_id: int | None
    step_id: int | None
    subject: str
    lane: str | None
    priority: int
    payload: Facts
    attempts: int
    not_before: datetime
    handover_id: int | None = None
    failure: str | None = None
    token: str | None = None
    lease_until: datetime | None = None
    finished_at: datetime | None = None


class HandoverStatus(StrEnum):
    """The life of one direct message that carries new secrets.

    `planned`: nothing was sent. `sending`: a send began, its end is not known. `sent`: Slack has it.
    `saved`: the recipient said so. `expired`: nobody saved it in time. `reissued`: everything that it
    carried was handed over anew, or is gone. `doubtful`: it is not certain that it arrived, its secrets are
    dead. `abandoned`: certainly never sent.
    """

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    SAVED = "saved"
    EXPIRED = "expired"
    REISSUED = "reissued"
    DOUBTFUL = "doubtful"
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class Handover:
    """One handover, without its secrets. `number` counts within the incident; `subjects` name what it carries.

    `what` is the noun for what it carries, such as "SMTP password". `wiped_at` is when its message was
    replaced by a stub. `attempt` counts the sends for the same secrets' subjects; three doubtful are too many.
    """

    id: int
    incident_id: int
    step_id: int
    number: int
    recipient_id: str
    channel_id: str
    status: HandoverStatus
    what: str
    subjects: tuple[str, ...]
    attempt: int = 1
    replaces: tuple[int, ...] = ()
    message_ts: str | None = None
    controls_ts: str | None = None
    planned_at: datetime | None = None
    sent_at: datetime | None = None
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    reminders: int = 0
    next_reminder_at: datetime | None = None
    wiped_at: datetime | None = None


class Standing(StrEnum):
    """Whether the bot knows who a Mailgun user is in Slack, and whether it can write to them.

    `unknown`: not looked for yet. `found`: by their address. `named`: somebody said who they are. `by hand`: somebody
    tells them instead of the bot. `leaving`: they have left the company, and Mailgun still lists them. The
    others say what is in the way.
    """

    UNKNOWN = "unknown"
    FOUND = "found"
    NAMED = "named"
    NOT_FOUND = "not found"
    NO_EMAIL = "no e-mail"
    DEACTIVATED = "deactivated"
    BOT = "bot"
    CLOSED = "closed"
    BY_HAND = "by hand"
    LEAVING = "leaving"


STRAYS = frozenset({Standing.NOT_FOUND, Standing.NO_EMAIL, Standing.DEACTIVATED, Standing.BOT, Standing.CLOSED})
"""Those of whom the requester is asked who they are."""


@dataclass(frozen=True)
class Person:
    """A Mailgun user in one incident, and who that is in Slack, if known.

    `reached_at` is when the first message to them was sent, or somebody said that they tell them. `left_at` is set
    once Mailgun no longer lists the user or lists them as disabled. `standing_by` is who said what `standing` says.
    `message_ts` is their one direct message. `next_message_at` is when they are written to next: the first message, a
    word about something more, or a reminder; nothing while they have nothing left. `quiet_until` is when they may be
    reminded again, whatever is undone before: `REMIND_EVERY` after they were written to, or what they asked for.
    `put_off` counts how often they asked to be reminded later; `urged_by` is who wants them reminded now, whatever the
    hour, until they are. `version` grows with every change of `standing`.
    """

    id: int
    incident_id: int
    mailgun_id: str
    email: str
    name: str
    role: str
    is_master: bool
    sign_in: str
    slack_id: str | None = None
    slack_tz: str | None = None
    channel_id: str | None = None
    reached_at: datetime | None = None
    left_at: datetime | None = None
    standing: Standing = Standing.UNKNOWN
    standing_by: str | None = None
    version: int = 1
    message_ts: str | None = None
    reminders: int = 0
    next_message_at: datetime | None = None
    quiet_until: datetime | None = None
    put_off: int = 0
    urged_by: str | None = None

    @property
    def called(self) -> str:
        """How lists and sentences call them: by their address, by Mailgun's id where they have none."""
        return self.email or f"Mailgun user {self.mailgun_id}"


class ObligationStatus(StrEnum):
    """`open` until it is met. `questioned`: Mailgun shows a change from before the person was reached.
    `excused`: somebody stopped the reminders, with a reason."""

    OPEN = "open"
    QUESTIONED = "questioned"
    DONE = "done"
    VOUCHED = "vouched"
    EXCUSED = "excused"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Obligation:
    """Something that a person must do. `kind` is the kind of the step that asks for it.

    `evidence` is Mailgun's date that decided it; `settled_by` is who vouched, confirmed or stopped it, `reason` why it
    was stopped. `told_at` is when the person was told of it, `said_at` when they said that it is done.
    """

    id: int
    incident_id: int
    step_id: int
    person_id: int
    kind: str
    status: ObligationStatus
    version: int = 1
    evidence: datetime | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None
    reason: str | None = None
    told_at: datetime | None = None
    said_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do or say something."""
        return self.status in (ObligationStatus.OPEN, ObligationStatus.QUESTIONED)

    @property
    def is_awaited(self) -> bool:
        """Whether it is the person who has to do or say something: not an approver, who confirms what they said."""
        return self.is_open and self.said_at is None


@dataclass(frozen=True)
class VaultKey:
    """The bot's own Mailgun key as the vault keeps it. `environment` fingerprints `MAILGUN_API_KEY` then."""

    id: int
    mailgun_key_id: str | None
    sealed: str
    environment: str
    created_at: datetime
    incident_id: int | None = None
