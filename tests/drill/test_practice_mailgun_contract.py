"""The practice Mailgun against Mailgun's own description of its API: each operation that it serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError

from drill.mailgun.accounts import drill_account, with_subaccount
from drill.mailgun.app import ENDPOINTS
from drill.mailgun.calls import Endpoint
from tests.contract import UnknownStatus, check_exchange, check_response, load_description
from tests.drill.mailgun_client import Mailgun, running

CREDENTIALS = "/v3/domains/mg.example.com/credentials"
MESSAGE = {"from": "app@mg.example.com", "to": "a@example.org", "subject": "Hello", "text": "Hi"}

Exchange = tuple[str, str, dict[str, str] | None]

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
]


@pytest.fixture(scope="module")
def description() -> OpenAPI:
    return load_description()


@pytest.fixture
def mailgun(description: OpenAPI) -> Iterator[Mailgun]:
    prepared = drill_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    prepared.account.set_disabled(False)
    with running(prepared) as mailgun:
        yield mailgun


def filled(path: str, mailgun: Mailgun) -> str:
    return path.format(
        key_id=mailgun.account.estate.keys[1].id,
        user_id=mailgun.account.users[0].id,
        subaccount_id=mailgun.account.subaccounts[0].id,
    )


@pytest.mark.parametrize(("method", "path", "fields"), SUCCESSES)
def test_what_succeeds_is_as_described(
    description: OpenAPI, mailgun: Mailgun, method: str, path: str, fields: dict[str, str] | None
) -> None:
    answer = mailgun.call(method, filled(path, mailgun), fields=fields)
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
    method, path, fields = exchange
    answer = mailgun.call(method, path, fields=fields)
    assert answer.status_code == status
    check_response(description, answer, "/us")


def concrete(endpoint: Endpoint) -> str:
    parts = {"domain_name": "mg.example.com", "name": "mg.example.com", "spec": "app"}
    return endpoint.path.format(**parts, key_id="none", user_id="none", subaccount_id="none")


def endpoint_name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=endpoint_name)
def test_a_refused_key_is_as_described_or_listed(description: OpenAPI, mailgun: Mailgun, endpoint: Endpoint) -> None:
    answer = mailgun.call(endpoint.method, concrete(endpoint), key="key-wrong", fields={})
    assert answer.status_code == 401
    check_response(description, answer, "/us")


@pytest.mark.parametrize("do", ["429", "500"])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=endpoint_name)
def test_a_fault_is_as_described_or_listed(description: OpenAPI, mailgun: Mailgun, endpoint: Endpoint, do: str) -> None:
    mailgun.order("POST", "/faults", do=do)
    answer = mailgun.call(endpoint.method, concrete(endpoint), fields={})
    assert answer.status_code == int(do)
    check_response(description, answer, "/us")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=endpoint_name)
def test_every_operation_is_tried_here(endpoint: Endpoint) -> None:
    tried = [(method, path.partition("?")[0]) for method, path, _ in SUCCESSES]
    names = {
        "{key_id}": "none",
        "{user_id}": "none",
        "{subaccount_id}": "none",
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
