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
import json
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drill.failures import Do, ErrorBody, Failure, When
from drill.lagging import Lists, is_list
from drill.orders import Order, OrderError, order_handler
from drill.received import Answer, Received
from drill.serving import hang_up
from drill.weather import Weather

PathNames = Callable[[str], Sequence[str]]
"""The names that an order may use for a path, the path itself among them or not."""

_LONG_SECONDS = 3600.0
_NEED_SECONDS = frozenset({Do.LATE, Do.SLOW, Do.LAG})


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
        if fault.do in _NEED_SECONDS and fault.seconds is None:
            raise OrderError(f"'do': '{fault.do}' needs the 'seconds'")
        return fault

    def count_match(self) -> bool:
        """Count one more matching request; whether the fault is due for it."""
        self.matched += 1
        return self.occurrence <= self.matched < self.occurrence + self.times

    @property
    def failure(self) -> Failure:
        """What a request meets that it fires for."""
        return Failure(self.do, self.when, self.seconds, self.pid, self.message)

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
    """The faults that one practice server was ordered to show, oldest first, and its weather."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self.weather = Weather()

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def told(self) -> list[dict[str, object]]:
        """Every fault, as `GET /_drill/faults` shows them."""
        return [fault.told() for fault in self._faults]

    def due(self, method: str, paths: Sequence[str], text: str) -> Failure | None:
        """Count a request for every fault that it matches, and say what it meets by the one that fires, if one does."""
        matching = [fault for fault in self._faults if fault.match.fits(method, paths, text)]
        due = [fault for fault in matching if fault.count_match()]
        if not due:
            return None
        due[0].fired += 1
        return due[0].failure

    def routes(self) -> list[Route]:
        """The orders at `/_drill/faults` and `/_drill/weather`, for a practice server to serve."""

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
            *self.weather.routes(),
        ]


def _path_itself(path: str) -> Sequence[str]:
    return (path,)


def _message_body(status: int, words: str) -> bytes:
    return json.dumps({"message": words}).encode()


class FaultMiddleware:
    """Between the network and a practice server: reads each request whole, then lets it meet its fault or the weather.

    A request that meets neither is applied, then waits `latency` seconds, then is answered. Orders
    (`/_drill/...`) and websockets pass untouched. `path_names` gives the names by which orders may call a
    path; `error_body` is what the service says beside a 429 or 500.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        latency: float = 0.0,
        path_names: PathNames = _path_itself,
        error_body: ErrorBody = _message_body,
    ) -> None:
        self._app = app
        self._faults = faults
        self._latency = latency
        self._path_names = path_names
        self._error_body = error_body
        self._lists = Lists()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith("/_drill/"):
            if scope["method"] != "GET":
                self._lists.note_change()
            await self._app(scope, receive, send)
            return
        request = await Received.whole(scope, receive)
        if request is None:
            return
        names = self._path_names(request.path)
        failure = self._faults.due(request.method, names, request.said)
        failure = failure or self._faults.weather.meets(request.method, request.path)
        if self._faults.weather.share and await request.is_gone():
            self._faults.weather.has_come_too_late()
        elif failure is None:
            await self._apply(request, self._delayed(send))
        else:
            await self._meet(failure, request, send)

    async def _meet(self, failure: Failure, request: Received, send: Send) -> None:
        if failure.do is Do.LAG:
            await self._apply(request, self._delayed(send), failure.seconds)
            return
        if failure.do is Do.LATE:
            await asyncio.sleep(failure.seconds or 0.0)
            await self._apply(request, _withhold)
        elif failure.do is Do.SLOW:
            await self._apply_slowly(failure.seconds or 0.0, request)
        elif failure.when is When.AFTER:
            await self._apply(request, _withhold)
        match failure.do:
            case Do.KILL if failure.pid is not None:
                # A process that is gone already is all that the order wanted.
                with suppress(ProcessLookupError):
                    os.kill(failure.pid, signal.SIGKILL)
                await hang_up(request.scope)()
            case Do.HANG:
                await request.gone_within(_LONG_SECONDS if failure.seconds is None else failure.seconds)
                await hang_up(request.scope)()
            case Do.REFUSED | Do.TOO_MANY | Do.SERVER_ERROR | Do.GARBAGE:
                response = failure.response(self._error_body)
                await response(request.scope, request.replay, self._delayed(send))
            case _:
                await hang_up(request.scope)()

    async def _apply_slowly(self, seconds: float, request: Received) -> None:
        began = time.monotonic()
        await request.gone_within(seconds)
        waited = time.monotonic() - began
        if waited > seconds and await request.is_gone():
            # On a machine that is busy elsewhere, a moment became longer than the client's patience.
            self._faults.weather.has_come_too_late()
            return
        self._faults.weather.was_slow(waited)
        await self._apply(request, _withhold)

    async def _apply(self, request: Received, send: Send, lag: float | None = None) -> None:
        """Apply a request and send its answer; a list with `lag` as it was so many seconds ago."""
        if not is_list(request.method, request.path):
            if request.method != "GET":
                self._lists.note_change()
            await self._app(request.scope, request.replay, send)
            return
        answer, state = Answer(), self._lists.state()
        await self._app(request.scope, request.replay, answer.take)
        shown = answer.body if lag is None else self._lists.older(request, answer, lag)
        self._lists.note_answer(request, answer, state)
        if shown != answer.body:
            self._faults.weather.has_lagged()
            answer.body = shown
        await answer.send(send)

    def _delayed(self, send: Send) -> Send:
        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start" and self._latency:
                await asyncio.sleep(self._latency)
            await send(message)

        return send_late


async def _withhold(message: Message) -> None:
    """The answer exists; nobody gets it."""
