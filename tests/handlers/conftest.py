"""A practice Slack over real HTTP and WebSocket."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from slack_sdk import WebClient

from drill.serving import PracticeServer
from drill.slack.server import create_app
from drill.slack.workspace import Workspace
from drill.slack.workspaces import drill_workspace
from handlers.clients import web_client
from handlers.identity import Identity
from tests.clocks import StillClock


@dataclass
class PracticeSlack:
    """A running practice Slack, its workspace, and the orders that people's deeds are made of."""

    url: str
    workspace: Workspace

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    def client(self, timeout: float = 8) -> WebClient:
        return web_client(self.workspace.app.bot_token, self.api, timeout)

    def order(self, what: str, **fields: object) -> dict[str, Any]:
        response = requests.post(f"{self.url}/_drill/{what}", json=fields, timeout=20)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def fault(self, path: str, do: str, **fields: object) -> None:
        order = {"match": {"path": path}, "do": do, **fields}
        response = requests.post(f"{self.url}/_drill/faults", json=order, timeout=5)
        assert response.ok, response.text

    def messages(self, channel: str, user: str = "UOLIVIA") -> dict[str, Any]:
        where = {"channel": channel, "user": user}
        found: dict[str, Any] = requests.get(f"{self.url}/_drill/messages", params=where, timeout=5).json()
        return found

    def views(self, user: str) -> list[dict[str, Any]]:
        found = requests.get(f"{self.url}/_drill/views", params={"user": user}, timeout=5).json()
        views: list[dict[str, Any]] = found["views"]
        return views

    def log(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = requests.get(f"{self.url}/_drill/log", timeout=5).json()["entries"]
        return entries


@contextmanager
def practice_slack() -> Iterator[PracticeSlack]:
    """A practice Slack of one's own while the block runs."""
    workspace = drill_workspace()
    with PracticeServer(create_app(workspace)) as server:
        yield PracticeSlack(server.url, workspace)


@pytest.fixture
def slack() -> Iterator[PracticeSlack]:
    with practice_slack() as practice:
        yield practice


@pytest.fixture
def client(slack: PracticeSlack) -> WebClient:
    return slack.client()


@pytest.fixture
def identity(client: WebClient) -> Identity:
    return Identity(client)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()
