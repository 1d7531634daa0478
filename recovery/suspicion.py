"""What of an account's holdings looks like an attacker's doing, and why. Nothing is decided here: people do that."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from urllib.parse import urlsplit

from recovery import things
from recovery.account import (
    AccountUser,
    ApiKey,
    DaySent,
    Domain,
    KeyKind,
    Login,
    Route,
    SendAlert,
    Subaccount,
    Webhook,
)
from recovery.holdings import Holdings, Trace, archive_subject, marked_as_there, route_mark
from recovery.text import listing, shortened
from recovery.things import Thing

FEW_ADDRESSES = 5
"""So few allowlist entries are each worth a look: whoever is on the list may call the account from there."""

FAR_ABOVE = 5
"""How many times its usual day a domain must send to be suspicious."""

AT_LEAST = 100
"""Fewer messages on a day are never far above the usual."""

LATELY = 3
"""The last days, today included, are held against the days before them."""

DAYS_SHOWN = 14
"""How many days, today included, sending is looked at and shown."""

ENOUGH_DOMAINS = 4
"""From so many domains with webhooks on, a host that gets the events of most of them is taken for usual."""


@dataclass(frozen=True)
class Suspicion:
    """One thing that looks wrong. `subject` names it within the account, the same whenever it is looked at; `owner` is
    the subaccount that has it. `reasons` complete "because …". `thing` is all that is known of it."""

    trace: Trace
    subject: str
    title: str
    reasons: tuple[str, ...]
    owner: Subaccount | None = None
    thing: Thing = field(default_factory=dict)


@dataclass(frozen=True)
class Circumstances:
    """What is known beside the holdings. Whatever was created at `suspect_from` or later is suspicious. `own_keys` are
    the ids of the keys that the bot works with or has made. `before` is what was there at the first look, as
    `recovery.holdings.there` says it; None at the first look itself. Of the kinds in `lacking` it says nothing: they
    could not be listed then."""

    suspect_from: datetime
    now: datetime
    own_keys: frozenset[str] = frozenset()
    before: frozenset[str] | None = None
    lacking: frozenset[Trace] = frozenset()

    def is_recent(self, at: datetime | None) -> bool:
        """Whether that was shortly before the incident, or since."""
        return at is not None and at >= self.suspect_from

    def is_new(self, trace: Trace, subject: str) -> bool:
        """Whether it has come since the first look: for what Mailgun gives no date of."""
        if self.before is None or trace in self.lacking:
            return False
        return marked_as_there(trace, subject) not in self.before


def suspicions(holdings: Holdings, known: Circumstances) -> list[Suspicion]:
    """Everything that looks wrong; allowlist entries last, for one of them may be the bot's own address."""
    hosts = Hosts.of(holdings, known)
    return [
        *_subaccounts(holdings.subaccounts, known),
        *_keys(holdings, known),
        *_domains(holdings.domains, known, hosts),
        *_logins(holdings.logins, known),
        *_routes(holdings.routes, known, hosts),
        *_webhooks(holdings.webhooks, known, hosts),
        *_users(holdings.users, known),
        *_alerts(holdings.alerts, known),
        *_sending(holdings.sent, known.now.date()),
        *_addresses(holdings, known),
    ]


CREATED_LATELY = "it was created shortly before the incident, or since"
NOT_KNOWN = "the account is not known to use that address otherwise"
NEW_SINCE = "it was not there when the account was looked through first"
CHANGED_SINCE = "it was not like that when the account was looked through first"
SECOND_OWNER = "the account has more than one owner"
FEW = "few addresses may call the account, so each is worth a look; one may be the bot's own"


def _why(reasons: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(reason for reason, applies in reasons.items() if applies)


def _subaccounts(subaccounts: Sequence[Subaccount], known: Circumstances) -> Iterator[Suspicion]:
    for one in subaccounts:
        if known.is_recent(one.created_at):
            thing: Thing = {"id": one.id, "name": one.name, "created": things.moment(one.created_at)}
            yield Suspicion(
                Trace.SUBACCOUNT, one.id, f"subaccount {shortened(one.name)}", (CREATED_LATELY,), one, thing
            )


def _domains(domains: Sequence[Domain], known: Circumstances, hosts: "Hosts") -> Iterator[Suspicion]:
    for domain in domains:
        named = f"{domain.name} ({domain.region.upper()})"
        thing = things.of_domain(domain)
        if known.is_recent(domain.created_at):
            yield Suspicion(Trace.DOMAIN, domain.subject, f"domain {named}", (CREATED_LATELY,), domain.owner, thing)
        if domain.archive_to:
            is_new = known.is_new(Trace.ARCHIVE, archive_subject(domain))
            reasons = _why({NOT_KNOWN: hosts.is_strange(domain.archive_to), NEW_SINCE: is_new})
            if reasons:
                title = f"copies of all mail that {named} delivers go to {shortened(domain.archive_to, 120)}"
                yield Suspicion(Trace.ARCHIVE, archive_subject(domain), title, reasons, domain.owner, thing)


def _logins(logins: Sequence[Login], known: Circumstances) -> Iterator[Suspicion]:
    for login in logins:
        if known.is_recent(login.created_at):
            title = f"SMTP login {shortened(login.login)} ({login.region.upper()})"
            thing = things.of_login(login)
            yield Suspicion(Trace.LOGIN, login.subject, title, (CREATED_LATELY,), login.owner, thing)


def _routes(routes: Sequence[Route], known: Circumstances, hosts: "Hosts") -> Iterator[Suspicion]:
    for route in routes:
        if reasons := _of_route(route, known, hosts):
            subject, thing = f"{route.region}/{route.id}", things.of_route(route)
            yield Suspicion(Trace.ROUTE, subject, route_title(route), reasons, route.owner, thing)


def _webhooks(webhooks: Sequence[Webhook], known: Circumstances, hosts: "Hosts") -> Iterator[Suspicion]:
    for webhook in webhooks:
        is_new = known.is_new(Trace.WEBHOOK, webhook.subject)
        reasons = _why({NOT_KNOWN: hosts.is_strange(webhook.url), NEW_SINCE: is_new})
        if reasons:
            thing = things.of_webhook(webhook)
            yield Suspicion(Trace.WEBHOOK, webhook.subject, _webhook_title(webhook), reasons, webhook.owner, thing)


def _keys(holdings: Holdings, known: Circumstances) -> Iterator[Suspicion]:
    requestors = {name.lower() for user in holdings.users for name in (user.email, user.id, user.name) if name}
    for key in holdings.keys:
        if reasons := _of_key(key, known, requestors):
            yield Suspicion(Trace.KEY, key.id, _key_title(key), reasons, key.owner, things.of_key(key))


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
        reasons.append(f"{shortened(key.requestor)}, who asked for it, is no user of the account")
    return tuple(reasons)


def _key_title(key: ApiKey) -> str:
    what = f"sending key for {key.domain_name}" if key.kind is KeyKind.DOMAIN else f"API key, role {key.role}"
    return f"{what}, {key.id}" + (f" ({shortened(key.description)})" if key.description else "")


def _of_route(route: Route, known: Circumstances, hosts: "Hosts") -> tuple[str, ...]:
    reasons = [CREATED_LATELY] if known.is_recent(route.created_at) else []
    if not reasons and known.is_new(Trace.ROUTE, route_mark(route)):
        reasons.append(CHANGED_SINCE)
    if any(hosts.is_strange(target, apart_from=0 if reasons else 1) for target in targets(route)):
        reasons.append(NOT_KNOWN)
    return tuple(reasons)


def route_title(route: Route) -> str:
    """How a finding calls a route."""
    does = listing((shortened(action, 120) for action in route.actions), most=3)
    return f"route for {shortened(route.expression)} ({route.region.upper()}): {does}"


def _webhook_title(webhook: Webhook) -> str:
    to = shortened(webhook.url, 120)
    return f"webhook of {webhook.domain} ({webhook.region.upper()}) to {to}: {', '.join(webhook.events)}"


# --- Hosts ----------------------------------------------------------------------------------------------

_TARGET = re.compile(r"""(?:forward|store)\(\s*(?:notify\s*=\s*)?["']([^"']+)["']""")


def targets(route: Route) -> list[str]:
    """Where a route sends mail to, or tells of it: addresses and URLs."""
    return [target for action in route.actions for target in _TARGET.findall(action)]


def host_of(target: str) -> str:
    """The host of a URL or of an e-mail address, in lower case; empty for what is neither."""
    if "://" in target:
        try:
            return (urlsplit(target).hostname or "").lower()
        except ValueError:
            return ""
    return target.rpartition("@")[2].lower() if "@" in target else ""


@dataclass(frozen=True)
class Hosts:
    """The hosts that the account is known to use: its own, and those that it has used for long or nearly everywhere.

    That several things lead to one host proves nothing by itself: an attacker may have left a route, a webhook and a
    copy of all mail that lead to the same. Nor does an old route vouch for itself: Mailgun keeps its date when somebody
    changes where it leads. `routed` is how many old routes lead there.
    """

    own: frozenset[str]
    everywhere: frozenset[str]
    routed: Mapping[str, int]

    @classmethod
    def of(cls, holdings: Holdings, known: Circumstances) -> "Hosts":
        """Those of these holdings. The account's own are its domains, what stands beside them, and the domain of most
        of its users' addresses; save what came as lately as an attacker, and where anybody may have an address."""
        old = [
            route
            for route in holdings.routes
            if not known.is_recent(route.created_at) and not known.is_new(Trace.ROUTE, route_mark(route))
        ]
        routed = Counter(place for route in old for place in {_place_of(target) for target in targets(route)})
        names = {domain.name.lower() for domain in holdings.domains if not known.is_recent(domain.created_at)}
        own = names | {above for name in names if (above := _company_of(name))} | _of_most_users(holdings.users)
        return cls(frozenset(own), frozenset(_of_most_webhooks(holdings)), routed)

    def is_strange(self, target: str, *, apart_from: int = 0) -> bool:
        """Whether the account is not known to use that address, apart from so many of its old routes."""
        host, place = host_of(target), _place_of(target)
        is_own = any(host == own or host.endswith(f".{own}") for own in self.own)
        return not is_own and place not in self.everywhere and self.routed.get(place, 0) <= apart_from


def _of_most_webhooks(holdings: Holdings) -> Iterator[str]:
    """Hosts that get the events of most domains, where there are enough domains to say so."""
    uses: dict[str, set[tuple[str, str]]] = {}
    for webhook in holdings.webhooks:
        uses.setdefault(host_of(webhook.url), set()).add((webhook.region, webhook.domain))
    all_domains = set().union(*uses.values())
    if len(all_domains) >= ENOUGH_DOMAINS:
        yield from (host for host, domains in uses.items() if 2 * len(domains) > len(all_domains))


_ANYBODYS = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "aol.com"),
        *("icloud.com", "me.com", "mac.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "mail.com"),
        *("proton.me", "protonmail.com", "yandex.com", "yandex.ru", "mail.ru", "zoho.com", "fastmail.com", "qq.com"),
        "mailgun.org",
    }
)
"""Where anybody may have an address. Mailgun gives each account a sandbox domain in `mailgun.org`."""

_REGISTRY = re.compile(r"(?:ac|co|com|edu|go|gov|ne|net|or|org)\.[a-z]{2}")
"""Below these, as below `com`, each name is somebody else's."""


def _place_of(target: str) -> str:
    """Where that leads: to a host, or to the very address where anybody may have one there."""
    host = host_of(target)
    return target.lower() if host in _ANYBODYS else host


def _company_of(name: str) -> str | None:
    """The domain above, in which a company that sends as mg.acme.example has its own hosts; None where that is not one
    company's."""
    above = name.partition(".")[2]
    return above if "." in above and above not in _ANYBODYS and not _REGISTRY.fullmatch(above) else None


def _of_most_users(users: Sequence[AccountUser]) -> set[str]:
    """The domain of more than half of the users' addresses: that of a single one may be an attacker's."""
    hosts = [host_of(user.email) for user in users if user.email and not user.is_disabled]
    return {host for host in hosts if 2 * hosts.count(host) > len(hosts) and host not in _ANYBODYS}


# --- Users, alerts, addresses ---------------------------------------------------------------------------


def user_title(email: str, name: str, user_id: str, role: str, *, is_master: bool) -> str:
    """How a finding calls a user of the account."""
    return f"user {shortened(email or name or user_id)} ({'owner' if is_master else role or 'no role'})"


def _users(users: Sequence[AccountUser], known: Circumstances) -> Iterator[Suspicion]:
    """Those that came since; and the owners, where there is more than one: Mailgun has one."""
    owners = sum(user.is_master for user in users if not user.is_disabled)
    for user in users:
        if user.is_disabled:
            continue
        is_new = known.is_new(Trace.USER, user.id)
        reasons = _why({SECOND_OWNER: user.is_master and owners > 1, NEW_SINCE: is_new})
        if reasons:
            title = user_title(user.email, user.name, user.id, user.role, is_master=user.is_master)
            thing: Thing = {"id": user.id, "address": user.email, "name": user.name, "role": user.role}
            yield Suspicion(Trace.USER, user.id, title, reasons, thing=thing)


def _alerts(alerts: Sequence[SendAlert], known: Circumstances) -> Iterator[Suspicion]:
    for alert in alerts:
        if known.is_recent(alert.created_at):
            title = f"sending alert {shortened(alert.name)}: {alert.metric} {alert.comparator} {alert.limit}"
            thing: Thing = {"id": alert.id, "name": alert.name, "created": things.moment(alert.created_at)}
            yield Suspicion(Trace.ALERT, alert.id, title, (CREATED_LATELY,), thing=thing)


def _addresses(holdings: Holdings, known: Circumstances) -> Iterator[Suspicion]:
    are_few = len(holdings.allowlist) <= FEW_ADDRESSES
    for entry in holdings.allowlist:
        reasons = _why({FEW: are_few, NEW_SINCE: known.is_new(Trace.ADDRESS, entry.address)})
        if reasons:
            what_for = f" ({shortened(entry.description)})" if entry.description else ""
            title = f"{entry.address} on the IP allowlist{what_for}"
            yield Suspicion(Trace.ADDRESS, entry.address, title, reasons, thing=things.of_address(entry))


# --- Sending --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sending:
    """What one domain sent: by day, oldest first, and what it usually sends on a day; `most` is the most that it sent
    on one of the last days."""

    domain: str
    days: tuple[int, ...]
    usual: float
    most: int

    @property
    def is_far_above(self) -> bool:
        """Whether it sent far more than usual lately."""
        return self.most >= max(AT_LEAST, FAR_ABOVE * self.usual)


def sendings(sent: Sequence[DaySent], today: date) -> list[Sending]:
    """What each domain sent, those far above the usual first, then the largest."""
    by_domain: dict[str, dict[date, int]] = {}
    for day in sent:
        counts = by_domain.setdefault(day.domain, {})
        counts[day.day] = counts.get(day.day, 0) + day.sent
    found = [_of_domain(domain, counts, today) for domain, counts in sorted(by_domain.items())]
    return sorted(found, key=lambda one: (not one.is_far_above, -one.most))


def _of_domain(domain: str, counts: dict[date, int], today: date) -> Sending:
    last_usual = today - timedelta(days=LATELY)
    usual = float(median([many for day, many in counts.items() if day <= last_usual] or [0]))
    most = max((many for day, many in counts.items() if day > last_usual), default=0)
    days = tuple(counts.get(today - timedelta(days=ago), 0) for ago in reversed(range(DAYS_SHOWN)))
    return Sending(domain, days, usual, most)


def _sending(sent: Sequence[DaySent], today: date) -> Iterator[Suspicion]:
    for one in sendings(sent, today):
        if one.is_far_above:
            often = (
                f"{one.most / one.usual:,.0f} times as many as usual" if one.usual else "where it usually sends none"
            )
            reason = f"it sent {one.most:,} messages on one of the last {LATELY} days, {often}"
            thing: Thing = {"domain": one.domain, "most on a day": one.most, "usual on a day": int(one.usual)}
            yield Suspicion(Trace.SENDING, one.domain, f"sending of {one.domain}", (reason,), thing=thing)
