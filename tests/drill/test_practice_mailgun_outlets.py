"""Routes, webhooks and copies of the practice Mailgun: where mail and what is known of it leave the account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from drill.mailgun.accounts import drill_account, with_subaccount
from tests.drill.mailgun_client import Mailgun, running

ROUTES = "/v3/routes"
WEBHOOKS_V3, WEBHOOKS = "/v3/domains/mg.example.com/webhooks", "/v4/domains/mg.example.com/webhooks"
DOMAIN = "/v4/domains/mg.example.com"
EXPRESSION = 'match_recipient("support@mg.example.com")'
FORWARD = 'forward("https://hooks.example.com/support")'
HOOK = "https://hooks.example.com/mailgun"
EVENTS = [
    "accepted",
    "delivered",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
    "temporary_fail",
    "permanent_fail",
]


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    prepared = drill_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    with running(prepared) as mailgun:
        yield mailgun


def make_route(mailgun: Mailgun, region: str = "us", **fields: str) -> dict[str, object]:
    answer = mailgun.call("POST", ROUTES, data={"expression": EXPRESSION, **fields}, region=region)
    route: dict[str, object] = answer.json()["route"]
    return route


def make_webhook(mailgun: Mailgun, *events: str, url: str = HOOK) -> requests.Response:
    return mailgun.call("POST", WEBHOOKS, data=[("url", url), *(("event_types", event) for event in events)])


def test_a_route_is_made_with_all_its_actions(mailgun: Mailgun) -> None:
    fields = [("priority", "2"), ("description", "Desk"), ("expression", EXPRESSION)]
    answer = mailgun.call("POST", ROUTES, data=[*fields, ("action", FORWARD), ("action", "stop()")])
    made = answer.json()
    assert made["message"] == "Route has been created"
    assert re.fullmatch(r"[0-9a-f]{24}", made["route"].pop("id"))
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", made["route"].pop("created_at"))
    assert made["route"] == {
        "priority": 2,
        "description": "Desk",
        "expression": EXPRESSION,
        "actions": [FORWARD, "stop()"],
    }


def test_a_route_needs_no_more_than_an_expression(mailgun: Mailgun) -> None:
    route = make_route(mailgun)
    assert (route["priority"], route["description"], route["actions"]) == (0, "", [])


def test_a_route_is_shown_by_its_id(mailgun: Mailgun) -> None:
    route = make_route(mailgun)
    assert mailgun.call("GET", f"{ROUTES}/{route['id']}").json() == {"route": route}


def test_routes_are_listed_in_pages_and_all_counted(mailgun: Mailgun) -> None:
    ids = [make_route(mailgun)["id"] for _ in range(3)]
    page = mailgun.call("GET", f"{ROUTES}?limit=1&skip=1").json()
    assert ([item["id"] for item in page["items"]], page["total_count"]) == ([ids[1]], 3)


def test_a_route_belongs_to_its_region(mailgun: Mailgun) -> None:
    route = make_route(mailgun, region="eu")
    assert mailgun.call("GET", ROUTES).json() == {"total_count": 0, "items": []}
    assert mailgun.call("DELETE", f"{ROUTES}/{route['id']}").status_code == 404
    assert mailgun.call("GET", ROUTES, region="eu").json()["items"] == [route]


def test_a_route_belongs_to_its_subaccount(mailgun: Mailgun) -> None:
    headers = {"X-Mailgun-On-Behalf-Of": mailgun.account.subaccounts[0].id}
    mailgun.call("POST", ROUTES, data={"expression": EXPRESSION}, headers=headers)
    assert mailgun.call("GET", ROUTES).json()["total_count"] == 0
    assert mailgun.call("GET", ROUTES, headers=headers).json()["total_count"] == 1
    assert mailgun.state()["routes"][0]["subaccount_id"] == headers["X-Mailgun-On-Behalf-Of"]


def test_a_deleted_route_is_listed_no_more_and_kept_in_the_state(mailgun: Mailgun) -> None:
    route = make_route(mailgun)
    answer = mailgun.call("DELETE", f"{ROUTES}/{route['id']}").json()
    assert answer == {"message": "Route has been deleted", "id": route["id"]}
    assert mailgun.call("GET", ROUTES).json()["items"] == []
    (kept,) = mailgun.state()["routes"]
    assert (kept["id"], kept["deleted"]) == (route["id"], True)
    assert kept["deleted_by"] == mailgun.key_of(description="Production backend")["id"]


def test_a_route_can_be_deleted_once(mailgun: Mailgun) -> None:
    path = f"{ROUTES}/{make_route(mailgun)['id']}"
    mailgun.call("DELETE", path)
    answer = mailgun.call("DELETE", path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Route not found"})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "stop()"}, "Parameter 'expression' is missing"),
        ({"expression": EXPRESSION, "actions": "stop()"}, "Unknown parameter 'actions'"),
        ({"expression": "everything"}, "Invalid expression: everything"),
        ({"expression": EXPRESSION, "action": "drop()"}, "Invalid action: drop()"),
        ({"expression": EXPRESSION, "priority": "high"}, "Parameter 'priority' must be a number"),
        ({"expression": [EXPRESSION, EXPRESSION]}, "Parameter 'expression' is given more than once"),
    ],
)
def test_a_route_that_cannot_be_is_refused_in_words(mailgun: Mailgun, fields: dict[str, str], words: str) -> None:
    answer = mailgun.call("POST", ROUTES, data=fields)
    assert (answer.status_code, answer.json()) == (400, {"message": words})
    assert mailgun.state()["routes"] == []


def test_a_route_in_a_body_of_another_type_is_refused(mailgun: Mailgun) -> None:
    answer = mailgun.call("POST", ROUTES, fields={"expression": EXPRESSION})
    words = "The body must be application/x-www-form-urlencoded"
    assert (answer.status_code, answer.json()) == (400, {"message": words})


def test_a_domain_shows_every_kind_of_event(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "opened")
    heard = mailgun.call("GET", WEBHOOKS_V3).json()["webhooks"]
    assert list(heard) == EVENTS
    assert {event: urls for event, urls in heard.items() if urls} == {"opened": {"urls": [HOOK]}}


def test_a_webhook_hears_of_several_events(mailgun: Mailgun) -> None:
    answer = make_webhook(mailgun, "clicked", "opened")
    assert answer.json() == {"webhooks": {"opened": {"urls": [HOOK]}, "clicked": {"urls": [HOOK]}}}


def test_an_event_may_have_several_webhooks(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "opened")
    answer = make_webhook(mailgun, "opened", url=f"{HOOK}/2")
    assert answer.json()["webhooks"]["opened"] == {"urls": [HOOK, f"{HOOK}/2"]}


def test_a_webhook_that_exists_is_refused_with_its_reason(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "clicked")
    answer = make_webhook(mailgun, "opened", "clicked")
    reason = f"Webhook for event type 'clicked' with URL '{HOOK}' already exists"
    assert (answer.status_code, answer.json()) == (400, {"Reason": reason})
    assert len(mailgun.state()["webhooks"]) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"event_types": "opened"}, "Parameter 'url' is missing"),
        ({"url": HOOK}, "Parameter 'event_types' is missing"),
        ({"url": "nowhere", "event_types": "opened"}, "Invalid URL 'nowhere'"),
        ({"url": HOOK, "event_types": "read"}, "Invalid event type 'read'"),
        ({"url": HOOK, "event_types": "opened", "event_type": "read"}, "Unknown parameter 'event_type'"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused_in_words(mailgun: Mailgun, fields: dict[str, str], reason: str) -> None:
    answer = mailgun.call("POST", WEBHOOKS, data=fields)
    assert (answer.status_code, answer.json()) == (400, {"Reason": reason})


def test_a_webhook_in_a_body_of_another_type_is_refused(mailgun: Mailgun) -> None:
    answer = mailgun.call("POST", WEBHOOKS, fields={"url": HOOK, "event_types": "opened"})
    assert answer.status_code == 400


def test_several_webhooks_are_deleted_at_once_from_all_their_events(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "opened", "clicked")
    make_webhook(mailgun, "opened", url=f"{HOOK}/2")
    make_webhook(mailgun, "opened", url=f"{HOOK}/3")
    answer = mailgun.call("DELETE", WEBHOOKS, params={"url": f"{HOOK},{HOOK}/2"})
    assert answer.json() == {"webhooks": {"opened": {"urls": [f"{HOOK}/3"]}}}


def test_a_deleted_webhook_is_kept_in_the_state(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "opened")
    mailgun.call("DELETE", WEBHOOKS, params={"url": HOOK})
    (kept,) = mailgun.state()["webhooks"]
    assert (kept["domain"], kept["event"], kept["url"], kept["deleted"]) == ("mg.example.com", "opened", HOOK, True)
    assert kept["deleted_by"] == mailgun.key_of(description="Production backend")["id"]


def test_a_deleted_webhook_may_be_made_again(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "opened")
    mailgun.call("DELETE", WEBHOOKS, params={"url": HOOK})
    assert make_webhook(mailgun, "opened").status_code == 200


def test_deleting_beside_a_url_that_is_none_deletes_the_others(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "opened")
    assert mailgun.call("DELETE", WEBHOOKS, params={"url": f"{HOOK},{HOOK}/2"}).json() == {"webhooks": {}}


def test_deleting_urls_that_the_domain_has_not_is_not_found(mailgun: Mailgun) -> None:
    assert mailgun.call("DELETE", WEBHOOKS, params={"url": HOOK}).status_code == 404


def test_a_webhook_of_another_domain_is_not_found(mailgun: Mailgun) -> None:
    make_webhook(mailgun, "opened")
    path = "/v4/domains/news.example.com/webhooks"
    assert mailgun.call("DELETE", path, params={"url": HOOK}).status_code == 404


def test_copies_are_set_and_shown(mailgun: Mailgun) -> None:
    answer = mailgun.call("PUT", DOMAIN, fields={"archive_to": HOOK}).json()
    assert (answer["message"], answer["domain"]["archive_to"]) == ("Domain has been updated", HOOK)
    assert mailgun.call("GET", DOMAIN).json()["domain"]["archive_to"] == HOOK


def test_a_domain_without_copies_says_nothing_of_them(mailgun: Mailgun) -> None:
    assert "archive_to" not in mailgun.call("GET", DOMAIN).json()["domain"]


def test_an_empty_address_ends_the_copies(mailgun: Mailgun) -> None:
    mailgun.call("PUT", DOMAIN, fields={"archive_to": HOOK})
    answer = mailgun.call("PUT", DOMAIN, fields={"archive_to": ""})
    assert "archive_to" not in answer.json()["domain"]


def test_the_state_keeps_where_copies_went(mailgun: Mailgun) -> None:
    mailgun.call("PUT", DOMAIN, fields={"archive_to": HOOK})
    mailgun.call("PUT", DOMAIN, fields={"archive_to": ""})
    (domain,) = [domain for domain in mailgun.state()["domains"] if domain["name"] == "mg.example.com"]
    (kept,) = domain["archives"]
    assert (domain["archive_to"], kept["url"], kept["deleted"]) == (None, HOOK, True)
    assert kept["deleted_by"] == mailgun.key_of(description="Production backend")["id"]


def test_another_setting_leaves_the_copies_alone(mailgun: Mailgun) -> None:
    mailgun.call("PUT", DOMAIN, fields={"archive_to": HOOK})
    answer = mailgun.call("PUT", DOMAIN, fields={"spam_action": "tag"})
    assert answer.json()["domain"]["archive_to"] == HOOK


def test_a_domains_smtp_password_is_its_postmasters(mailgun: Mailgun) -> None:
    mailgun.call("PUT", DOMAIN, fields={"smtp_password": "a" * 32})
    assert mailgun.password("postmaster@mg.example.com") == "a" * 32


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"archive_to": "nowhere"}, "Parameter 'archive_to' must be a URL"),
        ({"archiveto": HOOK}, "Unknown parameter 'archiveto'"),
        ({"archive_to": HOOK, "smtp_password": "abc"}, "Password is too short"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_nothing_is_changed(
    mailgun: Mailgun, fields: dict[str, str], words: str
) -> None:
    answer = mailgun.call("PUT", DOMAIN, fields=fields)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert "archive_to" not in mailgun.call("GET", DOMAIN).json()["domain"]


def test_settings_in_a_body_of_another_type_are_refused(mailgun: Mailgun) -> None:
    answer = mailgun.call("PUT", DOMAIN, data={"archive_to": HOOK})
    assert (answer.status_code, answer.json()) == (400, {"message": "The body must be multipart/form-data"})


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", ROUTES, {"data": {"expression": EXPRESSION}}),
        ("POST", WEBHOOKS, {"data": {"url": HOOK, "event_types": "opened"}}),
        ("PUT", DOMAIN, {"fields": {"archive_to": HOOK}}),
    ],
)
@pytest.mark.parametrize(("role", "status"), [("Staging", 200), ("Dashboard", 403)])
def test_developers_may_change_outlets_and_readers_may_not(
    mailgun: Mailgun, method: str, path: str, options: dict[str, Any], role: str, status: int
) -> None:
    secret = mailgun.key_of(description=role)["secret"]
    assert mailgun.call(method, path, key=secret, **options).status_code == status


@pytest.mark.parametrize("path", [ROUTES, WEBHOOKS_V3])
def test_readers_may_see_outlets(mailgun: Mailgun, path: str) -> None:
    assert mailgun.call("GET", path, key=mailgun.key_of(description="Dashboard")["secret"]).status_code == 200
