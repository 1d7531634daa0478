"""A practice Slack on a port of its own, the way in for an app, and the people's hands."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from drill.serving import PracticeServer
from drill.slack import Workspace, create_app, drill_workspace
from drill.slack.workspaces import INCIDENT

COMMAND = "/mailgun-compromised"


class Clock:
    """The machine's time, and as much more as a test has let pass."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def pass_by(self, seconds: float) -> None:
        self._ahead += seconds


@dataclass
class Practice:
    """One practice Slack and everything that a test does with it."""

    workspace: Workspace
    clock: Clock
    url: str
    client: WebClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.client_with(self.workspace.app.bot_token)

    def client_with(self, token: str | None) -> WebClient:
        return WebClient(token, base_url=f"{self.url}/api/")

    def post(self, **content: Any) -> str:
        """Post in #incident, unless `channel` says otherwise; the message's ts."""
        return str(self.client.chat_postMessage(**{"channel": INCIDENT, "text": "words", **content})["ts"])

    def order(self, path: str, **order: Any) -> requests.Response:
        return requests.post(f"{self.url}/_drill/{path}", json=order, timeout=10)

    def patch(self, path: str, **changes: Any) -> requests.Response:
        return requests.patch(f"{self.url}/_drill/{path}", json=changes, timeout=10)

    def look(self, path: str, **query: str) -> Any:
        return requests.get(f"{self.url}/_drill/{path}", params=query, timeout=10).json()

    def command(self, user: str = "UOLIVIA", text: str = "help", channel: str = INCIDENT) -> requests.Response:
        return self.order("command", user=user, channel=channel, command=COMMAND, text=text, wait=True)

    def click(self, ts: str, action_id: str, user: str = "UOLIVIA", **more: Any) -> requests.Response:
        order = {"user": user, "channel": INCIDENT, "ts": ts, "action_id": action_id, "wait": True, **more}
        return self.order("click", **order)

    def private(self, user: str = "UOLIVIA") -> list[dict[str, Any]]:
        """What that person sees alone in #incident."""
        ephemerals: list[dict[str, Any]] = self.look("messages", channel=INCIDENT, user=user)["ephemerals"]
        return ephemerals

    def app(self) -> App:
        return App(client=self.client)

    @contextmanager
    def connected(self, app: App) -> Iterator[SocketModeHandler]:
        """The app in Socket Mode, until the block ends."""
        handler = SocketModeHandler(app, self.workspace.app.app_token)
        before = self._connections()
        handler.connect()
        wait_until(lambda: self._connections() > before)
        try:
            yield handler
        finally:
            # The client reads in turns of three seconds and closes only between two of them.
            handler.client.auto_reconnect_enabled = False
            handler.client.current_session.sock.shutdown(socket.SHUT_RDWR)
            handler.close()

    def _connections(self) -> int:
        return int(self.look("feed", user="UOLIVIA", since="0")["app_connections"])


@contextmanager
def practice_slack(**settings: Any) -> Iterator[Practice]:
    """A practice Slack with the drill's workspace, with some of its settings changed."""
    workspace, clock = drill_workspace(), Clock()
    workspace.clock = clock
    for name, value in settings.items():
        setattr(workspace, name, value)
    with PracticeServer(create_app(workspace)) as server:
        yield Practice(workspace, clock, server.url)


def refused(call: Callable[..., Any], *args: Any, **arguments: Any) -> SlackApiError:
    """The refusal that a call of slack_sdk's client meets."""
    try:
        call(*args, **arguments)
    except SlackApiError as error:
        return error
    raise AssertionError("Slack took it")


def code(error: SlackApiError) -> str:
    return str(error.response["error"])


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def section(text: str = "Approve?") -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def button(action_id: str = "approve", value: str = "1", **more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Approve"}
    return {"type": "button", "action_id": action_id, "value": value, "text": text, **more}


def menu(*values: str, action_id: str = "menu", **more: Any) -> dict[str, Any]:
    """A menu of options with these values, each shown in capitals; without any, a menu of people."""
    placeholder = {"type": "plain_text", "text": "Choose"}
    drawn: dict[str, Any] = {"type": "users_select", "action_id": action_id, "placeholder": placeholder}
    if values:
        options = [{"text": {"type": "plain_text", "text": value.upper()}, "value": value} for value in values]
        drawn |= {"type": "static_select", "options": options}
    return drawn | more


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "skip",
        "title": {"type": "plain_text", "text": "Skip a step"},
        "submit": {"type": "plain_text", "text": "Skip"},
        "blocks": list(blocks) or [text_input()],
        **more,
    }


def text_input(block_id: str = "reason", action_id: str = "text", **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": "Why?"},
        "element": {"type": "plain_text_input", "action_id": action_id},
        **more,
    }
