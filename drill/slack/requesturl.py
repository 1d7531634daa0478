"""HTTP mode: what happens goes to the app's request URL, signed, as Slack signs it."""

import asyncio
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import urlencode
from uuid import uuid4

import requests

from drill.slack.delivery import AppNotConnected, Event, EventKind, EventState, OnAcknowledged, OnFailed
from drill.slack.log import Log
from drill.slack.model import JsonObject
from drill.slack.workspace import Workspace

TIMED_OUT, NOT_REACHED, REFUSED = "operation_timeout", "dispatch_failed", "http_service_error"
"""What Slack tells the person."""

_AT_ONCE = 64
_GIVEN_UP_AFTER = 20.0
"""Seconds: an answer that comes after Slack's patience is noted still."""


class RequestUrl:
    """Posts each event to the workspace's `request_url`, without trying again, as Slack does for what people do."""

    def __init__(self, workspace: Workspace, log: Log) -> None:
        self._workspace = workspace
        self._log = log
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="request-url")
        self._running: set[asyncio.Task[None]] = set()

    async def deliver(
        self, kind: EventKind, payload: JsonObject, on_acknowledged: OnAcknowledged, on_failed: OnFailed
    ) -> Event:
        """Post one event. Keeps the promise of `Delivery.deliver`."""
        event = Event(str(uuid4()), kind, payload, self._workspace.clock())
        self._log.event(event.as_json)
        url = self._workspace.request_url
        if url is None:
            event.settle(EventState.NOT_CONNECTED)
            raise AppNotConnected
        event.connection = url
        task = asyncio.create_task(self._see_through(event, url, on_acknowledged, on_failed))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return event

    async def _see_through(self, event: Event, url: str, on_acknowledged: OnAcknowledged, on_failed: OnFailed) -> None:
        loop = asyncio.get_running_loop()
        posting = loop.run_in_executor(self._threads, self._post, url, encoded(event.kind, event.payload))
        await asyncio.wait([posting], timeout=self._workspace.ack_seconds)
        in_time = posting.done()
        if not in_time:
            on_failed(TIMED_OUT)
            event.settle(EventState.TIMED_OUT)
            self._workspace.touch()
        try:
            answer = await posting
        except requests.RequestException:
            if in_time:
                on_failed(NOT_REACHED)
                event.settle(EventState.NOT_CONNECTED)
                self._workspace.touch()
            return
        event.status = answer.status_code
        if answer.status_code != HTTPStatus.OK:
            if in_time:
                on_failed(REFUSED)
                event.settle(EventState.REFUSED)
                self._workspace.touch()
            return
        event.acked_at, event.response = self._workspace.clock(), _said(answer)
        if in_time:
            on_acknowledged(event.response)
            event.settle(EventState.ACKNOWLEDGED)
            self._workspace.touch()

    def _post(self, url: str, body: bytes) -> requests.Response:
        with requests.Session() as session:
            # A proxy of the machine's is none of the practice's.
            session.trust_env = False
            headers = signed_headers(self._workspace.app.signing_secret, body, self._workspace.clock())
            return session.post(url, data=body, headers=headers, timeout=_GIVEN_UP_AFTER, allow_redirects=False)


def encoded(kind: EventKind, payload: JsonObject) -> bytes:
    """The body: a command's fields as a form, everything else as JSON in a form's one field."""
    if kind is EventKind.SLASH_COMMANDS:
        return urlencode({name: value for name, value in payload.items() if value is not None}).encode()
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed_headers(signing_secret: str, body: bytes, at: float) -> dict[str, str]:
    """The headers that Slack puts on a request with this body at that time."""
    timestamp = str(int(at))
    signature = hmac.new(signing_secret.encode(), b":".join([b"v0", timestamp.encode(), body]), hashlib.sha256)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={signature.hexdigest()}",
    }


def _said(answer: requests.Response) -> JsonObject:
    """What the app said as it acknowledged: JSON, or plain words for the person."""
    try:
        said = answer.json()
    except ValueError:
        said = {"text": answer.text} if answer.text else {}
    return said if isinstance(said, dict) else {}
