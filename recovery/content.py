"""What the bot posts, as data. `handlers.blocks` turns each of these into Slack's blocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from recovery.audit import AuditEntry
from recovery.secret import Secret
from recovery.text import Line


class Style(StrEnum):
    """How a button looks."""

    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True)
class Confirm:
    """The question that a destructive button asks before it does anything. Plain text, at most 300 characters."""

    title: str
    text: str
    yes: str
    no: str = "Not now"


@dataclass(frozen=True)
class Button:
    """A button: the action it asks for and what it is about (a flat mapping, such as step and version)."""

    action: str
    label: str
    about: Mapping[str, str] = field(default_factory=dict)
    style: Style = Style.PLAIN
    confirm: Confirm | None = None


@dataclass(frozen=True)
class Option:
    """One thing to choose in a menu: how it is shown, and what `about["chosen"]` says when it was chosen."""

    label: str
    value: str


@dataclass(frozen=True)
class Menu:
    """Something to choose from: the action it asks for, and what it is about, as with a button.

    `label` is shown while nothing is chosen. Without options it offers the people of the workspace, and what was
    chosen is a Slack user id. `confirm` is asked once something was chosen, before anything is done.
    """

    action: str
    label: str
    about: Mapping[str, str] = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    confirm: Confirm | None = None


Control = Button | Menu


@dataclass(frozen=True)
class Row:
    """A line with what can be pressed or chosen beside it, or below it where that is more than one."""

    line: Line
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True)
class Card:
    """A message made of lines and buttons. `notification` is what a locked phone shows: never a secret.

    `paste` is text for the reader to copy, shown as it is. `footer` is small print.
    """

    notification: str
    title: str | None = None
    lines: tuple[Line, ...] = ()
    paste: str | None = None
    rows: tuple[Row, ...] = ()
    buttons: tuple[Control, ...] = ()
    footer: Line | None = None


@dataclass(frozen=True)
class Trail:
    """Up to twenty audit entries in one message, in order."""

    entries: tuple[AuditEntry, ...]


@dataclass(frozen=True)
class SecretItem:
    """One secret and what it is for: a login, or a key's description."""

    label: str
    secret: Secret


@dataclass(frozen=True)
class SecretGroup:
    """Secrets under one heading: a domain, or "Account keys"."""

    heading: str
    items: tuple[SecretItem, ...]


@dataclass(frozen=True)
class SecretsMessage:
    """A handover as it is sent. Exists only in memory, for as long as the send takes."""

    notification: str
    title: str
    lines: tuple[Line, ...]
    groups: tuple[SecretGroup, ...]


Content = Card | Trail | SecretsMessage


@dataclass(frozen=True)
class Document:
    """A file to be shared in Slack: its name, and its text. Never a secret."""

    name: str
    text: str


class MarkerKind(StrEnum):
    """What a message is, in its metadata, so that it can be found again after a crash."""

    BOARD = "board"
    STEP = "step"
    AUDIT = "audit"
    GREETING = "greeting"
    HANDOVER = "handover"
    HANDOVER_CONTROLS = "handover_controls"
    CHECKLIST = "checklist"
    """The one message to a person, with all that they have to do."""
    REMINDER = "reminder"
    STRAYS = "strays"
    """The list of those whom the bot cannot reach, to the requester."""
    SUMMARY = "summary"
    """Who is left after several reminders, to the requester, once a day."""
    REPORT = "report"
    NOTICE = "notice"


@dataclass(frozen=True)
class Marker:
    """The metadata of a message: its kind, a key that no other message of that kind has, and details.

    The key is made of database numbers and the database's own uuid, so two databases never mix theirs up.
    """

    kind: MarkerKind
    key: str
    details: Mapping[str, str | int | list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a message goes: a channel or direct message, and the thread in it, if any."""

    channel_id: str
    thread_ts: str | None = None
