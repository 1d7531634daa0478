"""Webhooks of a domain, which tell a URL of its events: `/v3/domains/{domain}/webhooks` and `/v4/...`."""

from __future__ import annotations

from urllib.parse import urlsplit

from drill.mailgun.access import Power
from drill.mailgun.answers import Refusal, not_found
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import Domain
from drill.mailgun.outlets import Webhook, WebhookEvent, present

_V4 = "/v4/domains/{domain}/webhooks"


def _list_webhooks(call: Call) -> dict[str, object]:
    """GET /v3/domains/{domain}/webhooks: every kind of event, null for one that no URL hears of."""
    return {"webhooks": dict.fromkeys(WebhookEvent) | _heard(call.domain("domain"))}


def _create_webhooks(call: Call) -> dict[str, object]:
    """POST /v4/domains/{domain}/webhooks: one URL for each of the `event_types`, or for none if one is wrong."""
    domain = call.domain("domain")
    names = ("url", "event_types")
    fields = call.form.urlencoded(known=names, required=names, repeatable=("event_types",), refuse=_refused)
    (url,) = fields["url"]
    if not is_url(url):
        raise _refused(f"Invalid URL '{url}'")
    events = [_event(name) for name in dict.fromkeys(fields["event_types"])]
    taken = {webhook.event for webhook in present(domain.webhooks) if webhook.url == url}
    for event in events:
        if event in taken:
            raise _refused(f"Webhook for event type '{event}' with URL '{url}' already exists")
    domain.webhooks += [Webhook(event=event, url=url, created_at=call.at, created_by=call.key.id) for event in events]
    return {"webhooks": _heard(domain)}


def _delete_webhooks(call: Call) -> dict[str, object]:
    """DELETE /v4/domains/{domain}/webhooks?url=a,b: those URLs, from every kind of event that they hear of.

    The URLs that the domain has are deleted, whatever others are named beside them; 404 where it has none.
    """
    domain = call.domain("domain")
    urls = [url for url in call.request.query_params.get("url", "").split(",") if url]
    if not urls:
        raise _refused("Parameter 'url' is missing")
    found = [webhook for webhook in present(domain.webhooks) if webhook.url in urls]
    if not found:
        raise not_found("Webhook not found")
    for webhook in found:
        webhook.delete(call.at, call.key.id)
    return {"webhooks": _heard(domain)}


def is_url(text: str) -> bool:
    """Whether Mailgun could post to this: a URL of HTTP or HTTPS with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _event(name: str) -> WebhookEvent:
    if name not in list(WebhookEvent):
        raise _refused(f"Invalid event type '{name}'")
    return WebhookEvent(name)


def _heard(domain: Domain) -> dict[str, object]:
    """The kinds of event that some URL hears of, each with its URLs."""
    webhooks = present(domain.webhooks)
    urls = {event: [webhook.url for webhook in webhooks if webhook.event is event] for event in WebhookEvent}
    return {event: {"urls": heard} for event, heard in urls.items() if heard}


def _refused(reason: str) -> Refusal:
    """This area's 400, whose words are in a field of another name than everywhere else."""
    return Refusal(400, reason, field="Reason")


ENDPOINTS = (
    Endpoint("GET", "/v3/domains/{domain}/webhooks", Power.READ, _list_webhooks),
    Endpoint("POST", _V4, Power.CHANGE, _create_webhooks),
    Endpoint("DELETE", _V4, Power.CHANGE, _delete_webhooks),
)
