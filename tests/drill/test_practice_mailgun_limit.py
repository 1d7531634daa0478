"""The practice Mailgun's limit on calls: a token bucket for the whole account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from drill.mailgun.accounts import drill_account, with_subaccount
from tests.contract import check_response, load_description
from tests.drill.mailgun_client import Mailgun, running

RATE, BURST = 2, 3


@dataclass
class Time:
    """A clock that goes by when it is told to."""

    now: datetime = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def mailgun(time: Time) -> Iterator[Mailgun]:
    prepared = drill_account()
    with_subaccount(prepared, "Shop", "shop.example.com")
    with running(prepared, now=time) as mailgun:
        mailgun.order("PATCH", "/account", calls_a_second=RATE, burst=BURST).raise_for_status()
        yield mailgun


def statuses(mailgun: Mailgun, calls: int) -> list[int]:
    return [mailgun.call("GET", "/v1/keys").status_code for _ in range(calls)]


def test_a_burst_is_taken_and_what_follows_is_too_many(mailgun: Mailgun) -> None:
    assert statuses(mailgun, BURST + 2) == [200] * BURST + [429] * 2


def test_so_many_a_second_are_taken_after_that(mailgun: Mailgun, time: Time) -> None:
    statuses(mailgun, BURST)
    time.pass_by(1)
    assert statuses(mailgun, RATE + 1) == [200] * RATE + [429]


def test_a_long_pause_brings_no_more_than_a_burst(mailgun: Mailgun, time: Time) -> None:
    statuses(mailgun, BURST)
    time.pass_by(3600)
    assert statuses(mailgun, BURST + 1) == [200] * BURST + [429]


def test_the_answer_says_when_to_come_back(mailgun: Mailgun) -> None:
    statuses(mailgun, BURST)
    answer = mailgun.call("GET", "/v1/keys")
    assert answer.headers["Retry-After"] == "1"
    assert answer.json() == {"message": "account-requests-per-sec limit exceeded, try again after 1 seconds"}


def test_a_call_too_many_has_no_effect(mailgun: Mailgun) -> None:
    before = mailgun.password("app@mg.example.com")
    statuses(mailgun, BURST)
    path = "/v3/domains/mg.example.com/credentials/app"
    assert mailgun.call("PUT", path, fields={"password": "a" * 32}).status_code == 429
    assert mailgun.password("app@mg.example.com") == before


def test_regions_and_subaccounts_share_the_limit(mailgun: Mailgun) -> None:
    shop = {"X-Mailgun-On-Behalf-Of": mailgun.state()["subaccounts"][0]["id"]}
    assert mailgun.call("GET", "/v4/domains", region="us").status_code == 200
    assert mailgun.call("GET", "/v4/domains", region="eu").status_code == 200
    assert mailgun.call("GET", "/v4/domains", headers=shop).status_code == 200
    assert mailgun.call("GET", "/v4/domains", region="eu").status_code == 429


def test_a_key_that_does_not_work_uses_nothing_up(mailgun: Mailgun) -> None:
    for _ in range(BURST):
        assert mailgun.call("GET", "/v1/keys", key="key-wrong").status_code == 401
    assert statuses(mailgun, BURST) == [200] * BURST


def test_the_log_has_each_call_too_many(mailgun: Mailgun) -> None:
    statuses(mailgun, BURST + 1)
    assert [call["status"] for call in mailgun.log()] == [200] * BURST + [429]


def test_without_a_limit_every_call_is_taken(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", calls_a_second=None).raise_for_status()
    assert statuses(mailgun, 5 * BURST) == [200] * 5 * BURST


def test_the_state_shows_the_limit(mailgun: Mailgun) -> None:
    account = mailgun.state()["account"]
    assert (account["calls_a_second"], account["burst"]) == (RATE, BURST)


@pytest.mark.parametrize("field", ["calls_a_second", "burst"])
def test_a_limit_of_nothing_is_no_order(mailgun: Mailgun, field: str) -> None:
    answer = mailgun.order("PATCH", "/account", **{field: 0})
    assert (answer.status_code, answer.json()) == (400, {"error": f"'{field}' must be a whole number of at least 1"})


def test_the_answer_is_as_described_or_listed(mailgun: Mailgun) -> None:
    description = load_description()
    statuses(mailgun, BURST)
    check_response(description, mailgun.call("GET", "/v1/keys"), "/us")
