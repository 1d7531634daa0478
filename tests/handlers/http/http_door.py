"""The HTTP door on a port of its own, a store that remembers, and Slack's hand to sign with."""

import http.client
import itertools
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from drill.slack.requesturl import signed_headers
from handlers.app import build_app
from handlers.http import PATH, HttpDoor
from handlers.intake import Intake
from handlers.server import WebServer
from recovery.state import NewRequest

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
"""What the door and Slack share."""

_NUMBERS = itertools.count(1)


@dataclass
class Kept:
    """Stands where the database does: what was stored, whether storing fails, and how long it takes."""

    requests: list[NewRequest] = field(default_factory=list)
    trouble: Exception | None = None
    takes: float = 0.0

    def keep(self, request: NewRequest) -> None:
        time.sleep(self.takes)
        if self.trouble is not None:
            raise self.trouble
        self.requests.append(request)

    def reset(self) -> None:
        self.requests.clear()
        self.trouble, self.takes = None, 0.0

    @property
    def only(self) -> NewRequest:
        (request,) = self.requests
        return request


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: dict[str, str]


@dataclass
class Served:
    """A door that is open, and what came through it."""

    port: int
    kept: Kept

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def ask(
        self, body: bytes = b"", headers: dict[str, str] | None = None, method: str = "POST", path: str = PATH
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            said = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.read().decode(), said)
        finally:
            connection.close()

    def send(self, body: bytes, *, at: float | None = None, secret: str = SECRET, **headers: str) -> Answer:
        """One request as Slack sends it: signed, at that time, with that secret. `_` in a header's name is `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(body, signed_headers(secret, body, time.time() if at is None else at) | named)

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """A bare connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as bare:
            yield bare


@contextmanager
def http_door(api: str, bot_token: str = "xoxb-1", kept: Kept | None = None) -> Iterator[Served]:
    """A door of one's own while the block runs. Forms are opened at that Web API."""
    store = kept or Kept()
    app = build_app(bot_token, Intake(store.keep, lambda: datetime.now(UTC), str), base_url=api, over_http=True)
    server = WebServer(0)
    server.serve(HttpDoor(app, SECRET).routes())
    try:
        yield Served(server.port, store)
    finally:
        server.close(time.monotonic() + 10)


def command(text: str = "a key leaked", **changes: str) -> bytes:
    """A command, as a form."""
    return urlencode(command_fields(text) | changes).encode()


def command_fields(text: str = "a key leaked") -> dict[str, str]:
    return {
        "token": "abc",
        "team_id": "TEXAMPLE",
        "team_domain": "example-inc",
        "channel_id": "CINCIDENT",
        "channel_name": "incident",
        "user_id": "UOLIVIA",
        "user_name": "olivia",
        "command": "/mailgun-compromised",
        "text": text,
        "api_app_id": "AMAILGUN",
        "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:9/response/1",
        # Another one each time, as Slack's.
        "trigger_id": f"13345224609.738474920.{next(_NUMBERS)}",
    }


def payload(content: object) -> bytes:
    """An interaction, as JSON in a form's field."""
    return urlencode({"payload": json.dumps(content)}).encode()


def click_payload(action: str = "approve", **about: str) -> dict[str, Any]:
    """A click on a button of ours, with the message that Slack sends back with it."""
    return {
        "type": "block_actions",
        "team": {"id": "TEXAMPLE", "domain": "example-inc"},
        "user": {"id": "UOLIVIA", "username": "olivia", "name": "olivia", "team_id": "TEXAMPLE"},
        "api_app_id": "AMAILGUN",
        "token": "abc",
        "trigger_id": "1.2.3",
        "enterprise": None,
        "is_enterprise_install": False,
        "container": {"type": "message", "message_ts": "1.000002", "channel_id": "CINCIDENT", "is_ephemeral": False},
        "channel": {"id": "CINCIDENT", "name": "incident"},
        "state": {"values": {}},
        "response_url": "http://127.0.0.1:9/response/2",
        "actions": [
            {
                "type": "button",
                "action_id": f"ask:{action}:0",
                "block_id": "b",
                "action_ts": f"1.{next(_NUMBERS):06}",
                "value": json.dumps(about or {"step": "1", "version": "7"}),
                "text": {"type": "plain_text", "text": "Approve"},
            }
        ],
        "message": {"type": "message", "ts": "1.000002", "text": "a step", "blocks": [{"type": "divider"}]},
    }


def choice_payload(chosen: str = "hour") -> dict[str, Any]:
    """A choice from a menu of ours."""
    option = {"text": {"type": "plain_text", "text": "In an hour"}, "value": chosen}
    choice = {
        "type": "static_select",
        "action_id": "ask:later:0",
        "block_id": json.dumps({"person": "7", "n": "0"}),
        "action_ts": f"1.{next(_NUMBERS):06}",
        "selected_option": option,
        "placeholder": {"type": "plain_text", "text": "Remind me later"},
    }
    return click_payload() | {"actions": [choice]}


def form_payload(words: str = "we have none") -> dict[str, Any]:
    """A form of ours that comes back."""
    origin = {
        "action": "skip",
        "about": {"step": "3"},
        "channel_id": "CINCIDENT",
        "message_ts": "1.000002",
        "response_url": "http://127.0.0.1:9/response/2",
    }
    return {
        "type": "view_submission",
        "team": {"id": "TEXAMPLE", "domain": "example-inc"},
        "user": {"id": "UOLIVIA", "username": "olivia", "name": "olivia", "team_id": "TEXAMPLE"},
        "api_app_id": "AMAILGUN",
        "token": "abc",
        "trigger_id": "1.2.4",
        "view": {
            "id": f"V{next(_NUMBERS)}",
            "team_id": "TEXAMPLE",
            "type": "modal",
            "callback_id": "form:skip",
            "private_metadata": json.dumps(origin),
            "hash": "1.abc",
            "state": {"values": {"words": {"words": {"type": "plain_text_input", "value": words}}}},
        },
        "response_urls": [],
    }
