"""Where an account's mail and events go, and who may call it, out of Mailgun's JSON: routes, webhooks, the allowlist,
alerts, subaccounts, and how much was sent.

Every `read_…` raises `Unreadable` for an answer that lacks what is needed.
"""

from collections.abc import Callable

from mailgun.models import Fields, Page, PageReader, Unreadable
from recovery.account import AllowedAddress, DaySent, Route, SendAlert, Subaccount, Webhook

SENT = "accepted_outgoing_count"
"""What is counted as sent: what Mailgun took to deliver to others, whatever became of it."""


def routes_of(region: str) -> PageReader[Route]:
    """Reads a page of `GET /v3/routes`, whose total is that of the account's routes in the region."""

    def read(answer: object) -> Page[Route]:
        fields = Fields(answer, "the answer")
        routes = [_route(region, item) for item in fields.items("items")]
        return Page(routes, fields.count("total_count"), counts_all=True)

    return read


def read_new_route(region: str) -> Callable[[object], Route]:
    """Reads the answer to `POST /v3/routes`."""
    return lambda answer: _route(region, Fields(answer, "the answer").part("route"))


def _route(region: str, fields: Fields) -> Route:
    return Route(
        region=region,
        id=fields.text("id"),
        priority=fields.count("priority") or 0,
        description=fields.optional_text("description") or "",
        expression=fields.text("expression"),
        actions=tuple(fields.texts("actions")),
        created_at=fields.time("created_at"),
    )


def webhooks_of(region: str, domain: str) -> Callable[[object], list[Webhook]]:
    """Reads `GET /v3/domains/{domain}/webhooks`: by event there, by address here."""

    def read(answer: object) -> list[Webhook]:
        by_event = Fields(answer, "the answer").part("webhooks")
        events: dict[str, list[str]] = {}
        for event in by_event.names():
            for url in by_event.part(event).texts("urls"):
                events.setdefault(url, []).append(event)
        return [Webhook(region, domain, url, tuple(sorted(names))) for url, names in sorted(events.items())]

    return read


def read_allowlist(answer: object) -> list[AllowedAddress]:
    """`GET /v2/ip_whitelist`."""
    items = Fields(answer, "the answer").items("addresses")
    return [AllowedAddress(item.text("ip_address"), item.optional_text("description") or "") for item in items]


def read_alerts(answer: object) -> list[SendAlert]:
    """`GET /v1/thresholds/alerts/send`."""
    return [
        SendAlert(
            id=item.text("id"),
            name=item.text("name"),
            metric=item.text("metric"),
            comparator=item.optional_text("comparator") or "",
            limit=item.optional_text("limit") or "",
            channels=tuple(item.texts("alert_channels")),
            created_at=item.optional_time("created_at"),
        )
        for item in Fields(answer, "the answer").items("items")
    ]


def read_subaccounts(answer: object) -> Page[Subaccount]:
    """A page of `GET /v5/accounts/subaccounts`, whose total is that of the account, as Mailgun describes it."""
    fields = Fields(answer, "the answer")
    found = [
        Subaccount(
            id=item.text("id"),
            name=item.text("name"),
            is_open=item.optional_text("status") == "open",
            created_at=item.optional_time("created_at"),
        )
        for item in fields.items("subaccounts")
    ]
    return Page(found, fields.count("total"), counts_all=True)


def read_sent(answer: object) -> Page[DaySent]:
    """A page of `POST /v1/analytics/metrics` by domain and day."""
    fields = Fields(answer, "the answer")
    return Page([_day(item) for item in fields.items("items")], fields.part("pagination").count("total"))


def _day(item: Fields) -> DaySent:
    dimensions = {each.text("dimension"): each for each in item.items("dimensions")}
    if not {"domain", "time"} <= set(dimensions):
        raise Unreadable("a metric lacks its domain or its day")
    day = dimensions["time"].time("value").date()
    return DaySent(dimensions["domain"].text("value"), day, item.part("metrics").count(SENT) or 0)
