"""Where an account's mail and events go, and who may call it: what the client finds, removes, and puts back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from drill.mailgun.accounts import Prepared, drill_account, with_subaccount
from drill.mailgun.times import utc_now
from drill.mailgun.visitors import FLOOD_FACTOR, Visit, an_attacker_was_there
from mailgun.client import MailgunClient
from recovery.account import Webhook
from recovery.errors import KeyRefused, NotFound
from recovery.holdings import Holdings, Trace
from recovery.suspicion import Circumstances, suspicions
from tests.mailgun.conftest import Practice, Start
from tests.mailgun.scripted import Answer, scripted

DAY = timedelta(days=1)


@pytest.fixture
def prepared() -> Prepared:
    """The drill's account with a subaccount, while it works."""
    prepared = drill_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    prepared.account.set_disabled(False)
    return prepared


@pytest.fixture
def visit(prepared: Prepared) -> Visit:
    """An attacker was there."""
    return an_attacker_was_there(prepared)


@pytest.fixture
def visited(start: Start, prepared: Prepared, visit: Visit) -> Practice:
    return start(prepared)


# --- Routes ---------------------------------------------------------------------------------------------


def test_every_route_is_listed_with_all_that_it_does(visited: Practice, visit: Visit) -> None:
    routes = {route.id: route for region in visited.client.regions for route in visited.client.routes(region)}
    left = routes[visit.left.route_id]

    assert set(routes) == {*visit.own.route_ids, visit.left.route_id}
    assert any("stranger" in action for action in left.actions)
    assert utc_now() - left.created_at < 3 * DAY


def test_a_route_that_was_deleted_can_be_put_back_as_it_was(visited: Practice, visit: Visit) -> None:
    (route,) = (route for route in visited.client.routes("us") if route.id == visit.left.route_id)
    visited.client.delete_route("us", route.id)
    assert route.id not in [other.id for other in visited.client.routes("us")]
    again = visited.client.create_route(route)

    assert replace(again, id=route.id, created_at=route.created_at) == route
    assert again in visited.client.routes("us")


def test_a_route_that_is_not_there_cannot_be_deleted(visited: Practice) -> None:
    with pytest.raises(NotFound, match="delete the route none"):
        visited.client.delete_route("us", "none")


# --- Webhooks -------------------------------------------------------------------------------------------


def webhook_of(visited: Practice, visit: Visit) -> Webhook:
    for region in visited.client.regions:
        for domain in visited.client.domains(region):
            if domain.name == visit.left.webhook_domain:
                return next(w for w in visited.client.webhooks(region, domain.name) if w.url == visit.left.webhook_url)
    raise AssertionError("the attacker's webhook is not listed")


def test_webhooks_are_listed_by_address_with_their_events(visited: Practice, visit: Visit) -> None:
    assert webhook_of(visited, visit).events == tuple(sorted(visit.left.webhook_events))


def test_a_webhook_that_was_deleted_can_be_put_back_as_it_was(visited: Practice, visit: Visit) -> None:
    webhook = webhook_of(visited, visit)
    visited.client.delete_webhook(webhook)
    assert webhook not in visited.client.webhooks(webhook.region, webhook.domain)
    visited.client.create_webhook(webhook)

    assert webhook in visited.client.webhooks(webhook.region, webhook.domain)


def test_the_webhooks_of_a_domain_that_is_not_there(visited: Practice) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.example\.com"):
        visited.client.webhooks("us", "nowhere.example.com")


# --- Copies of mail, and queued mail --------------------------------------------------------------------


def test_a_domain_says_where_copies_of_its_mail_go_and_can_be_told_otherwise(visited: Practice, visit: Visit) -> None:
    def archived() -> dict[str, str]:
        domains = (domain for region in visited.client.regions for domain in visited.client.domains(region))
        return {domain.name: domain.archive_to for domain in domains if domain.archive_to}

    assert archived() == {visit.left.archive_domain: visit.left.archive_to}
    visited.client.archive_to("us", visit.left.archive_domain, "")
    assert archived() == {}
    visited.client.archive_to("us", visit.left.archive_domain, visit.left.archive_to)
    assert archived() == {visit.left.archive_domain: visit.left.archive_to}


def test_a_domain_says_when_it_was_created_and_a_login_too(visited: Practice) -> None:
    domain = visited.client.domains("us")[0]

    assert domain.created_at is not None and domain.created_at.utcoffset() == timedelta(0)
    assert all(login.created_at is not None for login in visited.client.logins("us", domain.name))


def test_queued_mail_is_deleted_on_each_host_that_keeps_it(visited: Practice, visit: Visit) -> None:
    visited.client.delete_queued("us", visit.left.queued_domain)
    deleted = [one["deleted"] for one in visited.server.state()["queued"] if one["domain"] == visit.left.queued_domain]

    assert deleted == [True] * visit.left.queued
    assert len(visited.calls("DELETE")) == 2


def test_a_host_that_knows_no_such_domain_does_not_keep_the_next_one_from_being_asked() -> None:
    with scripted() as script:
        script.says(Answer(404, {"message": "domain not found"}), Answer(200, {"message": "done"}))
        script.client.delete_queued("us", "mg.example.com")

    assert script.requests == [f"DELETE /{host}/v3/mg.example.com/envelopes?" for host in ("first", "second")]


def test_a_domain_that_no_host_knows_is_not_found(visited: Practice) -> None:
    with pytest.raises(NotFound, match="delete the queued mail of nowhere"):
        visited.client.delete_queued("us", "nowhere.example.com")
    assert len(visited.calls("DELETE")) == 2


# --- Who may call ---------------------------------------------------------------------------------------


def test_an_address_that_was_taken_off_the_allowlist_can_be_put_back(visited: Practice, visit: Visit) -> None:
    (entry,) = (one for one in visited.client.allowlist() if one.address == visit.left.allowed_address)
    visited.client.disallow(entry.address)
    assert [one.address for one in visited.client.allowlist()] == list(visit.own.allowed_addresses)
    visited.client.allow(entry)

    assert entry in visited.client.allowlist()


def test_a_call_from_an_address_that_is_not_allowed_looks_like_one_with_a_dead_key(visited: Practice) -> None:
    visited.server.order("PATCH", "/account", calls_come_from="192.0.2.1").raise_for_status()

    with pytest.raises(KeyRefused):
        visited.client.keys()


def test_alerts_are_listed_with_what_they_watch(visited: Practice, visit: Visit) -> None:
    alerts = visited.client.alerts()

    assert {alert.id for alert in alerts} == set(visit.own.alert_ids)
    assert all(alert.metric and alert.channels and alert.created_at for alert in alerts)


# --- The whole account ----------------------------------------------------------------------------------


def test_subaccounts_are_listed_and_what_is_theirs_is_asked_on_their_behalf(visited: Practice) -> None:
    (shop,) = visited.client.subaccounts()
    theirs = visited.client.for_subaccount(shop.id)

    assert (shop.name, shop.is_open) == ("Shop", True)
    assert [domain.name for domain in theirs.domains("us")] == ["shop.example.com"]
    assert "shop.example.com" not in [domain.name for domain in visited.client.domains("us")]
    assert {call["on_behalf_of"] for call in visited.calls("GET")} == {None, shop.id}


def test_what_each_domain_sent_is_counted_by_day(visited: Practice, visit: Visit) -> None:
    today = utc_now().date()
    days = visited.client.sent(today - 9 * DAY, today)
    by_domain: dict[str, list[int]] = defaultdict(list)
    for day in days:
        by_domain[day.domain].append(day.sent)

    assert max(by_domain[visit.left.flooded_domain]) == FLOOD_FACTOR * visit.left.usual_a_day
    assert min(day.day for day in days) >= today - 9 * DAY
    assert "shop.example.com" in by_domain


# --- What of it looks wrong -----------------------------------------------------------------------------


def held(client: MailgunClient) -> Holdings:
    """All that the account and its subaccounts have."""
    views = [(owner, client.for_subaccount(owner.id if owner else None)) for owner in (None, *client.subaccounts())]
    domains = [
        replace(domain, owner=owner)
        for owner, view in views
        for region in client.regions
        for domain in view.domains(region)
    ]
    of = {owner.id if owner else None: view for owner, view in views}
    theirs = [(domain, of[domain.owner.id if domain.owner else None]) for domain in domains]
    today = utc_now().date()
    return Holdings(
        asked_at=utc_now(),
        keys=tuple(replace(key, owner=owner) for owner, view in views for key in view.keys()),
        domains=tuple(domains),
        logins=tuple(login for domain, view in theirs for login in view.logins(domain.region, domain.name)),
        users=tuple(client.users()),
        subaccounts=tuple(client.subaccounts()),
        routes=tuple(route for _, view in views for region in client.regions for route in view.routes(region)),
        webhooks=tuple(webhook for domain, view in theirs for webhook in view.webhooks(domain.region, domain.name)),
        allowlist=tuple(client.allowlist()),
        alerts=tuple(client.alerts()),
        sent=tuple(client.sent(today - 13 * DAY, today)),
    )


def test_of_a_visited_account_exactly_what_the_attacker_left_is_suspicious(
    visited: Practice, visit: Visit, prepared: Prepared
) -> None:
    now = utc_now()
    own = prepared.account.estate.key(prepared.admin_key.rpartition("-")[0])
    known = Circumstances(now - 14 * DAY, now, frozenset({own.id} if own else ()))
    found = {(one.trace, one.subject) for one in suspicions(held(visited.client), known)}

    assert found == {
        (Trace.KEY, visit.left.key_id),
        (Trace.ROUTE, f"us/{visit.left.route_id}"),
        (Trace.WEBHOOK, f"eu/{visit.left.webhook_domain}/{visit.left.webhook_url}"),
        (Trace.ARCHIVE, f"us/{visit.left.archive_domain}/{visit.left.archive_to}"),
        (Trace.SENDING, visit.left.flooded_domain),
        (Trace.ADDRESS, visit.left.allowed_address),
        *((Trace.ADDRESS, address) for address in visit.own.allowed_addresses),
    }
