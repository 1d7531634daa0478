"""How much was sent, as the practice Mailgun tells it, and the alerts about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from drill.mailgun.accounts import drill_account, with_subaccount
from drill.mailgun.outlets import Alert
from tests.drill.mailgun_client import Mailgun, running

PATH, ALERTS = "/v1/analytics/metrics", "/v1/thresholds/alerts/send"
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
BY_DOMAIN: dict[str, Any] = {"dimensions": ["domain", "time"], "metrics": ["accepted_outgoing_count"]}
BY_TIME: dict[str, Any] = {**BY_DOMAIN, "dimensions": ["time"]}


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    prepared = drill_account(NOW)
    account = prepared.account
    account.set_disabled(False)
    with_subaccount(prepared, "Shop", "shop.example.com")
    account.sent_by_day = {
        "mg.example.com": {NOW.date() - timedelta(days=ago): 10 + ago for ago in range(30)},
        "news.example.com": {date(2026, 3, 9): 5},
        "eu.example.com": {date(2026, 3, 9): 7},
        "shop.example.com": {date(2026, 3, 9): 3},
    }
    with running(prepared, now=lambda: NOW) as mailgun:
        yield mailgun


def counts(answer: dict[str, Any]) -> list[tuple[list[str], int]]:
    return [
        ([shown["value"] for shown in item["dimensions"]], item["metrics"]["accepted_outgoing_count"])
        for item in answer["items"]
    ]


def ask(mailgun: Mailgun, query: dict[str, Any], region: str = "us") -> dict[str, Any]:
    answer = mailgun.call("POST", PATH, json=query, region=region)
    assert answer.status_code == 200, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


def test_each_day_of_each_domain_is_counted(mailgun: Mailgun) -> None:
    query = {**BY_DOMAIN, "start": "Mon, 09 Mar 2026 00:00:00 +0000", "end": "Tue, 10 Mar 2026 09:00:00 +0000"}
    assert counts(ask(mailgun, query)) == [
        (["mg.example.com", "Mon, 09 Mar 2026 00:00:00 +0000"], 11),
        (["news.example.com", "Mon, 09 Mar 2026 00:00:00 +0000"], 5),
        (["mg.example.com", "Tue, 10 Mar 2026 00:00:00 +0000"], 10),
    ]


def test_the_dimensions_come_in_the_order_that_was_asked_for(mailgun: Mailgun) -> None:
    answer = ask(mailgun, {**BY_DOMAIN, "dimensions": ["time", "domain"]})
    assert answer["dimensions"] == ["time", "domain"]
    assert [shown["dimension"] for shown in answer["items"][0]["dimensions"]] == ["time", "domain"]


def test_a_dimension_is_shown_as_described(mailgun: Mailgun) -> None:
    time = "Tue, 03 Mar 2026 00:00:00 +0000"
    (shown,) = ask(mailgun, BY_TIME)["items"][0]["dimensions"]
    assert shown == {"dimension": "time", "value": time, "display_value": time}


def test_days_without_domains_are_summed_and_none_is_left_out(mailgun: Mailgun) -> None:
    mailgun.account.sent_by_day["mg.example.com"].pop(date(2026, 3, 8))
    query = {**BY_TIME, "start": "Sun, 08 Mar 2026 00:00:00 +0000"}
    assert [count for _, count in counts(ask(mailgun, query))] == [0, 16, 10]


def test_without_a_start_it_is_the_last_week(mailgun: Mailgun) -> None:
    answer = ask(mailgun, BY_TIME)
    assert (answer["start"], answer["end"]) == ("Tue, 03 Mar 2026 09:30:00 +0000", "Tue, 10 Mar 2026 09:30:00 +0000")
    assert len(answer["items"]) == 8


def test_a_start_in_another_zone_is_understood(mailgun: Mailgun) -> None:
    query = {**BY_TIME, "start": "Mon, 09 Mar 2026 20:00:00 -0600"}
    assert [value for (value,), _ in counts(ask(mailgun, query))] == ["Tue, 10 Mar 2026 00:00:00 +0000"]


def test_a_region_tells_of_its_own_domains(mailgun: Mailgun) -> None:
    assert counts(ask(mailgun, BY_DOMAIN, region="eu")) == [(["eu.example.com", "Mon, 09 Mar 2026 00:00:00 +0000"], 7)]


def test_subaccounts_are_counted_when_asked_for(mailgun: Mailgun) -> None:
    query = {**BY_DOMAIN, "include_subaccounts": True, "pagination": {"limit": 1000}}
    assert "shop.example.com" in {domain for (domain, _), _ in counts(ask(mailgun, query))}
    assert "shop.example.com" not in {domain for (domain, _), _ in counts(ask(mailgun, BY_DOMAIN))}


def test_a_page_of_domains_has_ten_lines_unless_asked_otherwise(mailgun: Mailgun) -> None:
    answer = ask(mailgun, {**BY_DOMAIN, "start": "Mon, 16 Feb 2026 00:00:00 +0000"})
    assert len(answer["items"]) == 10
    assert answer["pagination"] == {"sort": "time:asc", "skip": 0, "limit": 10, "total": 24}


def test_pages_together_are_the_whole(mailgun: Mailgun) -> None:
    query = {**BY_DOMAIN, "start": "Mon, 16 Feb 2026 00:00:00 +0000"}
    whole = ask(mailgun, {**query, "pagination": {"limit": 1000}})["items"]
    pages = [ask(mailgun, {**query, "pagination": {"skip": skip, "limit": 10}})["items"] for skip in (0, 10, 20, 30)]
    assert [len(page) for page in pages] == [10, 10, 4, 0]
    assert [item for page in pages for item in page] == whole


def test_a_page_of_days_alone_has_all_of_a_year(mailgun: Mailgun) -> None:
    answer = ask(mailgun, {**BY_TIME, "start": "Mon, 10 Mar 2025 00:00:00 +0000"})
    assert (len(answer["items"]), answer["pagination"]["limit"]) == (366, 1500)


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("time:desc", ["mg.example.com", "Tue, 10 Mar 2026 00:00:00 +0000"]),
        ("domain:desc", ["news.example.com", "Mon, 09 Mar 2026 00:00:00 +0000"]),
    ],
)
def test_the_lines_are_sorted_as_asked(mailgun: Mailgun, sort: str, first: list[str]) -> None:
    answer = ask(mailgun, {**BY_DOMAIN, "pagination": {"sort": sort}})
    assert counts(answer)[0][0] == first


def test_a_message_is_counted_for_each_recipient(mailgun: Mailgun) -> None:
    message = {"from": "a@mg.example.com", "to": "a@example.org, b@example.org", "subject": "Hello", "text": "Hi"}
    mailgun.call("POST", "/v3/mg.example.com/messages", fields=message)
    assert mailgun.state()["sent_by_day"]["mg.example.com"]["2026-03-10"] == 12


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metrics": None}, "the 'metrics' must be some of"),
        ({"metrics": ["accepted_out"]}, "the 'metrics' must be some of"),
        ({"dimensions": None}, "the 'dimensions' must be"),
        ({"dimensions": ["domain"]}, "the 'dimensions' must be"),
        ({"dimensions": ["time", "time"]}, "the 'dimensions' must be"),
        ({"dimensions": "time"}, "'dimensions' must be a list of texts"),
        ({"resolution": "hour"}, "the 'resolution' must be 'day' here"),
        ({"start": "2026-03-09"}, "the 'start' must be a time in RFC 2822"),
        ({"start": "Wed, 11 Mar 2026 00:00:00 +0000"}, "the 'start' must not be after the 'end'"),
        ({"pagination": {"limit": 1001}}, "the 'limit' can't be larger than 1000"),
        ({"pagination": {"limit": 0}}, "'limit' must be a whole number"),
        ({"pagination": {"page": 1}}, "'pagination' has unknown fields: page"),
        ({"pagination": {"sort": "size:asc"}}, "the 'sort' must be one of"),
        ({"include_subaccounts": "true"}, "'include_subaccounts' must be true or false"),
        ({"filter": {"AND": []}}, "the body has unknown fields: filter"),
    ],
)
def test_a_question_that_cannot_be_is_refused_in_words(mailgun: Mailgun, change: dict[str, Any], words: str) -> None:
    answer = mailgun.call("POST", PATH, json={**BY_DOMAIN, **change})
    assert answer.status_code == 400
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    "options",
    [
        {"fields": {"metrics": "accepted_outgoing_count"}},
        {"json": ["time"]},
        {"data": "{", "headers": {"Content-Type": "application/json"}},
        {},
    ],
)
def test_a_body_that_is_no_json_object_is_refused(mailgun: Mailgun, options: dict[str, Any]) -> None:
    answer = mailgun.call("POST", PATH, **options)
    words = "The body must be application/json, an object"
    assert (answer.status_code, answer.json()) == (400, {"message": words})


def test_the_log_keeps_the_names_of_what_was_asked(mailgun: Mailgun) -> None:
    ask(mailgun, BY_TIME)
    assert mailgun.log()[-1]["fields"] == ["dimensions", "metrics"]


@pytest.mark.parametrize("path", [PATH, ALERTS])
def test_readers_may_see_it(mailgun: Mailgun, path: str) -> None:
    method, query = ("POST", BY_TIME) if path == PATH else ("GET", None)
    answer = mailgun.call(method, path, key=mailgun.key_of(description="Dashboard")["secret"], json=query)
    assert answer.status_code == 200


def test_there_may_be_no_alerts(mailgun: Mailgun) -> None:
    assert mailgun.call("GET", ALERTS).json() == {"items": [], "total": 0}


def test_an_alert_is_listed_in_both_regions(mailgun: Mailgun) -> None:
    alert = Alert("Complaints", "complained_rate", ">", "0.01", "domain", NOW)
    mailgun.account.estate.alerts.append(alert)
    answer = mailgun.call("GET", ALERTS)
    (item,) = answer.json()["items"]
    assert (item["name"], item["metric"], item["comparator"], item["limit"]) == (
        "Complaints",
        "complained_rate",
        ">",
        "0.01",
    )
    assert (item["created_at"], item["alert_channels"]) == ("2026-03-10T09:30:00.000000Z", ["email"])
    assert mailgun.call("GET", ALERTS, region="eu").json() == answer.json()


def test_a_subaccount_has_alerts_of_its_own(mailgun: Mailgun) -> None:
    subaccount = mailgun.account.subaccounts[0]
    subaccount.estate.alerts.append(Alert("Complaints", "complained_rate", ">", "0.01", "domain", NOW))
    headers = {"X-Mailgun-On-Behalf-Of": subaccount.id}
    (item,) = mailgun.call("GET", ALERTS, headers=headers).json()["items"]
    assert item["subaccount_id"] == subaccount.id
    assert mailgun.call("GET", ALERTS).json()["total"] == 0


def test_the_state_tells_the_alerts(mailgun: Mailgun) -> None:
    mailgun.account.estate.alerts.append(Alert("Complaints", "complained_rate", ">", "0.01", "domain", NOW))
    (told,) = mailgun.state()["alerts"]
    assert (told["name"], told["subaccount_id"]) == ("Complaints", None)
