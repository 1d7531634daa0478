"""What an attacker leaves on an account of the practice Mailgun, and what the company had there before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drill.mailgun.accounts import Prepared, drill_account, small_account, twofold_account, with_subaccount
from drill.mailgun.outlets import Kept
from drill.mailgun.visitors import FLOOD_FACTOR, OWN_HOST, STRANGER, Visit, an_attacker_was_there
from tests.drill.mailgun_client import Mailgun, running

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
QUARTER, VISIT = timedelta(days=90), timedelta(days=2)


@dataclass(frozen=True)
class Scene:
    """A running Mailgun, and what was left on it."""

    mailgun: Mailgun
    visit: Visit

    def get(self, path: str, region: str = "us") -> Any:
        answer = self.mailgun.call("GET", path, region=region)
        assert answer.status_code == 200
        return answer.json()


def visited() -> tuple[Prepared, Visit]:
    prepared = drill_account(NOW)
    with_subaccount(prepared, "Shop", "shop.example.com")
    return prepared, an_attacker_was_there(prepared, NOW)


@pytest.fixture
def scene() -> Iterator[Scene]:
    prepared, visit = visited()
    with running(prepared, now=lambda: NOW) as mailgun:
        yield Scene(mailgun, visit)


def test_a_key_without_a_description_was_made_by_nobody_known(scene: Scene) -> None:
    (key,) = [key for key in scene.get("/v1/keys")["items"] if key["id"] == scene.visit.left.key_id]
    assert (key["kind"], key["role"], key["description"]) == ("user", "admin", "")
    assert key["created_at"] == "2026-03-08T09:30:00"
    assert key["requestor"] not in {user["email"] for user in scene.get("/v5/users")["users"]}


def test_the_strange_key_works(scene: Scene) -> None:
    key = scene.mailgun.key_of(id=scene.visit.left.key_id)
    assert scene.mailgun.call("GET", "/v4/domains", key=key["secret"]).status_code == 200


def test_one_route_leads_to_the_stranger(scene: Scene) -> None:
    routes = scene.get("/v3/routes")["items"] + scene.get("/v3/routes", "eu")["items"]
    (strange,) = [route for route in routes if STRANGER in str(route["actions"])]
    assert strange["id"] == scene.visit.left.route_id
    assert {route["id"] for route in routes} - {strange["id"]} == set(scene.visit.own.route_ids)
    assert scene.visit.left.route_region == "us"


def test_one_webhook_leads_to_the_stranger(scene: Scene) -> None:
    left = scene.visit.left
    state = scene.mailgun.state()["webhooks"]
    strange = [webhook for webhook in state if STRANGER in webhook["url"]]
    assert {(webhook["domain"], webhook["url"]) for webhook in strange} == {(left.webhook_domain, left.webhook_url)}
    assert [webhook["event"] for webhook in strange] == list(left.webhook_events)
    assert {webhook["url"] for webhook in state} - {left.webhook_url} == set(scene.visit.own.webhook_urls)


def test_one_domain_sends_copies_to_the_stranger(scene: Scene) -> None:
    left = scene.visit.left
    copied = {
        domain["name"]: domain["archive_to"] for domain in scene.mailgun.state()["domains"] if domain["archive_to"]
    }
    assert copied == {left.archive_domain: left.archive_to}
    assert STRANGER in left.archive_to


def test_the_stranger_may_call_beside_the_company(scene: Scene) -> None:
    addresses = [entry["ip_address"] for entry in scene.get("/v2/ip_whitelist")["addresses"]]
    assert addresses == ["203.0.113.7", "198.51.100.66"]
    assert (list(scene.visit.own.allowed_addresses), scene.visit.left.allowed_address) == (addresses[:1], addresses[1])


def test_a_month_of_sending_is_known_of_every_domain(scene: Scene) -> None:
    state = scene.mailgun.state()
    assert set(state["sent_by_day"]) == {domain["name"] for domain in state["domains"]}
    assert {len(days) for days in state["sent_by_day"].values()} == {30}


def test_one_domain_sent_forty_times_as_much_on_its_last_two_days(scene: Scene) -> None:
    left = scene.visit.left
    for name, days in scene.mailgun.state()["sent_by_day"].items():
        *usual, yesterday, today = days.values()
        assert max(usual) - min(usual) <= 2
        if name == left.flooded_domain:
            assert yesterday == today == FLOOD_FACTOR * left.usual_a_day
            assert left.usual_a_day in usual
        else:
            assert max(yesterday, today) <= max(usual)


def test_mail_waits_for_tomorrow_in_that_domain(scene: Scene) -> None:
    left = scene.visit.left
    queued = scene.mailgun.state()["queued"]
    assert len(queued) == left.queued > 0
    assert {(told["domain"], told["host"]) for told in queued} == {(left.queued_domain, left.queued_host)}
    assert {told["due_at"] for told in queued} == {"2026-03-11T09:30:00.000000+00:00"}


def test_the_queued_mail_can_be_deleted(scene: Scene) -> None:
    left = scene.visit.left
    path = f"/v3/{left.queued_domain}/envelopes"
    assert scene.mailgun.call("DELETE", path, region=left.queued_host).status_code == 200
    assert all(told["deleted"] for told in scene.mailgun.state()["queued"])


def test_the_companys_alerts_are_there(scene: Scene) -> None:
    alerts = scene.get("/v1/thresholds/alerts/send")["items"]
    assert [alert["id"] for alert in alerts] == list(scene.visit.own.alert_ids)


def kept(prepared: Prepared) -> list[Kept]:
    account = prepared.account
    domains = [domain for _, estate in account.estates() for domain in estate.domains]
    webhooks = [webhook for domain in domains for webhook in domain.webhooks]
    archives = [archive for domain in domains for archive in domain.archives]
    return [*account.estate.routes, *webhooks, *archives, *account.allowlist, *account.queued]


def test_what_is_the_companys_is_older_than_a_quarter() -> None:
    prepared, _ = visited()
    own = [thing for thing in kept(prepared) if thing.created_by is None]
    assert all(thing.created_at <= NOW - QUARTER for thing in own)
    assert all(alert.created_at <= NOW - QUARTER for alert in prepared.account.estate.alerts)


def test_what_is_the_attackers_was_made_with_the_strange_key_since_the_visit() -> None:
    prepared, visit = visited()
    strange = [thing for thing in kept(prepared) if thing.created_by == visit.left.key_id]
    assert len(strange) == 1 + len(visit.left.webhook_events) + 1 + 1 + visit.left.queued
    assert all(NOW - VISIT <= thing.created_at <= NOW for thing in strange)


def test_the_companys_urls_are_on_its_own_host() -> None:
    _, visit = visited()
    assert all(url.startswith(f"https://{OWN_HOST}/") for url in visit.own.webhook_urls)


@pytest.mark.parametrize("account", [small_account, twofold_account, drill_account])
def test_any_account_may_be_visited(account: Any) -> None:
    visit = an_attacker_was_there(account(NOW), NOW)
    assert visit.left.flooded_domain == "mg.example.com"


def test_an_account_without_american_domains_cannot_be_visited() -> None:
    prepared = small_account(NOW)
    prepared.account.estate.domains = prepared.account.estate.domains[1:]
    with pytest.raises(ValueError, match="US region"):
        an_attacker_was_there(prepared, NOW)
