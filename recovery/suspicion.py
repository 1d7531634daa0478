"""What of an account's holdings looks like an attacker's doing, and why. Nothing is decided here: people do that."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from urllib.parse import urlsplit

from recovery.account import AccountUser, ApiKey, DaySent, KeyKind, Route, Webhook
from recovery.holdings import Estate, Holdings

FEW_ADDRESSES = 5
"""So few allowlist entries are each worth a look: whoever is on the list may call the account from there."""

FAR_ABOVE = 5
"""How many times its usual day a domain must send to be suspicious."""

AT_LEAST = 100
"""Fewer messages on a day are never far above the usual."""

LATELY = 3
"""The last days, today included, are held against the days before them."""


ENOUGH_DOMAINS = 4
"""From so many domains with webhooks on, a host that gets the events of most of them is taken for usual."""


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
class Suspicion:
    """One thing that looks wrong. `subject` names it within the account, the same whenever it is looked at; `owner_id`
    is the subaccount it belongs to. `reasons` complete "because …"."""

    trace: Trace
    subject: str
    title: str
    reasons: tuple[str, ...]
    owner_id: str | None = None


@dataclass(frozen=True)
class Circumstances:
    """What is known beside the holdings. `own_keys` are the ids of the keys that the bot works with or has made;
    `strangers` the ids of the users whom nobody in Slack is known to be."""

    since: datetime
    now: datetime
    lookback: timedelta
    own_keys: frozenset[str] = frozenset()
    strangers: frozenset[str] = frozenset()

    def is_recent(self, at: datetime | None) -> bool:
        """Whether that was shortly before the incident, or since."""
        return at is not None and at >= self.since - self.lookback


def suspicions(holdings: Holdings, known: Circumstances) -> list[Suspicion]:
    """Everything that looks wrong; allowlist entries last, for one of them may be the bot's own address."""
    hosts = Hosts.of(holdings, known)
    found: list[Suspicion] = []
    for estate in holdings.estates:
        found += _of_estate(estate, holdings, known, hosts)
    found += _users(holdings.users, known)
    found += _alerts(holdings, known)
    found += _sending(holdings.sent, known.now.date())
    return [*found, *_addresses(holdings)]


def _of_estate(estate: Estate, holdings: Holdings, known: Circumstances, hosts: "Hosts") -> Iterator[Suspicion]:
    requestors = {name.lower() for user in holdings.users for name in (user.email, user.id, user.name) if name}
    if estate.owner is not None and known.is_recent(estate.owner.created_at):
        title = f"subaccount {estate.owner.name}"
        yield Suspicion(Trace.SUBACCOUNT, estate.owner.id, title, (CREATED_LATELY,), estate.owner_id)
    for key in estate.keys:
        if reasons := _of_key(key, known, requestors):
            yield Suspicion(Trace.KEY, key.id, _key_title(key), reasons, estate.owner_id)
    for domain in estate.domains:
        if known.is_recent(domain.created_at):
            title = f"domain {domain.name} ({domain.region})"
            yield Suspicion(Trace.DOMAIN, domain.subject, title, (CREATED_LATELY,), estate.owner_id)
        if domain.archive_to and hosts.is_strange(domain.archive_to):
            title = f"copies of all mail that {domain.name} ({domain.region}) delivers go to {domain.archive_to}"
            yield Suspicion(Trace.ARCHIVE, domain.subject, title, (NOT_KNOWN,), estate.owner_id)
    for login in estate.logins:
        if known.is_recent(login.created_at):
            title = f"SMTP login {login.login} ({login.region})"
            yield Suspicion(Trace.LOGIN, login.subject, title, (CREATED_LATELY,), estate.owner_id)
    for route in estate.routes:
        if reasons := _of_route(route, known, hosts):
            subject = f"{route.region}/{route.id}"
            yield Suspicion(Trace.ROUTE, subject, _route_title(route), reasons, estate.owner_id)
    for webhook in estate.webhooks:
        if hosts.is_strange(webhook.url):
            subject = f"{webhook.region}/{webhook.domain}/{webhook.url}"
            yield Suspicion(Trace.WEBHOOK, subject, _webhook_title(webhook), (NOT_KNOWN,), estate.owner_id)


CREATED_LATELY = "it was created shortly before the incident, or since"
NOT_KNOWN = "the account is not known to use that address otherwise"


def _of_key(key: ApiKey, known: Circumstances, requestors: set[str]) -> tuple[str, ...]:
    """Why a key is suspicious. Sessions of the control panel are created daily and end by themselves; step 1 ends
    those of before."""
    if key.kind is KeyKind.WEB or key.id in known.own_keys:
        return ()
    reasons = []
    if known.is_recent(key.created_at):
        reasons.append(CREATED_LATELY)
    if not key.description:
        reasons.append("it has no description")
    if key.requestor and key.requestor.lower() not in requestors:
        reasons.append(f"{key.requestor}, who asked for it, is no user of the account")
    return tuple(reasons)


def _key_title(key: ApiKey) -> str:
    what = f"sending key for {key.domain_name}" if key.kind is KeyKind.DOMAIN else f"API key, role {key.role}"
    return f"{what}, {key.id}" + (f" ({key.description})" if key.description else "")


def _of_route(route: Route, known: Circumstances, hosts: "Hosts") -> tuple[str, ...]:
    reasons = [CREATED_LATELY] if known.is_recent(route.created_at) else []
    if any(map(hosts.is_strange, targets(route))):
        reasons.append(NOT_KNOWN)
    return tuple(reasons)


def _route_title(route: Route) -> str:
    return f"route for {route.expression} ({route.region}): {', '.join(route.actions)}"


def _webhook_title(webhook: Webhook) -> str:
    return f"webhook of {webhook.domain} ({webhook.region}) to {webhook.url}: {', '.join(webhook.events)}"


# --- Hosts ----------------------------------------------------------------------------------------------

_TARGET = re.compile(r"""(?:forward|store)\(\s*(?:notify\s*=\s*)?["']([^"']+)["']""")


def targets(route: Route) -> list[str]:
    """Where a route sends mail to, or tells of it: addresses and URLs."""
    return [target for action in route.actions for target in _TARGET.findall(action)]


def host_of(target: str) -> str:
    """The host of a URL or of an e-mail address, in lower case; empty for what is neither."""
    if "://" in target:
        return (urlsplit(target).hostname or "").lower()
    return target.rpartition("@")[2].lower() if "@" in target else ""


@dataclass(frozen=True)
class Hosts:
    """The hosts that the account is known to use: its own, and those that it has used for long or nearly everywhere.

    That several things lead to one host proves nothing by itself: an attacker may have left a route, a webhook and a
    copy of all mail that lead to the same.
    """

    own: frozenset[str]
    usual: frozenset[str]

    @classmethod
    def of(cls, holdings: Holdings, known: Circumstances) -> "Hosts":
        """Those of these holdings. The account's own are its domains and those of its users' addresses."""
        usual: set[str] = set()
        for estate in holdings.estates:
            old = (route for route in estate.routes if not known.is_recent(route.created_at))
            usual |= {host_of(target) for route in old for target in targets(route)}
        own = {domain.name.lower() for domain in holdings.domains()}
        own |= {host_of(user.email) for user in holdings.users if user.email}
        return cls(frozenset(own), frozenset(usual | set(_of_most_webhooks(holdings))))

    def is_strange(self, target: str) -> bool:
        """Whether the account is not known to use that address."""
        host = host_of(target)
        return host not in self.usual and not any(_belongs(host, own) for own in self.own)


def _of_most_webhooks(holdings: Holdings) -> Iterator[str]:
    """Hosts that get the events of most domains, where there are enough domains to say so."""
    uses: dict[str, set[tuple[str, str]]] = {}
    for estate in holdings.estates:
        for webhook in estate.webhooks:
            uses.setdefault(host_of(webhook.url), set()).add((webhook.region, webhook.domain))
    all_domains = set().union(*uses.values())
    if len(all_domains) >= ENOUGH_DOMAINS:
        yield from (host for host, domains in uses.items() if 2 * len(domains) > len(all_domains))


def _belongs(host: str, own: str) -> bool:
    """Whether the host is in that domain, or beside it in the domain above: a company that sends as mg.acme.example has
    its own hosts in acme.example. Of `co.example`-like domains this takes too much for the company's, never too little
    for it to be seen: they are listed all the same."""
    above = own.partition(".")[2]
    return any(host == name or host.endswith(f".{name}") for name in (own, above) if name.count("."))


# --- Users, alerts, addresses ---------------------------------------------------------------------------


def _users(users: Sequence[AccountUser], known: Circumstances) -> Iterator[Suspicion]:
    owners = sum(user.is_master for user in users if not user.is_disabled)
    for user in users:
        if user.is_disabled:
            continue
        reasons = []
        if user.id in known.strangers:
            reasons.append("nobody in Slack is known to be them")
        if user.is_master and owners > 1:
            reasons.append("the account has more than one owner")
        if reasons:
            role = "owner" if user.is_master else user.role
            title = f"user {user.email or user.name or user.id} ({role})"
            yield Suspicion(Trace.USER, user.id, title, tuple(reasons))


def _alerts(holdings: Holdings, known: Circumstances) -> Iterator[Suspicion]:
    for alert in holdings.alerts:
        if known.is_recent(alert.created_at):
            title = f"sending alert {alert.name}: {alert.metric} {alert.comparator} {alert.limit}"
            yield Suspicion(Trace.ALERT, alert.id, title, (CREATED_LATELY,))


def _addresses(holdings: Holdings) -> Iterator[Suspicion]:
    if len(holdings.allowlist) > FEW_ADDRESSES:
        return
    for entry in holdings.allowlist:
        title = f"{entry.address} on the IP allowlist" + (f" ({entry.description})" if entry.description else "")
        reason = "few addresses may call the account, so each is worth a look; one may be the bot's own"
        yield Suspicion(Trace.ADDRESS, entry.address, title, (reason,))


# --- Sending --------------------------------------------------------------------------------------------


def _sending(sent: Sequence[DaySent], today: date) -> Iterator[Suspicion]:
    by_domain: dict[str, dict[date, int]] = {}
    for day in sent:
        counts = by_domain.setdefault(day.domain, {})
        counts[day.day] = counts.get(day.day, 0) + day.sent
    for domain, counts in sorted(by_domain.items()):
        last_usual = today - timedelta(days=LATELY)
        usual = median([many for day, many in counts.items() if day <= last_usual] or [0])
        most = max((many for day, many in counts.items() if day > last_usual), default=0)
        if most >= max(AT_LEAST, FAR_ABOVE * usual):
            times = f", {most / usual:,.0f} times as many as usual" if usual else ", where it usually sends nothing"
            reason = f"it sent {most:,} messages on one of the last {LATELY} days{times}"
            yield Suspicion(Trace.SENDING, domain, f"sending of {domain}", (reason,))
