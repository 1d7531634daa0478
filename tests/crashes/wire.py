"""Listens on the wire between the bot and a practice server: every request with what came of it.

A server's own log has only what it applied. Here is also what a fault kept from being applied, or whose answer
was withheld: whoever judges whether a secret was *possibly* sent twice needs those.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ENVELOPE = '"envelope_id"'
_REFUSING_STATUSES = range(400, 500)
_UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Errors with which Slack does not say whether it happened."""


@dataclass
class Heard:
    """One request that arrived whole. `path` is the name that a fault's order would use for it.

    `text` is all that it says: path, query and body, as sent and form-decoded. `status` and `answer` are what was
    sent back; None and empty when nothing was.
    """

    server: str
    method: str
    path: str
    text: str
    status: int | None = None
    answer: bytes = b""
    at: float = field(default_factory=time.time)

    @property
    def was_refused(self) -> bool:
        """Whether the client knows that it certainly had no effect."""
        if self.status is None:
            return False
        if self.status in _REFUSING_STATUSES:
            return True
        try:
            told = json.loads(self.answer)
        except ValueError:
            return False
        return isinstance(told, dict) and told.get("ok") is False and told.get("error") not in _UNSURE


class Wire:
    """An ASGI app between the network and a practice server. What passes, passes unchanged.

    Orders (`/_drill/...`) are no requests. Two seams of Socket Mode can be met, each once: `at_delivery` is called
    when the next envelope has been sent to the app; `at_acknowledgement` when the app's next acknowledgement has
    arrived, and says whether the server may see it.
    """

    def __init__(self, app: ASGIApp, server: str) -> None:
        self._app = app
        self._server = server
        self.heard: list[Heard] = []
        self.at_delivery: Callable[[], object] | None = None
        self.at_acknowledgement: Callable[[], bool] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._app(scope, self._acknowledging(receive), self._delivering(send))
        elif scope["type"] == "http" and not scope["path"].startswith("/_drill/"):
            await self._listen(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        pieces: list[bytes] = []
        heard: Heard | None = None

        async def receive_and_note() -> Message:
            nonlocal heard
            message = await receive()
            if message["type"] == "http.request" and heard is None:
                pieces.append(message.get("body", b""))
                if not message.get("more_body", False):
                    heard = Heard(self._server, scope["method"], _name(scope["path"]), _said(scope, b"".join(pieces)))
                    self.heard.append(heard)
            return message

        async def send_and_note(message: Message) -> None:
            if heard is not None and message["type"] == "http.response.start":
                heard.status = message["status"]
            elif heard is not None and message["type"] == "http.response.body":
                heard.answer += message.get("body", b"")
            await send(message)

        # The server looks for its connection in what it is given to send with.
        await self._app(scope, receive_and_note, send_and_note)

    def _delivering(self, send: Send) -> Send:
        async def send_and_meet(message: Message) -> None:
            await send(message)
            seam = self.at_delivery
            if seam is not None and _ENVELOPE in (message.get("text") or ""):
                self.at_delivery = None
                seam()

        return send_and_meet

    def _acknowledging(self, receive: Receive) -> Receive:
        async def receive_and_meet() -> Message:
            message = await receive()
            seam = self.at_acknowledgement
            if seam is None or _ENVELOPE not in (message.get("text") or ""):
                return message
            self.at_acknowledgement = None
            return message if seam() else await receive_and_meet()

        return receive_and_meet


def kill(pid: int) -> None:
    """SIGKILL; a process that is gone already is all that was wanted."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _name(path: str) -> str:
    """A path as faults are ordered for it: a Web API method's name, Mailgun's path without its region."""
    for prefix in ("/api/", "/us/", "/eu/"):
        if path.startswith(prefix):
            return path.removeprefix(prefix) if prefix == "/api/" else path.removeprefix(prefix[:-1])
    return path


def _said(scope: Scope, body: bytes) -> str:
    sent = f"{scope['path']}\n{scope['query_string'].decode('latin-1')}\n{body.decode('utf-8', 'replace')}"
    return f"{sent}\n{unquote_plus(sent)}"
