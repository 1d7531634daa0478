"""The practice Mailgun against Mailgun's own description of its API: each operation that it serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError

from drill.mailgun.accounts import drill_account, with_subaccount
from drill.mailgun.app import ENDPOINTS, STORAGE_ENDPOINTS
from drill.mailgun.calls import Endpoint
from drill.mailgun.outlets import AllowedAddress, Route, Webhook, WebhookEvent
from drill.mailgun.places import Region, StorageHost
from drill.mailgun.visitors import an_attacker_was_there
from tests.contract import UnknownStatus, check_exchange, check_response, load_description
from tests.drill.mailgun_client import Mailgun, running

CREDENTIALS = "/v3/domains/mg.example.com/credentials"
MESSAGE = {"from": "app@mg.example.com", "to": "a@example.org", "subject": "Hello", "text": "Hi"}

ALLOWLIST, ROUTES, METRICS = "/v2/ip_whitelist", "/v3/routes", "/v1/analytics/metrics"
WEBHOOKS_V3, WEBHOOKS = "/v3/domains/mg.example.com/webhooks", "/v4/domains/mg.example.com/webhooks"
ALERTS = "/v1/thresholds/alerts/send"
HOOK = "https://hooks.example.com/mailgun"


@dataclass(frozen=True)
class Urlencoded:
    """A body as application/x-www-form-urlencoded, in which a field may be repeated."""

    fields: list[tuple[str, str]]


@dataclass(frozen=True)
class Json:
    """A body as application/json."""

    document: dict[str, Any]


Body = dict[str, str] | Urlencoded | Json | None
"""A plain dictionary is multipart/form-data."""

Exchange = tuple[str, str, Body]

ROUTE = Urlencoded(
    [
        ("priority", "1"),
        ("description", "Support"),
        ("expression", 'match_recipient("support@mg.example.com")'),
        ("action", 'forward("https://hooks.example.com/support")'),
        ("action", "stop()"),
    ]
)
DAILY = Json(
    {
        "start": "Mon, 13 Nov 2023 20:56:50 -0600",
        "end": "Wed, 20 Dec 2023 20:56:50 -0600",
        "resolution": "day",
        "dimensions": ["domain", "time"],
        "metrics": ["accepted_outgoing_count"],
        "include_subaccounts": True,
        "pagination": {"skip": 0, "limit": 1000},
    }
)

SUCCESSES: list[Exchange] = [
    ("GET", "/v1/keys?kind=user", None),
    ("POST", "/v1/keys", {"role": "admin", "kind": "user", "description": "Bot"}),
    ("POST", "/v1/keys", {"role": "sending", "kind": "domain", "domain_name": "mg.example.com"}),
    ("DELETE", "/v1/keys/{key_id}", None),
    ("POST", "/v1/keys/public", None),
    ("GET", "/v4/domains?limit=1000&skip=0", None),
    ("GET", "/v4/domains?include_subaccounts=true", None),
    ("GET", "/v4/domains/mg.example.com", None),
    ("GET", f"{CREDENTIALS}?limit=1000&skip=0", None),
    ("POST", CREDENTIALS, {"login": "new", "password": "a" * 32}),
    ("POST", CREDENTIALS, {"login": "new"}),
    ("PUT", f"{CREDENTIALS}/app%40mg.example.com", {"password": "a" * 32}),
    ("DELETE", f"{CREDENTIALS}/app%40mg.example.com", None),
    ("GET", "/v5/users?limit=100&skip=0&role=admin", None),
    ("GET", "/v5/users", None),
    ("GET", "/v5/users/{user_id}", None),
    ("GET", "/v5/accounts/http_signing_key", None),
    ("POST", "/v5/accounts/http_signing_key", None),
    ("GET", "/v5/accounts/subaccounts?limit=1000", None),
    ("GET", "/v5/accounts/subaccounts/{subaccount_id}", None),
    ("POST", "/v3/mg.example.com/messages", MESSAGE),
    ("PUT", "/v4/domains/mg.example.com", {"archive_to": HOOK, "smtp_password": "a" * 32, "web_scheme": "https"}),
    ("GET", f"{ROUTES}?limit=1000&skip=0", None),
    ("POST", ROUTES, ROUTE),
    ("GET", f"{ROUTES}/{{id}}", None),
    ("DELETE", f"{ROUTES}/{{id}}", None),
    ("GET", WEBHOOKS_V3, None),
    ("POST", WEBHOOKS, Urlencoded([("url", f"{HOOK}/2"), ("event_types", "opened"), ("event_types", "clicked")])),
    ("DELETE", f"{WEBHOOKS}?url={HOOK},{HOOK}/2", None),
    ("GET", ALLOWLIST, None),
    ("POST", ALLOWLIST, {"address": "198.51.100.0/24", "description": "Office"}),
    ("DELETE", f"{ALLOWLIST}?address=203.0.113.7", None),
    ("GET", ALERTS, None),
    ("POST", METRICS, DAILY),
    ("POST", METRICS, Json({"dimensions": ["time"], "metrics": ["accepted_outgoing_count"]})),
]

REFUSALS: list[tuple[int, Exchange]] = [
    (400, ("GET", "/v1/keys?kind=none", None)),
    (400, ("POST", "/v1/keys", {"kind": "user"})),
    (404, ("DELETE", "/v1/keys/none", None)),
    (400, ("GET", "/v4/domains?limit=1001", None)),
    (404, ("GET", "/v4/domains/none.example.com", None)),
    (400, ("GET", f"{CREDENTIALS}?limit=1001", None)),
    (404, ("GET", "/v3/domains/none.example.com/credentials", None)),
    (400, ("POST", CREDENTIALS, {"password": "a" * 32})),
    (404, ("POST", "/v3/domains/none.example.com/credentials", {"login": "a"})),
    (400, ("PUT", f"{CREDENTIALS}/app", {"passwort": "a" * 32})),
    (404, ("PUT", f"{CREDENTIALS}/none", {"password": "a" * 32})),
    (400, ("DELETE", f"{CREDENTIALS}/postmaster", None)),
    (404, ("DELETE", f"{CREDENTIALS}/none", None)),
    (400, ("GET", "/v5/users?limit=1001", None)),
    (404, ("GET", "/v5/users/none", None)),
    (403, ("GET", "/v5/users/me", None)),
    (400, ("GET", "/v5/accounts/subaccounts?limit=1001", None)),
    (404, ("GET", "/v5/accounts/subaccounts/none", None)),
    (400, ("POST", "/v3/mg.example.com/messages", {})),
    (404, ("POST", "/v3/none.example.com/messages", MESSAGE)),
    (400, ("PUT", "/v4/domains/mg.example.com", {"archive_to": "nowhere"})),
    (404, ("PUT", "/v4/domains/none.example.com", {"archive_to": HOOK})),
    (400, ("GET", f"{ROUTES}?limit=1001", None)),
    (400, ("POST", ROUTES, Urlencoded([("action", "stop()")]))),
    (404, ("GET", f"{ROUTES}/none", None)),
    (404, ("DELETE", f"{ROUTES}/none", None)),
    (404, ("GET", "/v3/domains/none.example.com/webhooks", None)),
    (400, ("POST", WEBHOOKS, Urlencoded([("url", HOOK), ("event_types", "delivered")]))),
    (400, ("POST", WEBHOOKS, Urlencoded([("url", HOOK)]))),
    (404, ("POST", "/v4/domains/none.example.com/webhooks", Urlencoded([("url", HOOK), ("event_types", "opened")]))),
    (400, ("DELETE", WEBHOOKS, None)),
    (404, ("DELETE", f"{WEBHOOKS}?url=https://none.example.com", None)),
    (404, ("DELETE", f"/v4/domains/none.example.com/webhooks?url={HOOK}", None)),
    (400, ("POST", ALLOWLIST, {"address": "everywhere"})),
    (400, ("DELETE", ALLOWLIST, None)),
    (400, ("DELETE", f"{ALLOWLIST}?address=192.0.2.1", None)),
    (400, ("POST", METRICS, Json({"dimensions": ["time"]}))),
]


@pytest.fixture(scope="module")
def description() -> OpenAPI:
    return load_description()


@pytest.fixture
def mailgun(description: OpenAPI) -> Iterator[Mailgun]:
    prepared = drill_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    account = prepared.account
    account.set_disabled(False)
    at = datetime(2026, 1, 5, tzinfo=UTC)
    account.estate.routes.append(Route(region=Region.US, expression="catch_all()", created_at=at))
    account.estate.domains[0].webhooks.append(Webhook(event=WebhookEvent.DELIVERED, url=HOOK, created_at=at))
    account.allowlist.append(AllowedAddress(address=account.calls_come_from, created_at=at))
    with running(prepared) as mailgun:
        yield mailgun


def send(mailgun: Mailgun, method: str, path: str, body: Body) -> requests.Response:
    if isinstance(body, Urlencoded):
        return mailgun.call(method, path, data=body.fields)
    if isinstance(body, Json):
        return mailgun.call(method, path, json=body.document)
    return mailgun.call(method, path, fields=body)


def filled(path: str, mailgun: Mailgun) -> str:
    return path.format(
        key_id=mailgun.account.estate.keys[1].id,
        user_id=mailgun.account.users[0].id,
        subaccount_id=mailgun.account.subaccounts[0].id,
        id=mailgun.account.estate.routes[0].id,
    )


@pytest.mark.parametrize(("method", "path", "body"), SUCCESSES)
def test_what_succeeds_is_as_described(
    description: OpenAPI, mailgun: Mailgun, method: str, path: str, body: Body
) -> None:
    answer = send(mailgun, method, filled(path, mailgun), body)
    assert answer.status_code == 200
    check_response(description, answer, "/us")


def test_me_is_as_described(description: OpenAPI, mailgun: Mailgun) -> None:
    session = mailgun.key_of(kind="web")
    answer = mailgun.call("GET", "/v5/users/me", key=session["secret"])
    assert answer.status_code == 200
    check_response(description, answer, "/us")


def test_the_other_region_is_as_described(description: OpenAPI, mailgun: Mailgun) -> None:
    mailgun.account.set_disabled(True)
    check_response(description, mailgun.call("GET", "/v4/domains", region="eu"), "/eu")


@pytest.mark.parametrize(("status", "exchange"), REFUSALS)
def test_what_is_refused_is_as_described_or_listed(
    description: OpenAPI, mailgun: Mailgun, status: int, exchange: Exchange
) -> None:
    method, path, body = exchange
    answer = send(mailgun, method, path, body)
    assert answer.status_code == status
    check_response(description, answer, "/us")


def concrete(endpoint: Endpoint) -> str:
    parts = {"domain_name": "mg.example.com", "name": "mg.example.com", "domain": "mg.example.com", "spec": "app"}
    return endpoint.path.format(**parts, key_id="none", user_id="none", subaccount_id="none", id="none")


def endpoint_name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def host_of(endpoint: Endpoint) -> str:
    return StorageHost.US_EAST if endpoint in STORAGE_ENDPOINTS else Region.US


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *STORAGE_ENDPOINTS], ids=endpoint_name)
def test_a_refused_key_is_as_described_or_listed(description: OpenAPI, mailgun: Mailgun, endpoint: Endpoint) -> None:
    host = host_of(endpoint)
    answer = mailgun.call(endpoint.method, concrete(endpoint), key="key-wrong", fields={}, region=host)
    assert answer.status_code == 401
    check_response(description, answer, f"/{host}")


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *STORAGE_ENDPOINTS], ids=endpoint_name)
def test_an_address_that_is_not_allowed_is_as_described_or_listed(
    description: OpenAPI, mailgun: Mailgun, endpoint: Endpoint
) -> None:
    mailgun.order("PATCH", "/account", calls_come_from="192.0.2.1")
    host = host_of(endpoint)
    answer = mailgun.call(endpoint.method, concrete(endpoint), fields={}, region=host)
    assert answer.status_code == 401
    check_response(description, answer, f"/{host}")


@pytest.mark.parametrize("do", ["429", "500"])
@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *STORAGE_ENDPOINTS], ids=endpoint_name)
def test_a_fault_is_as_described_or_listed(description: OpenAPI, mailgun: Mailgun, endpoint: Endpoint, do: str) -> None:
    mailgun.order("POST", "/faults", do=do)
    host = host_of(endpoint)
    answer = mailgun.call(endpoint.method, concrete(endpoint), fields={}, region=host)
    assert answer.status_code == int(do)
    check_response(description, answer, f"/{host}")


@pytest.mark.parametrize("host", [StorageHost.US_EAST, StorageHost.US_WEST])
def test_deleting_queued_mail_is_as_described(description: OpenAPI, mailgun: Mailgun, host: StorageHost) -> None:
    answer = mailgun.call("DELETE", "/v3/mg.example.com/envelopes", region=host)
    assert answer.status_code == 200
    check_response(description, answer, f"/{host}")


def test_queued_mail_of_no_domain_is_refused_as_described(description: OpenAPI, mailgun: Mailgun) -> None:
    host = StorageHost.US_EAST
    answer = mailgun.call("DELETE", "/v3/none.example.com/envelopes", region=host)
    assert answer.status_code == 404
    check_response(description, answer, f"/{host}")


def test_alerts_and_all_else_that_an_attacker_finds_are_as_described(description: OpenAPI) -> None:
    prepared = drill_account()
    an_attacker_was_there(prepared)
    with running(prepared) as mailgun:
        for path in (ALERTS, ROUTES, WEBHOOKS_V3, ALLOWLIST, "/v4/domains", "/v1/keys"):
            answer = mailgun.call("GET", path)
            assert answer.status_code == 200
            check_response(description, answer, "/us")
        asked = {"dimensions": ["domain", "time"], "metrics": ["accepted_outgoing_count"]}
        check_response(description, mailgun.call("POST", METRICS, json=asked), "/us")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=endpoint_name)
def test_every_operation_is_tried_here(endpoint: Endpoint) -> None:
    tried = [(method, path.partition("?")[0]) for method, path, _ in SUCCESSES]
    names = {
        "{key_id}": "none",
        "{user_id}": "none",
        "{subaccount_id}": "none",
        "{id}": "none",
        "/app%40mg.example.com": "/app",
    }
    for placeholder, name in names.items():
        tried = [(method, path.replace(placeholder, name)) for method, path in tried]
    assert (endpoint.method, concrete(endpoint)) in [*tried, ("GET", "/v5/users/me")]


def answered(description: OpenAPI, status: int, body: bytes) -> None:
    headers = {"Authorization": "Basic YXBpOmtleQ=="}
    answer_headers = {"Content-Type": "application/json"}
    check_exchange(description, "GET", "/v1/keys", {}, headers, b"", "", status, answer_headers, body)


def test_a_status_that_nobody_knows_is_found(description: OpenAPI) -> None:
    with pytest.raises(UnknownStatus, match="GET /v1/keys answered 418"):
        answered(description, 418, b"{}")


@pytest.mark.parametrize("body", [b"{}", b'{"total_count": "1", "items": []}', b"nothing"])
def test_an_answer_of_another_shape_is_found(description: OpenAPI, body: bytes) -> None:
    with pytest.raises(OpenAPIError):
        answered(description, 200, body)
