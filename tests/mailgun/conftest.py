"""The client against the practice Mailgun, over real HTTP.

With MAILGUN_OPENAPI set, each exchange is held against Mailgun's own description of its API.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import requests

from drill.mailgun.accounts import Prepared, small_account
from mailgun.client import MailgunClient
from mailgun.transport import Transport
from recovery.secret import Secret
from tests.contract import check_response, load_description
from tests.drill.mailgun_client import Mailgun as PracticeMailgun
from tests.drill.mailgun_client import running

TIMEOUT = 2.0
"""Seconds: long enough for a busy machine, short enough for a test to wait for."""


@dataclass
class Keys:
    """A key source. `rotated` is what a refresh finds."""

    key: str
    rotated: str | None = None
    refreshes: int = 0

    def known(self) -> Secret:
        return Secret(self.key)

    def refresh(self) -> None:
        self.refreshes += 1
        self.key = self.rotated or self.key


@dataclass(frozen=True)
class Practice:
    """A running practice Mailgun and the client that talks to it."""

    server: PracticeMailgun
    keys: Keys
    client: MailgunClient

    def fault(self, method: str, path: str, do: str, **more: object) -> None:
        """The next matching request meets this fault."""
        answer = self.server.order("POST", "/faults", match={"method": method, "path": path}, do=do, **more)
        answer.raise_for_status()

    def calls(self, method: str) -> list[dict[str, object]]:
        """The calls with that method that were applied or refused, in order."""
        return [call for call in self.server.log() if call["method"] == method]


Start = Callable[[Prepared], Practice]


def client_for(url: str, keys: Keys, transport: Transport) -> MailgunClient:
    """The client of a practice Mailgun at this address."""
    storage = {"us": [f"{url}/storage-us-east4", f"{url}/storage-us-west1"], "eu": [f"{url}/storage-europe-west1"]}
    regions, status = {"us": f"{url}/us", "eu": f"{url}/eu"}, f"{url}/status/api/v2/summary.json"
    return MailgunClient(regions, keys, transport, status, storage)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The practice servers are on this machine, whatever proxy it has."""
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a practice Mailgun with any account."""
    with ExitStack() as stack:

        def started(prepared: Prepared) -> Practice:
            server = stack.enter_context(running(prepared))
            transport = Transport(timeout=TIMEOUT, concurrency=4)
            stack.callback(transport.close)
            if os.environ.get("MAILGUN_OPENAPI"):
                transport.session.hooks["response"].append(_held_against_the_description)
            keys = Keys(prepared.admin_key)
            return Practice(server, keys, client_for(server.url, keys, transport))

        yield started


@pytest.fixture
def mailgun(start: Start) -> Practice:
    """The practice Mailgun with the small account."""
    return start(small_account())


_description = functools.cache(load_description)


def _held_against_the_description(response: requests.Response, *_: object, **__: object) -> None:
    # The status page is no part of the description, and HTML is what the fault "garbage" says.
    if "/status/" in response.url or "html" in response.headers.get("Content-Type", ""):
        return
    server = urlsplit(response.url).path.split("/")[1]
    check_response(_description(), response, f"/{server}")
