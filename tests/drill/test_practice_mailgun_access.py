"""Who may call the practice Mailgun, and for what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from drill.mailgun.accounts import drill_account, small_account, with_subaccount
from tests.drill.mailgun_client import Mailgun, running


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    with running(drill_account()) as mailgun:
        yield mailgun


def assert_refused(answer: requests.Response) -> None:
    assert (answer.status_code, answer.text) == (401, "Forbidden")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_the_admin_key_works_in_both_regions(mailgun: Mailgun) -> None:
    for region in ("us", "eu"):
        assert mailgun.call("GET", "/v1/keys", region=region).status_code == 200


def test_a_wrong_key_is_refused(mailgun: Mailgun) -> None:
    assert_refused(mailgun.call("GET", "/v1/keys", key="key-wrong"))


def test_no_key_is_refused(mailgun: Mailgun) -> None:
    assert_refused(requests.get(f"{mailgun.url}/us/v1/keys", timeout=5))


def test_a_user_other_than_api_is_refused(mailgun: Mailgun) -> None:
    assert_refused(requests.get(f"{mailgun.url}/us/v1/keys", auth=("me", mailgun.admin_key), timeout=5))


@pytest.mark.parametrize("header", ["Bearer abc", "Basic ###", "Basic", ""])
def test_a_header_that_is_not_basic_auth_is_refused(mailgun: Mailgun, header: str) -> None:
    headers = {"Authorization": header}
    assert_refused(requests.get(f"{mailgun.url}/us/v1/keys", headers=headers, timeout=5))


def test_a_deleted_key_is_refused_from_the_next_call_on(mailgun: Mailgun) -> None:
    staging = mailgun.key_of(description="Staging")
    assert mailgun.call("GET", "/v4/domains", key=staging["secret"]).status_code == 200
    mailgun.call("DELETE", f"/v1/keys/{staging['id']}")
    assert_refused(mailgun.call("GET", "/v4/domains", key=staging["secret"]))


def test_a_key_may_delete_itself(mailgun: Mailgun) -> None:
    own = mailgun.key_of(description="Production backend")
    assert mailgun.call("DELETE", f"/v1/keys/{own['id']}").json() == {"message": "key deleted"}
    assert_refused(mailgun.call("GET", "/v1/keys"))


def test_a_disabled_key_is_refused(mailgun: Mailgun) -> None:
    staging = mailgun.key_of(description="Staging")
    mailgun.order("PATCH", f"/keys/{staging['id']}", disabled_reason="leaked")
    assert_refused(mailgun.call("GET", "/v4/domains", key=staging["secret"]))
    (shown,) = [key for key in mailgun.call("GET", "/v1/keys").json()["items"] if key["id"] == staging["id"]]
    assert (shown["is_disabled"], shown["disabled_reason"]) == (True, "leaked")


def test_an_expired_key_is_refused() -> None:
    times = [datetime(2026, 3, 1, tzinfo=UTC)]
    with running(now=lambda: times[0]) as mailgun:
        made = mailgun.call("POST", "/v1/keys", fields={"role": "admin", "expiration": "60"}).json()["key"]
        assert made["expires_at"] == "2026-03-01T00:01:00"
        assert mailgun.call("GET", "/v1/keys", key=made["secret"]).status_code == 200
        times[0] += timedelta(seconds=60)
        assert_refused(mailgun.call("GET", "/v1/keys", key=made["secret"]))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/keys"),
        ("GET", "/v4/domains"),
        ("GET", "/v5/users"),
        ("POST", "/v3/news.example.com/messages"),
        ("PUT", "/v3/domains/mg.example.com/credentials/app"),
    ],
)
def test_a_sending_key_can_only_send_for_its_domain(mailgun: Mailgun, method: str, path: str) -> None:
    key = mailgun.key_of(domain_name="mg.example.com")
    assert_refused(mailgun.call(method, path, key=key["secret"], fields={}))


@pytest.mark.parametrize(
    ("key", "method", "path", "fields", "status"),
    [
        ("Staging", "GET", "/v1/keys", None, 200),
        ("Staging", "PUT", "/v3/domains/mg.example.com/credentials/app", {"password": "a" * 32}, 200),
        ("Staging", "POST", "/v1/keys", {"role": "admin"}, 403),
        ("Staging", "DELETE", "/v1/keys/none", None, 403),
        ("Staging", "POST", "/v5/accounts/http_signing_key", None, 403),
        ("Staging", "GET", "/v5/users", None, 403),
        ("Dashboard", "GET", "/v1/keys", None, 200),
        ("Dashboard", "GET", "/v5/users", None, 200),
        ("Dashboard", "PUT", "/v3/domains/mg.example.com/credentials/app", {"password": "a" * 32}, 403),
        ("Dashboard", "POST", "/v3/mg.example.com/messages", {}, 403),
        ("Dashboard", "POST", "/v1/keys", {"role": "admin"}, 403),
    ],
)
def test_roles(mailgun: Mailgun, key: str, method: str, path: str, fields: dict[str, str] | None, status: int) -> None:
    secret = mailgun.key_of(description=key)["secret"]
    answer = mailgun.call(method, path, key=secret, fields=fields)
    assert answer.status_code == status
    if status == 403:
        assert answer.json() == {"message": "Forbidden"}


@pytest.mark.parametrize("path", ["/v2/unknown", "/v3/domains", "/"])
def test_what_mailgun_does_not_have_is_404_in_plain_text(mailgun: Mailgun, path: str) -> None:
    answer = mailgun.call("GET", path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_on_behalf_of_acts_on_the_subaccount() -> None:
    prepared = small_account()
    subaccount = with_subaccount(prepared, "Shop", "shop.example.com")
    with running(prepared) as mailgun:
        headers = {"X-Mailgun-On-Behalf-Of": subaccount.id}
        domains = mailgun.call("GET", "/v4/domains", headers=headers).json()["items"]
        assert [domain["name"] for domain in domains] == ["shop.example.com"]
        (key,) = mailgun.call("GET", "/v1/keys", headers=headers).json()["items"]
        assert key["domain_name"] == "shop.example.com"
        path = "/v3/domains/shop.example.com/credentials/app"
        fields = {"password": "a" * 32}
        assert mailgun.call("PUT", path, fields=fields).status_code == 404
        assert mailgun.call("PUT", path, fields=fields, headers=headers).status_code == 200
        assert mailgun.password("app@shop.example.com") == "a" * 32


def test_on_behalf_of_nobody_is_forbidden(mailgun: Mailgun) -> None:
    answer = mailgun.call("GET", "/v4/domains", headers={"X-Mailgun-On-Behalf-Of": "nobody"})
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


def test_a_subaccounts_own_key_cannot_reach_another_account() -> None:
    prepared = small_account()
    shop = with_subaccount(prepared, "Shop", "shop.example.com")
    blog = with_subaccount(prepared, "Blog", "blog.example.com")
    with running(prepared) as mailgun:
        headers = {"X-Mailgun-On-Behalf-Of": shop.id}
        made = mailgun.call("POST", "/v1/keys", fields={"role": "admin"}, headers=headers).json()["key"]
        domains = mailgun.call("GET", "/v4/domains", key=made["secret"]).json()["items"]
        assert [domain["name"] for domain in domains] == ["shop.example.com"]
        headers = {"X-Mailgun-On-Behalf-Of": blog.id}
        assert mailgun.call("GET", "/v4/domains", key=made["secret"], headers=headers).status_code == 403


def test_subaccounts_are_listed() -> None:
    prepared = small_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    with running(prepared) as mailgun:
        answer = mailgun.call("GET", "/v5/accounts/subaccounts").json()
        assert [sub["name"] for sub in answer["subaccounts"]] == ["Shop"]
        assert answer["total"] == 1


def test_a_page_may_be_made_smaller_than_what_is_asked_for() -> None:
    with running(small_account()) as mailgun:
        mailgun.order("PATCH", "/account", largest_page=2).raise_for_status()
        path = "/v3/domains/mg.example.com/credentials"
        pages = [mailgun.call("GET", f"{path}?limit=1000&skip={skip}").json()["items"] for skip in (0, 2)]
        assert [len(page) for page in pages] == [2, 1]
        mailgun.order("PATCH", "/account", largest_page=None).raise_for_status()
        assert len(mailgun.call("GET", path).json()["items"]) == 3


def test_a_disabled_account_still_answers_unless_it_is_told_not_to(mailgun: Mailgun) -> None:
    assert mailgun.call("GET", "/v1/keys").status_code == 200


def test_a_disabled_account_may_refuse_every_call_in_the_word_of_a_dead_key(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", refuses_calls=401)
    assert_refused(mailgun.call("GET", "/v4/domains"))


def test_a_disabled_account_may_refuse_every_call_in_words_until_it_is_enabled(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", refuses_calls=403)
    answer = mailgun.call("GET", "/v5/users")
    assert (answer.status_code, answer.json()) == (403, {"message": "Account is disabled"})

    mailgun.order("PATCH", "/account", disabled=False)
    assert mailgun.call("GET", "/v5/users").status_code == 200
