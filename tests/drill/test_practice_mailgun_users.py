"""Users of the practice Mailgun, the status page, and the drill's orders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from drill.mailgun.accounts import drill_account
from tests.drill.mailgun_client import Mailgun, running

NOW = datetime(2026, 3, 1, 9, 30, 15, 250000, tzinfo=UTC)


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    with running(drill_account(NOW), now=lambda: NOW) as mailgun:
        yield mailgun


def user(mailgun: Mailgun, name: str) -> dict[str, Any]:
    users = mailgun.call("GET", "/v5/users").json()["users"]
    return next(user for user in users if user["name"] == name)


def test_users_are_paged_and_their_total_is_the_whole(mailgun: Mailgun) -> None:
    first, last = (mailgun.call("GET", f"/v5/users?limit=4&skip={skip}").json() for skip in (0, 4))
    assert (len(first["users"]), len(last["users"])) == (4, 3)
    assert first["total"] == last["total"] == 7


def test_users_are_listed_by_role(mailgun: Mailgun) -> None:
    answer = mailgun.call("GET", "/v5/users?role=admin").json()
    assert [user["name"] for user in answer["users"]] == ["Olivia", "Priya", "Chen"]
    assert answer["total"] == 3
    assert mailgun.call("GET", "/v5/users?role=owner").status_code == 400


def test_a_user_shows_how_they_sign_in(mailgun: Mailgun) -> None:
    methods = {name: user(mailgun, name)["auth"]["method"] for name in ("Olivia", "Sam", "Noah")}
    assert methods == {"Olivia": "password", "Sam": "sinch", "Noah": "saml"}
    assert user(mailgun, "Sam")["migration_status"] == "done"


def test_times_have_microseconds_and_no_offset(mailgun: Mailgun) -> None:
    priya = user(mailgun, "Priya")
    for field in ("tfa_created_at", "password_updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", priya[field])
    assert user(mailgun, "Chen")["tfa_created_at"] is None


def test_one_user_is_read_by_id(mailgun: Mailgun) -> None:
    chen = user(mailgun, "Chen")
    assert mailgun.call("GET", f"/v5/users/{chen['id']}").json() == chen
    assert mailgun.call("GET", "/v5/users/none").status_code == 404


def test_only_a_users_own_key_knows_me(mailgun: Mailgun) -> None:
    answer = mailgun.call("GET", "/v5/users/me")
    assert (answer.status_code, answer.json()) == (403, {"message": "Incompatible key for this endpoint"})
    session = mailgun.key_of(kind="web")
    assert mailgun.call("GET", "/v5/users/me", key=session["secret"]).json()["name"] == "Olivia"


def test_an_order_turns_on_2fa_and_dates_it(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", f"/users/{user(mailgun, 'Chen')['id']}", tfa_active=True)
    chen = user(mailgun, "Chen")
    assert (chen["tfa_active"], chen["tfa_enabled"]) == (True, True)
    assert chen["tfa_created_at"] == "2026-03-01T09:30:15.250000"


def test_an_order_turns_off_2fa(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/users/priya@example.com", tfa_active=False)
    assert (user(mailgun, "Priya")["tfa_active"], user(mailgun, "Priya")["tfa_created_at"]) == (False, None)


def test_an_order_resets_a_password_and_dates_it(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/users/chen@example.com", password_reset=True)
    assert user(mailgun, "Chen")["password_updated_at"] == "2026-03-01T09:30:15.250000"


def test_an_order_dates_what_an_attacker_did_before(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/users/chen@example.com", password_updated_at="2026-02-28T23:00:00")
    assert user(mailgun, "Chen")["password_updated_at"] == "2026-02-28T23:00:00.000000"


def test_an_order_removes_a_user(mailgun: Mailgun) -> None:
    chen = user(mailgun, "Chen")
    mailgun.order("PATCH", f"/users/{chen['id']}", removed=True)
    assert mailgun.call("GET", "/v5/users").json()["total"] == 6
    assert mailgun.call("GET", f"/v5/users/{chen['id']}").status_code == 404


def test_an_order_disables_a_user(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/users/chen@example.com", is_disabled=True)
    assert user(mailgun, "Chen")["is_disabled"] is True


def test_an_order_adds_a_user(mailgun: Mailgun) -> None:
    added = mailgun.order("POST", "/users", email="eve@example.com", role="admin", tfa_active=True)
    assert added.status_code == 201
    eve = user(mailgun, "Eve")
    assert (eve["role"], eve["tfa_active"], eve["auth"]["method"]) == ("admin", True, "password")


def test_an_attackers_user_may_have_a_past(mailgun: Mailgun) -> None:
    past = {"tfa_created_at": "2026-02-28T22:00:00", "password_updated_at": "2026-02-28T23:00:00"}
    mailgun.order("POST", "/users", email="eve@example.com", role="admin", **past)
    eve = user(mailgun, "Eve")
    assert eve["tfa_active"]
    assert {name: eve[name] for name in past} == {name: f"{at}.000000" for name, at in past.items()}


@pytest.mark.parametrize("email", ["", None])
def test_a_user_may_have_no_address(mailgun: Mailgun, email: str | None) -> None:
    added = mailgun.order("POST", "/users", email=email, name="Ada").json()
    ada = user(mailgun, "Ada")
    assert ada["email"] == added["email"] == email
    assert ada["email_details"]["is_valid"] is False
    mailgun.order("PATCH", f"/users/{ada['id']}", tfa_active=True)
    assert user(mailgun, "Ada")["tfa_active"]
    assert mailgun.call("GET", f"/v5/users/{ada['id']}").json()["email"] == email


@pytest.mark.parametrize("email", ["chen.wei@example.com", "", None])
def test_an_order_changes_an_address_or_takes_it_away(mailgun: Mailgun, email: str | None) -> None:
    mailgun.order("PATCH", "/users/chen@example.com", email=email)
    assert user(mailgun, "Chen")["email"] == email


def test_an_order_without_an_address_leaves_it(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/users/chen@example.com", activated=False)
    assert user(mailgun, "Chen")["email"] == "chen@example.com"


def test_an_address_means_the_user_who_has_it_now(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/users/chen@example.com", removed=True)
    mailgun.order("POST", "/users", email="chen@example.com", name="Chen anew")
    mailgun.order("PATCH", "/users/chen@example.com", tfa_active=True)
    assert user(mailgun, "Chen anew")["tfa_active"]


def test_a_removed_user_can_be_brought_back(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/users/chen@example.com", removed=True)
    mailgun.order("PATCH", "/users/chen@example.com", removed=False)
    assert mailgun.call("GET", "/v5/users").json()["total"] == 7


def test_2fa_can_be_turned_on_again_and_is_dated_anew(mailgun: Mailgun) -> None:
    for active in (False, True):
        mailgun.order("PATCH", "/users/priya@example.com", tfa_active=active)
    assert user(mailgun, "Priya")["tfa_created_at"] == "2026-03-01T09:30:15.250000"


def test_an_order_adds_a_key_that_works(mailgun: Mailgun) -> None:
    key = mailgun.order("POST", "/keys", kind="user", role="admin", description="backdoor").json()
    assert mailgun.call("GET", "/v1/keys", key=key["secret"]).status_code == 200


def test_an_order_adds_a_credential(mailgun: Mailgun) -> None:
    mailgun.order("POST", "/credentials", domain="mg.example.com", login="ghost", password="ghostly")
    items = mailgun.call("GET", "/v3/domains/mg.example.com/credentials").json()["items"]
    assert "ghost@mg.example.com" in {item["login"] for item in items}
    assert mailgun.password("ghost@mg.example.com") == "ghostly"


@pytest.mark.parametrize(
    ("method", "path", "order", "words"),
    [
        ("PATCH", "/users/nobody", {"tfa_active": True}, "there is no user 'nobody'"),
        ("PATCH", "/users/chen@example.com", {"tfa_active": "yes"}, "'tfa_active' must be true or false"),
        ("PATCH", "/users/chen@example.com", {"tfa": True}, "unknown fields: tfa"),
        ("PATCH", "/users/chen@example.com", {"password_updated_at": "now"}, "must be a time"),
        ("POST", "/users", {}, "lacks the field 'email'"),
        ("POST", "/users", {"email": 7}, "'email' must be a text"),
        ("POST", "/users", {"email": "eve@example.com", "tfa_created_at": "now"}, "must be a time"),
        ("PATCH", "/users/chen@example.com", {"email": 7}, "'email' must be a text"),
        ("PATCH", "/account", {"key_limit": "none"}, "'key_limit' must be a whole number"),
        ("PATCH", "/account", {"disable": True}, "unknown fields: disable"),
        ("POST", "/keys", {"kind": "domain"}, "lacks the field 'domain_name'"),
        ("POST", "/keys", {"kind": "domain", "domain_name": "none.example.com"}, "there is no domain"),
        ("PATCH", "/keys/none", {"disabled_reason": ""}, "there is no key"),
        ("POST", "/credentials", {"domain": "none.example.com", "login": "a"}, "no domain"),
        ("POST", "/credentials", {"domain": "mg.example.com", "login": "app"}, "exists"),
        ("PATCH", "/status", {"indicator": "bad"}, "'indicator' must be one of"),
    ],
)
def test_a_malformed_order_changes_nothing_and_is_refused_in_words(
    mailgun: Mailgun, method: str, path: str, order: dict[str, Any], words: str
) -> None:
    before = mailgun.state()
    answer = mailgun.order(method, path, **order)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert mailgun.state() == before


def test_the_log_keeps_every_call_in_order_without_secrets(mailgun: Mailgun) -> None:
    mailgun.call("GET", "/v4/domains?limit=1000", region="eu")
    path = "/v3/domains/mg.example.com/credentials/app%40mg.example.com"
    mailgun.call("PUT", path, fields={"password": "correct-horse"})
    mailgun.call("GET", "/v5/nothing", key="key-wrong")
    domains, password, nothing = mailgun.log()
    own = mailgun.key_of(description="Production backend")["id"]
    assert domains == {
        "at": "2026-03-01T09:30:15.250000+00:00",
        "region": "eu",
        "host": "eu",
        "method": "GET",
        "path": "/v4/domains",
        "query": "limit=1000",
        "fields": [],
        "login": None,
        "on_behalf_of": None,
        "key_id": own,
        "status": 200,
    }
    assert (password["fields"], password["login"]) == (["password"], "app@mg.example.com")
    assert (nothing["key_id"], nothing["status"]) == (None, 404)
    assert "correct-horse" not in requests.get(f"{mailgun.url}/_drill/log", timeout=5).text


def test_the_log_says_which_deleted_key_was_tried(mailgun: Mailgun) -> None:
    staging = mailgun.key_of(description="Staging")
    mailgun.call("DELETE", f"/v1/keys/{staging['id']}")
    mailgun.call("GET", "/v4/domains", key=staging["secret"])
    assert [(call["key_id"], call["status"]) for call in mailgun.log()][-1] == (staging["id"], 401)


def test_a_call_that_a_fault_kept_away_is_not_in_the_log(mailgun: Mailgun) -> None:
    mailgun.order("POST", "/faults", do="500")
    mailgun.call("GET", "/v4/domains")
    assert mailgun.log() == []


def test_the_server_says_that_it_is_there(mailgun: Mailgun) -> None:
    assert requests.get(f"{mailgun.url}/healthz", timeout=5).text == "ok"


def test_the_status_page_is_operational_until_told_otherwise(mailgun: Mailgun) -> None:
    url = f"{mailgun.url}/status/api/v2/summary.json"
    summary = requests.get(url, timeout=5).json()
    assert summary["status"] == {"indicator": "none", "description": "All Systems Operational"}
    assert {component["status"] for component in summary["components"]} == {"operational"}
    mailgun.order("PATCH", "/status", indicator="major", description="Partial outage")
    summary = requests.get(url, timeout=5).json()
    assert summary["status"] == {"indicator": "major", "description": "Partial outage"}
