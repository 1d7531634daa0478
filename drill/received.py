"""A request that a practice server has received whole, and an answer that it has not sent yet."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from starlette.types import Message, Receive, Scope, Send

_A_FEW_TURNS = 4
"""Of the event loop: so many it takes at most from a closed connection to whoever is told of it."""


class Received:
    """A request that has arrived whole, to be read by the app as if it were arriving now."""

    def __init__(self, scope: Scope, body: bytes, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._body = body
        self._read = False
        self._receive = receive

    @classmethod
    async def whole(cls, scope: Scope, receive: Receive) -> Received | None:
        """The request once all of it is there, or None from a client that went away before: nothing is applied."""
        pieces: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                return cls(scope, b"".join(pieces), receive)

    @property
    def said(self) -> str:
        """All that it says: path, query and body, as sent and form-decoded."""
        query, body = self.scope["query_string"].decode("latin-1"), self._body.decode("utf-8", "replace")
        sent = f"{self.path}\n{query}\n{body}"
        return f"{sent}\n{unquote_plus(sent)}"

    async def replay(self) -> Message:
        if self._read:
            return await self._receive()
        self._read = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def is_gone(self) -> bool:
        """Whether the client has gone away by now."""
        for _ in range(_A_FEW_TURNS):
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(0):
                kind: str = (await self._receive())["type"]
                return kind == "http.disconnect"
        except TimeoutError:
            return False

    async def gone_within(self, seconds: float) -> None:
        """Wait until the client has gone away, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (await self._receive())["type"] != "http.disconnect":
                    pass


@dataclass
class Answer:
    """What an app answers, kept to be looked at, changed and then sent, or not."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        """Keep a part of it; an ASGI `send`."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def send(self, send: Send) -> None:
        """Send it, with the length that it has by now."""
        others = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        headers = [*others, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
