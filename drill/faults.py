"""Faults: a practice server that fails where it is told to, as networks and services do.

    POST /_drill/faults {match: {method, path, contains}, occurrence, when, do, seconds, pid, times, message}
    GET /_drill/faults      each fault, how often it matched and how often it fired
    DELETE /_drill/faults   no more faults

`match` names the requests: `path` is a whole path as the client means it (percent-decoded), `*` standing for
anything, or another name that the server gives it, such as `chat.postMessage`; `contains` is a text somewhere
in the path, query or body, as sent or form-decoded. What is left out matches everything. From the
`occurrence`-th match on (1 where left out), `times` matches in a row (1) meet the fault; if several faults
would fire, the oldest does.
"""

from __future__ import annotations

import asyncio
import enum
import json
import os
import re
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drill.orders import Order, OrderError, order_handler
from drill.serving import hang_up

PathNames = Callable[[str], Sequence[str]]
"""The names that an order may use for a path, the path itself among them or not."""

FaultBody = Callable[[int, str], bytes]
"""The JSON that a service sends with an error status, from the status and the words."""

_LONG_SECONDS = 3600.0
_WORDS = {400: "Bad request", 429: "Too many requests", 500: "Internal Server Error"}


class When(enum.StrEnum):
    """Whether the request has its effect: `before` never applies it, `after` does and hides the answer."""

    BEFORE = "before"
    AFTER = "after"


class Do(enum.StrEnum):
    """What the client meets instead of an answer."""

    KILL = "kill"
    """The process `pid`, the bot, is killed; the connection closes."""
    REFUSED = "400"
    """Status 400: the service says that it never will, so that asking again is of no use."""
    TOO_MANY = "429"
    """Status 429, with `Retry-After: seconds` if `seconds` is given."""
    SERVER_ERROR = "500"
    HANG = "hang"
    """Silence for `seconds`, then the connection closes."""
    GARBAGE = "garbage"
    """Status 200 with a body that is not JSON."""
    DROP = "drop"
    """The connection closes at once."""
    LATE = "late"
    """Silence; the request is applied only after `seconds`, whatever `when` says; the connection closes."""


@dataclass(frozen=True)
class Match:
    """Which requests a fault is about. A field that is None matches every request."""

    method: str | None = None
    path: str | None = None
    contains: str | None = None

    def fits(self, method: str, paths: Sequence[str], text: str) -> bool:
        """Whether a request is meant, by its method, the names of its path, and all that it says."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or any(self._pattern(self.path).fullmatch(path) for path in paths))
            and (self.contains is None or self.contains in text)
        )

    @staticmethod
    def _pattern(path: str) -> re.Pattern[str]:
        return re.compile(".*".join(re.escape(piece) for piece in path.split("*")), re.DOTALL)


@dataclass
class Fault:
    """One fault that was ordered, and how often it came to it."""

    match: Match
    do: Do
    when: When = When.BEFORE
    occurrence: int = 1
    times: int = 1
    seconds: float | None = None
    pid: int | None = None
    message: str | None = None
    matched: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    @classmethod
    def ordered(cls, order: Order) -> Fault:
        """The fault that an order describes.

        Raises:
            OrderError: the order is malformed, or lacks what its `do` needs.
        """
        match = order.part("match")
        fault = cls(
            Match(match.optional_text("method"), match.optional_text("path"), match.optional_text("contains")),
            do=order.choice("do", Do),
            when=order.choice("when", When, When.BEFORE),
            occurrence=order.whole("occurrence", 1, at_least=1),
            times=order.whole("times", 1, at_least=1),
            seconds=order.optional_seconds("seconds"),
            # A pid of 0 or 1 would be this process's group or the machine.
            pid=order.optional_whole("pid", at_least=2),
            message=order.optional_text("message"),
        )
        match.finish()
        order.finish()
        if fault.do is Do.KILL and fault.pid is None:
            raise OrderError("'do': 'kill' needs the 'pid' to kill")
        if fault.do is Do.LATE and fault.seconds is None:
            raise OrderError("'do': 'late' needs the 'seconds' to wait")
        return fault

    def count_match(self) -> bool:
        """Count one more matching request; whether the fault is due for it."""
        self.matched += 1
        return self.occurrence <= self.matched < self.occurrence + self.times

    def told(self) -> dict[str, object]:
        """The fault as `GET /_drill/faults` shows it."""
        return {
            "match": {"method": self.match.method, "path": self.match.path, "contains": self.match.contains},
            "do": self.do,
            "when": self.when,
            "occurrence": self.occurrence,
            "times": self.times,
            "seconds": self.seconds,
            "pid": self.pid,
            "message": self.message,
            "matched": self.matched,
            "fired": self.fired,
        }


class Faults:
    """The faults that one practice server was ordered to show, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def told(self) -> list[dict[str, object]]:
        """Every fault, as `GET /_drill/faults` shows them."""
        return [fault.told() for fault in self._faults]

    def due(self, method: str, paths: Sequence[str], text: str) -> Fault | None:
        """Count a request for every fault that it matches, and name the one that it meets."""
        matching = [fault for fault in self._faults if fault.match.fits(method, paths, text)]
        due = [fault for fault in matching if fault.count_match()]
        if not due:
            return None
        due[0].fired += 1
        return due[0]

    def routes(self) -> list[Route]:
        """The orders at `/_drill/faults`, for a practice server to serve."""

        async def add(request: Request) -> Response:
            fault = Fault.ordered(await Order.read(request))
            self.add(fault)
            return JSONResponse(fault.told(), status_code=201)

        async def tell(request: Request) -> Response:
            return JSONResponse({"faults": self.told()})

        async def clear(request: Request) -> Response:
            self.clear()
            return JSONResponse({"faults": []})

        return [
            Route("/_drill/faults", order_handler(add), methods=["POST"]),
            Route("/_drill/faults", tell, methods=["GET"]),
            Route("/_drill/faults", clear, methods=["DELETE"]),
        ]


def _path_itself(path: str) -> Sequence[str]:
    return (path,)


def _message_body(status: int, words: str) -> bytes:
    return json.dumps({"message": words}).encode()


class FaultMiddleware:
    """Between the network and a practice server: reads each request whole, then lets it meet its fault.

    A request without a fault is applied, then waits `latency` seconds, then is answered. Orders
    (`/_drill/...`) and websockets pass untouched. `path_names` gives the names by which orders may call a
    path; `error_body` is what the service says beside a 429 or 500.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        latency: float = 0.0,
        path_names: PathNames = _path_itself,
        error_body: FaultBody = _message_body,
    ) -> None:
        self._app = app
        self._faults = faults
        self._latency = latency
        self._path_names = path_names
        self._error_body = error_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_drill/"):
            await self._app(scope, receive, send)
            return
        body = await _whole_body(receive)
        if body is None:
            return
        fault = self._faults.due(scope["method"], self._path_names(scope["path"]), _said(scope, body))
        request = _Received(scope, body, receive)
        if fault is None:
            await self._app(scope, request.replay, self._delayed(send))
        else:
            await self._meet(fault, request, send)

    async def _meet(self, fault: Fault, request: _Received, send: Send) -> None:
        if fault.do is Do.LATE:
            await asyncio.sleep(fault.seconds or 0.0)
            await self._apply(request)
            await hang_up(request.scope)()
            return
        if fault.when is When.AFTER:
            await self._apply(request)
        match fault.do:
            case Do.KILL if fault.pid is not None:
                # A process that is gone already is all that the order wanted.
                with suppress(ProcessLookupError):
                    os.kill(fault.pid, signal.SIGKILL)
                await hang_up(request.scope)()
            case Do.HANG:
                await request.gone_within(_LONG_SECONDS if fault.seconds is None else fault.seconds)
                await hang_up(request.scope)()
            case Do.REFUSED | Do.TOO_MANY | Do.SERVER_ERROR:
                await self._answer(self._refusal(fault), request, send)
            case Do.GARBAGE:
                garbage = Response(b"<html>\x00 not what you asked for", media_type="text/html")
                await self._answer(garbage, request, send)
            case _:
                await hang_up(request.scope)()

    def _refusal(self, fault: Fault) -> Response:
        status = int(fault.do)
        headers = {}
        if fault.do is Do.TOO_MANY and fault.seconds is not None:
            headers["Retry-After"] = f"{fault.seconds:g}"
        words = _WORDS[status] if fault.message is None else fault.message
        return Response(self._error_body(status, words), status, headers, media_type="application/json")

    async def _apply(self, request: _Received) -> None:
        async def withhold(message: Message) -> None:
            """The answer exists; nobody gets it."""

        await self._app(request.scope, request.replay, withhold)

    async def _answer(self, response: Response, request: _Received, send: Send) -> None:
        await response(request.scope, request.replay, self._delayed(send))

    def _delayed(self, send: Send) -> Send:
        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start" and self._latency:
                await asyncio.sleep(self._latency)
            await send(message)

        return send_late


class _Received:
    """A request that has arrived whole, to be read by the app as if it were arriving now."""

    def __init__(self, scope: Scope, body: bytes, receive: Receive) -> None:
        self.scope = scope
        self._body: bytes | None = body
        self._receive = receive

    async def replay(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def gone_within(self, seconds: float) -> None:
        """Wait until the client has gone away, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (await self._receive())["type"] != "http.disconnect":
                    pass


async def _whole_body(receive: Receive) -> bytes | None:
    """The body once all of it is there, or None from a client that went away before: nothing is applied."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _said(scope: Scope, body: bytes) -> str:
    sent = f"{scope['path']}\n{scope['query_string'].decode('latin-1')}\n{body.decode('utf-8', 'replace')}"
    return f"{sent}\n{unquote_plus(sent)}"
