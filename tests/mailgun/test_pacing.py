"""Calls at the pace that Mailgun allows, over real HTTP: only the clock is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from drill.mailgun.accounts import small_account
from mailgun.client import MailgunClient
from mailgun.outcomes import NO_TURN_PAUSE
from mailgun.pace import Pace
from mailgun.transport import WAIT_SHARE, Transport
from recovery.errors import Later
from tests.drill.mailgun_client import Mailgun as PracticeMailgun
from tests.drill.mailgun_client import running
from tests.mailgun.conftest import TIMEOUT, Keys, client_for


class Timeouts(HTTPAdapter):
    """Sends as ever, and keeps the timeout of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def send(self, request: requests.PreparedRequest, *given: Any, **named: Any) -> requests.Response:
        self.seen.append(named["timeout"])
        return super().send(request, *given, **named)


@dataclass
class Paced:
    """A practice Mailgun, and a client whose time goes by only while it waits for a turn, and with each call."""

    server: PracticeMailgun
    client: MailgunClient
    pace: Pace
    slept: list[float]
    timeouts: list[float]

    def meets_429(self) -> None:
        self.server.order("POST", "/faults", match={"path": "/v1/keys"}, do="429", seconds=1).raise_for_status()
        with pytest.raises(Later):
            self.client.keys()


@contextmanager
def paced() -> Iterator[Paced]:
    now, slept = [0.0], list[float]()

    def clock() -> float:
        now[0] += 0.001
        return now[0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    prepared = small_account()
    with running(prepared) as server:
        pace, timeouts = Pace(clock), Timeouts()
        transport = Transport(timeout=TIMEOUT, concurrency=1, pace=pace, sleep=sleep)
        transport.session.mount("http://", timeouts)
        client = client_for(server.url, Keys(prepared.admin_key), transport)
        yield Paced(server, client, pace, slept, timeouts.seen)
        transport.close()


@pytest.fixture
def mailgun() -> Iterator[Paced]:
    with paced() as mailgun:
        yield mailgun


def test_no_call_waits_while_mailgun_refuses_none(mailgun: Paced) -> None:
    for _ in range(5):
        mailgun.client.keys()
    assert not mailgun.slept


def test_after_a_429_each_call_waits_for_its_turn(mailgun: Paced) -> None:
    mailgun.meets_429()
    rate = mailgun.pace.rate
    mailgun.client.keys()
    mailgun.client.users()
    mailgun.client.domains("eu")
    assert rate is not None
    assert mailgun.slept == pytest.approx([1 / rate] * len(mailgun.slept), rel=0.5)
    assert len(mailgun.slept) >= 2


def test_a_wait_takes_from_the_timeout_of_its_call(mailgun: Paced) -> None:
    mailgun.meets_429()
    mailgun.client.keys()
    mailgun.client.keys()
    assert mailgun.slept[-1] + mailgun.timeouts[-1] == pytest.approx(TIMEOUT)


def test_who_would_have_to_wait_for_long_is_told_to_come_later_and_nothing_is_sent(mailgun: Paced) -> None:
    mailgun.meets_429()
    longest = TIMEOUT * WAIT_SHARE
    while mailgun.pace.turn(longest).wait < longest - 0.02:
        pass
    before = len(mailgun.server.log())
    with pytest.raises(Later, match="calls a second at present, and others wait already") as later:
        mailgun.client.keys()
    assert later.value.seconds == NO_TURN_PAUSE
    assert len(mailgun.server.log()) == before


def test_the_status_page_is_asked_at_once(mailgun: Paced) -> None:
    mailgun.meets_429()
    for _ in range(5):
        mailgun.client.outage()
    assert not mailgun.slept


def test_an_error_of_another_kind_shows_no_limit(mailgun: Paced) -> None:
    mailgun.server.order("POST", "/faults", match={"path": "/v1/keys"}, do="400").raise_for_status()
    with pytest.raises(Exception, match="400"):
        mailgun.client.keys()
    assert mailgun.pace.rate is None
