"""All that a Mailgun account holds which an attacker could have touched: its own, and that of each subaccount."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from recovery.account import AllowedAddress, DaySent, Domain, Inventory, Route, SendAlert, Subaccount, Webhook


class Trace(StrEnum):
    """What kind of thing it is."""

    KEY = "key"
    LOGIN = "login"
    DOMAIN = "domain"
    ROUTE = "route"
    WEBHOOK = "webhook"
    ARCHIVE = "archive"
    ADDRESS = "address"
    ALERT = "alert"
    SUBACCOUNT = "subaccount"
    USER = "user"
    SENDING = "sending"


@dataclass(frozen=True)
class Holdings(Inventory):
    """Beside keys, domains, logins and users: where mail and events go, who may call, and how much was sent.

    What a subaccount has names it as its `owner`. `unread` says of each kind of thing that Mailgun refused to list
    why: nothing is known of that, which is not the same as that there is nothing. `in_use` is the id of the key that
    the bot works with, where its secret tells it. `asked_at` is when the look began, and `versions` are those that the
    incident's findings had then, by their ids: of what was decided or done since, it cannot tell.
    """

    asked_at: datetime = field(kw_only=True)

    subaccounts: tuple[Subaccount, ...] = ()
    routes: tuple[Route, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    allowlist: tuple[AllowedAddress, ...] = ()
    alerts: tuple[SendAlert, ...] = ()
    sent: tuple[DaySent, ...] = ()
    unread: Mapping[Trace, str] = field(default_factory=dict)
    in_use: str | None = None
    versions: Mapping[int, int] = field(default_factory=dict)


def marked_as_there(trace: Trace, subject: str) -> str:
    """How `there` says that something of that kind is there."""
    return f"{trace}:{subject}"


def trace_of(mark: str) -> Trace:
    """The kind of thing that such a mark is about."""
    return Trace(mark.partition(":")[0])


def archive_subject(domain: Domain) -> str:
    """What names the copies of a domain's mail: another address is another finding."""
    return f"{domain.subject}/{domain.archive_to}"


def route_mark(route: Route) -> str:
    """What names a route as it is: one that is changed in place keeps its id and its date."""
    does = json.dumps([route.priority, route.expression, *route.actions])
    return f"{route.region}/{route.id}/{hashlib.sha256(does.encode()).hexdigest()[:16]}"


def there(holdings: Holdings) -> list[str]:
    """What is there of the kinds of things that Mailgun gives no date of, or none of their changes, so that a later
    look knows what is new."""
    found = [marked_as_there(Trace.WEBHOOK, webhook.subject) for webhook in holdings.webhooks]
    found += [marked_as_there(Trace.ROUTE, route_mark(route)) for route in holdings.routes]
    found += [marked_as_there(Trace.ADDRESS, entry.address) for entry in holdings.allowlist]
    found += [marked_as_there(Trace.USER, user.id) for user in holdings.users if not user.is_disabled]
    found += [marked_as_there(Trace.ARCHIVE, archive_subject(d)) for d in holdings.domains if d.archive_to]
    return found
