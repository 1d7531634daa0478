"""What a finding is about, as a finding keeps it: enough to remove it, to put it back as it was, and to tell of it."""

from collections.abc import Mapping
from datetime import datetime

from recovery.account import AllowedAddress, ApiKey, Domain, KeyKind, KeySpec, Login, Route, Webhook
from recovery.state import Facts, Json, as_strings
from recovery.text import listing, shortened

Thing = Facts

MOST_TOLD = 1_500
"""As much of one of its properties is told."""


def of_key(key: ApiKey) -> Thing:
    """A key, without its secret, which nobody can list."""
    return {
        "id": key.id,
        "kind": str(key.kind),
        "role": key.role,
        "description": key.description,
        "domain": key.domain_name,
        "requestor": key.requestor,
        "user name": key.user_name,
        "created": moment(key.created_at),
        "expires": moment(key.expires_at),
    }


def key_spec(thing: Thing) -> KeySpec:
    """What a key must be that takes its place."""
    domain = thing.get("domain")
    return KeySpec(
        KeyKind(str(thing["kind"])), str(thing["role"]), str(thing["description"]), str(domain) if domain else None
    )


def of_login(login: Login) -> Thing:
    """An SMTP login, without its password."""
    return {
        "region": login.region,
        "domain": login.domain,
        "login": login.login,
        "created": moment(login.created_at),
    }


def login_of(thing: Thing) -> Login:
    """The inverse of `of_login`."""
    return Login(str(thing["region"]), str(thing["domain"]), str(thing["login"]))


def of_domain(domain: Domain) -> Thing:
    """A domain, and where copies of what it delivers go."""
    return {
        "region": domain.region,
        "domain": domain.name,
        "copies to": domain.archive_to,
        "created": moment(domain.created_at),
    }


def of_route(route: Route) -> Thing:
    """A route, whole."""
    actions: list[Json] = [*route.actions]
    return {
        "region": route.region,
        "id": route.id,
        "priority": route.priority,
        "description": route.description,
        "expression": route.expression,
        "actions": actions,
        "created": moment(route.created_at),
    }


def route_of(thing: Thing) -> Route:
    """The inverse of `of_route`."""
    return Route(
        region=str(thing["region"]),
        id=str(thing["id"]),
        priority=int(str(thing["priority"])),
        description=str(thing["description"]),
        expression=str(thing["expression"]),
        actions=tuple(as_strings(thing.get("actions"))),
        created_at=datetime.fromisoformat(str(thing["created"])),
    )


def is_other_route(one: Thing, other: Thing) -> bool:
    """Whether a route does something else than it did: routes are changed in place, and keep their id and date."""
    return any(one.get(name) != other.get(name) for name in ("priority", "expression", "actions"))


def of_webhook(webhook: Webhook) -> Thing:
    """A webhook, whole."""
    events: list[Json] = [*webhook.events]
    return {"region": webhook.region, "domain": webhook.domain, "address": webhook.url, "events": events}


def webhook_of(thing: Thing) -> Webhook:
    """The inverse of `of_webhook`."""
    events = tuple(as_strings(thing.get("events")))
    return Webhook(str(thing["region"]), str(thing["domain"]), str(thing["address"]), events)


def of_address(entry: AllowedAddress) -> Thing:
    """An allowlist entry, whole."""
    return {"address": entry.address, "description": entry.description}


def address_of(thing: Thing) -> AllowedAddress:
    """The inverse of `of_address`."""
    return AllowedAddress(str(thing["address"]), str(thing["description"]))


def moment(at: datetime | None) -> str | None:
    """A moment as a thing keeps it."""
    return at.isoformat() if at else None


def told(thing: Mapping[str, Json]) -> list[tuple[str, str]]:
    """All that is known of it, as names and what they are, without what is not known."""
    return [(name, _words(value)) for name, value in thing.items() if value not in (None, "", [])]


def kept(thing: Mapping[str, Json]) -> str:
    """The same in one line, for the trail."""
    return "; ".join(f"{name}: {value}" for name, value in told(thing))


def _words(value: Json) -> str:
    words = listing(map(str, value), most=50) if isinstance(value, list) else str(value)
    return shortened(words, MOST_TOLD)
