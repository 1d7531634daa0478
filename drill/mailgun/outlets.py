"""Where mail and what is known about it leave an account, and who may call it: what an attacker would bend.

Whatever was deleted is kept, for the drill to know by which key; Mailgun shows it no more.
"""

from __future__ import annotations

import enum
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from drill.mailgun.places import Region, StorageHost

Some = TypeVar("Some", bound="Kept")


@dataclass(kw_only=True)
class Kept:
    """What somebody made with a key, and somebody may have deleted with a key since.

    `created_by` and `deleted_by` are ids of keys, or `PANEL`; None where it was done before the drill, or not at all.
    """

    created_at: datetime
    created_by: str | None = None
    deleted_at: datetime | None = None
    deleted_by: str | None = None

    @property
    def present(self) -> bool:
        return self.deleted_at is None

    def delete(self, at: datetime, by: str) -> None:
        self.deleted_at, self.deleted_by = at, by


def present(things: Iterable[Some]) -> list[Some]:
    """Those that nobody has deleted, in their order."""
    return [thing for thing in things if thing.present]


@dataclass(kw_only=True)
class Route(Kept):
    """What one region does with mail that comes in: the actions where the expression fits."""

    region: Region
    expression: str
    actions: tuple[str, ...] = ()
    priority: int = 0
    description: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(12))


class WebhookEvent(enum.StrEnum):
    """What a domain can tell a webhook about, in the order of Mailgun's description."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    TEMPORARY_FAIL = "temporary_fail"
    PERMANENT_FAIL = "permanent_fail"


@dataclass(kw_only=True)
class Webhook(Kept):
    """A URL that hears of one kind of event of a domain."""

    event: WebhookEvent
    url: str


@dataclass(kw_only=True)
class Archive(Kept):
    """A URL that gets a copy of every message that a domain delivers. A domain has one at most."""

    url: str


@dataclass(kw_only=True)
class AllowedAddress(Kept):
    """An address, or a CIDR range of them, from which the account may be called."""

    address: str
    description: str = ""

    def covers(self, caller: str) -> bool:
        """Whether a call from this address is allowed; `address` must be one that `is_address` knows."""
        return ipaddress.ip_address(caller) in ipaddress.ip_network(self.address, strict=False)


def is_address(text: str, *, or_range: bool = False) -> bool:
    """Whether this is an IP address of either version, or, where they are welcome, a CIDR range."""
    try:
        if or_range:
            ipaddress.ip_network(text, strict=False)
        else:
            ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(kw_only=True)
class QueuedMessage(Kept):
    """A message that a storage host keeps until it is due. Here it stays when it is due: nothing is sent."""

    domain: str
    recipient: str
    subject: str
    due_at: datetime
    host: StorageHost


@dataclass(frozen=True)
class Alert:
    """A sending alert: Mailgun tells the company when a rate passes a limit."""

    name: str
    metric: str
    comparator: str
    limit: str
    dimension: str
    created_at: datetime
    period: str = "1h"
    channels: tuple[str, ...] = ("email",)
    id: str = field(default_factory=lambda: secrets.token_hex(16))
