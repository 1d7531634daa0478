"""Domains and SMTP credentials of the practice Mailgun."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests

from drill.mailgun.accounts import MANY_CREDENTIALS, drill_account, scaled_account
from tests.drill.mailgun_client import Mailgun, running

PASSWORD = "a" * 32
APP = "/v3/domains/mg.example.com/credentials/app%40mg.example.com"


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    with running(drill_account()) as mailgun:
        yield mailgun


def names(answer: requests.Response) -> set[str]:
    return {domain["name"] for domain in answer.json()["items"]}


def test_each_region_has_its_own_domains(mailgun: Mailgun) -> None:
    us = {"mg.example.com", "news.example.com", "old.example.com"}
    assert names(mailgun.call("GET", "/v4/domains")) == us
    assert names(mailgun.call("GET", "/v4/domains", region="eu")) == {"eu.example.com", "alerts.example.com"}
    assert mailgun.call("GET", "/v4/domains/mg.example.com", region="eu").status_code == 404


def test_domains_are_paged_and_their_total_is_the_whole() -> None:
    with running(scaled_account(domains=5, credentials_per_domain=0, users=0)) as mailgun:
        first = mailgun.call("GET", "/v4/domains?limit=2")
        last = mailgun.call("GET", "/v4/domains?limit=2&skip=2")
        assert [len(names(first)), len(names(last))] == [2, 1]
        assert first.json()["total_count"] == last.json()["total_count"] == 3


def test_domains_can_be_searched_and_sorted(mailgun: Mailgun) -> None:
    assert names(mailgun.call("GET", "/v4/domains?search=news")) == {"news.example.com"}
    items = mailgun.call("GET", "/v4/domains?sort=name:desc").json()["items"]
    assert [item["name"][:3] for item in items] == ["old", "new", "mg."]


@pytest.mark.parametrize("path", ["/v4/domains", "/v5/users", "/v3/domains/mg.example.com/credentials"])
def test_a_limit_over_1000_is_refused(mailgun: Mailgun, path: str) -> None:
    assert mailgun.call("GET", f"{path}?limit=1000").status_code == 200
    answer = mailgun.call("GET", f"{path}?limit=1001")
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "Limit parameter can't be larger than 1000"},
    )


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "limit=0", "skip=x"])
def test_a_page_that_cannot_be_is_refused(mailgun: Mailgun, query: str) -> None:
    assert mailgun.call("GET", f"/v4/domains?{query}").status_code == 400


def test_a_disabled_domain_says_why(mailgun: Mailgun) -> None:
    domain = mailgun.call("GET", "/v4/domains/mg.example.com").json()["domain"]
    assert (domain["is_disabled"], domain["disabled"]["code"]) == (True, "account_disabled")
    assert domain["smtp_login"] == "postmaster@mg.example.com"


def test_an_enabled_account_leaves_a_domain_disabled_for_its_own_reason(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", disabled=False)
    domains = mailgun.call("GET", "/v4/domains").json()["items"]
    disabled = {domain["name"]: domain["disabled"]["code"] for domain in domains if domain["is_disabled"]}
    assert disabled == {"old.example.com": "blacklisted"}


def test_an_unknown_domain_is_404(mailgun: Mailgun) -> None:
    for path in ("/v4/domains/none.example.com", "/v3/domains/none.example.com/credentials"):
        answer = mailgun.call("GET", path)
        assert (answer.status_code, answer.json()) == (404, {"message": "Domain not found"})


def test_credentials_are_paged_and_their_total_is_the_page(mailgun: Mailgun) -> None:
    path = "/v3/domains/news.example.com/credentials"
    first, last = (mailgun.call("GET", f"{path}{query}").json() for query in ("", "?skip=100"))
    assert (len(first["items"]), first["total_count"]) == (100, 100)
    assert (len(last["items"]), last["total_count"]) == (
        MANY_CREDENTIALS + 1 - 100,
        MANY_CREDENTIALS + 1 - 100,
    )
    logins = {item["login"] for item in first["items"] + last["items"]}
    assert len(logins) == MANY_CREDENTIALS + 1
    assert mailgun.call("GET", f"{path}?skip=1000").json() == {"items": [], "total_count": 0}


def test_a_credential_is_shown_without_its_password(mailgun: Mailgun) -> None:
    item = mailgun.call("GET", "/v3/domains/mg.example.com/credentials?limit=1").json()["items"][0]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000", item.pop("created_at"))
    login = "postmaster@mg.example.com"
    assert item == {"login": login, "mailbox": login, "size_bytes": None}


@pytest.mark.parametrize("login", ["app%40mg.example.com", "app@mg.example.com", "app"])
def test_a_password_is_set_by_address_or_local_part(mailgun: Mailgun, login: str) -> None:
    path = f"/v3/domains/mg.example.com/credentials/{login}"
    answer = mailgun.call("PUT", path, fields={"password": PASSWORD})
    assert (answer.status_code, answer.json()) == (200, {"message": "Password changed"})
    assert mailgun.password("app@mg.example.com") == PASSWORD


def test_the_state_says_when_a_password_was_set_and_with_which_key(mailgun: Mailgun) -> None:
    before = datetime.now().astimezone()
    mailgun.call("PUT", APP, fields={"password": PASSWORD})
    (domain,) = [domain for domain in mailgun.state()["domains"] if domain["name"] == "mg.example.com"]
    (app,) = [login for login in domain["credentials"] if login["login"] == "app@mg.example.com"]
    assert datetime.fromisoformat(app["set_at"]) >= before
    assert app["set_by"] == mailgun.key_of(description="Production backend")["id"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "a" * 4}, "Password is too short. It must be between 5 and 32 characters."),
        ({"password": "a" * 33}, "Password is too long. It must be between 5 and 32 characters."),
        ({"passwort": PASSWORD}, "Unknown parameter 'passwort'"),
        ({"password": PASSWORD, "login": "app"}, "Unknown parameter 'login'"),
    ],
)
def test_a_password_that_cannot_be_set_changes_nothing(mailgun: Mailgun, fields: dict[str, str], words: str) -> None:
    before = mailgun.password("app@mg.example.com")
    answer = mailgun.call("PUT", APP, fields=fields)
    assert (answer.status_code, answer.json()) == (400, {"message": words})
    assert mailgun.password("app@mg.example.com") == before


def test_a_multipart_body_without_the_password_is_refused(mailgun: Mailgun) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = mailgun.call("PUT", APP, data=b"--x--\r\n", headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"message": "Parameter 'password' is missing"})


def test_a_password_given_twice_is_refused(mailgun: Mailgun) -> None:
    url, auth = f"{mailgun.url}/us{APP}", ("api", mailgun.admin_key)
    twice = [("password", (None, PASSWORD)), ("password", (None, "b" * 32))]
    answer = requests.put(url, auth=auth, files=twice, timeout=5)
    assert answer.json() == {"message": "Parameter 'password' is given more than once"}


@pytest.mark.parametrize("options", [{"data": {"password": PASSWORD}}, {"json": {"password": PASSWORD}}, {}])
def test_a_body_that_is_not_multipart_is_refused(mailgun: Mailgun, options: dict[str, Any]) -> None:
    answer = mailgun.call("PUT", APP, **options)
    assert (answer.status_code, answer.json()) == (400, {"message": "The body must be multipart/form-data"})


def test_a_broken_multipart_body_is_refused(mailgun: Mailgun) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    assert mailgun.call("PUT", APP, data=b"password", headers=headers).status_code == 400


def test_an_unknown_login_is_404(mailgun: Mailgun) -> None:
    path = "/v3/domains/mg.example.com/credentials/nobody"
    answer = mailgun.call("PUT", path, fields={"password": PASSWORD})
    assert (answer.status_code, answer.json()) == (404, {"message": "Credentials not found"})


def test_a_postmaster_that_is_not_listed_can_be_reset(mailgun: Mailgun) -> None:
    path, postmaster = "/v3/domains/alerts.example.com/credentials", "postmaster@alerts.example.com"
    listed = mailgun.call("GET", path, region="eu").json()["items"]
    assert postmaster not in {item["login"] for item in listed}
    reset = mailgun.call("PUT", f"{path}/{postmaster}", fields={"password": PASSWORD}, region="eu")
    assert reset.status_code == 200
    assert mailgun.password(postmaster) == PASSWORD


def test_a_credential_can_be_made_and_deleted(mailgun: Mailgun) -> None:
    path = "/v3/domains/mg.example.com/credentials"
    made = mailgun.call("POST", path, fields={"login": "new", "password": PASSWORD})
    assert made.json() == {"message": "Created 1 credentials pair(s)"}
    assert mailgun.password("new@mg.example.com") == PASSWORD
    assert mailgun.call("POST", path, fields={"login": "new", "password": PASSWORD}).status_code == 400
    assert mailgun.call("DELETE", f"{path}/new").json()["spec"] == "new@mg.example.com"
    assert mailgun.call("DELETE", f"{path}/new").status_code == 404


def test_a_password_that_mailgun_makes_is_in_the_answer(mailgun: Mailgun) -> None:
    path = "/v3/domains/mg.example.com/credentials"
    made = mailgun.call("POST", path, fields={"login": "new"}).json()
    assert made["credentials"] == {"new@mg.example.com": mailgun.password("new@mg.example.com")}


@pytest.mark.parametrize("fields", [{"password": PASSWORD}, {"login": "a@other.example.com"}, {"lgin": "a"}])
def test_a_credential_that_cannot_be_is_refused(mailgun: Mailgun, fields: dict[str, str]) -> None:
    answer = mailgun.call("POST", "/v3/domains/mg.example.com/credentials", fields=fields)
    assert answer.status_code == 400


def test_the_postmaster_cannot_be_deleted(mailgun: Mailgun) -> None:
    answer = mailgun.call("DELETE", "/v3/domains/mg.example.com/credentials/postmaster")
    words = "Cannot delete system mailbox: postmaster@mg.example.com"
    assert (answer.status_code, answer.json()) == (400, {"message": words})


def test_a_password_is_set_before_the_latency_passes() -> None:
    with running(latency=0.5) as mailgun:
        started = time.monotonic()
        with pytest.raises(requests.ReadTimeout):
            requests.put(
                f"{mailgun.url}/us{APP}",
                auth=("api", mailgun.admin_key),
                files={"password": (None, PASSWORD)},
                timeout=0.2,
            )
        assert mailgun.password("app@mg.example.com") == PASSWORD
        assert time.monotonic() - started < 0.5


def test_a_fault_names_a_path_with_its_region_or_for_both(mailgun: Mailgun) -> None:
    for path in ("/v4/domains", "/us/v4/domains"):
        mailgun.order("POST", "/faults", do="500", match={"path": path})
        assert mailgun.call("GET", "/v4/domains").status_code == 500
    mailgun.order("POST", "/faults", do="500", match={"path": "/us/v4/domains"})
    assert mailgun.call("GET", "/v4/domains", region="eu").status_code == 200


def test_a_fault_names_one_login(mailgun: Mailgun) -> None:
    mailgun.order("POST", "/faults", do="500", match={"method": "PUT", "contains": "app@mg.example.com"})
    path = "/v3/domains/mg.example.com/credentials/billing"
    assert mailgun.call("PUT", path, fields={"password": PASSWORD}).status_code == 200
    assert mailgun.call("PUT", APP, fields={"password": PASSWORD}).status_code == 500
