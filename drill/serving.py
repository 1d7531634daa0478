"""Runs a practice server on this machine, beside whatever else the process does.

A practice server must be able to do what a failing network does: to close a connection without an answer.
ASGI has no word for that, so every request that is served here carries one, `hang_up(scope)`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

HangUp = Callable[[], Awaitable[None]]

_HANG_UP = "drill.hang_up"
_START_WITHIN_SECONDS = 10.0
_STOP_WITHIN_SECONDS = 10.0
_FINISH_WITHIN_SECONDS = 1.0


class PracticeServer:
    """Serves one ASGI app on 127.0.0.1, in a thread of its own, while the `with` block runs.

    The address is known as soon as the object exists, also with port 0 (any free port), and connections
    are accepted when `__enter__` or `start` returns. Any number of servers can run in one process.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        # The protocol is named because asyncio sends small answers at once only where it can see that this is TCP.
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = _Server(
            uvicorn.Config(
                _with_hang_up(app),
                http="httptools",
                ws="auto",
                interface="asgi3",
                proxy_headers=False,
                log_config=None,
                log_level=logging.ERROR,
                access_log=False,
                date_header=False,
            )
        )
        self._thread = threading.Thread(target=self._serve, name=f"practice-server-{self.port}", daemon=True)

    def start(self) -> None:
        """Accept connections from here on.

        Raises:
            RuntimeError: the app failed while it was starting.
        """
        self._thread.start()
        if not self._server.settled.wait(_START_WITHIN_SECONDS) or not self._server.started:
            self.stop()
            raise RuntimeError(f"the practice server at {self.url} did not start")

    def stop(self) -> None:
        """Close every connection, answered or not, and return when the port is free again."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join(_STOP_WITHIN_SECONDS)
        self._listener.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        # uvicorn exits when an app cannot start; here that ends the thread, and `start` tells it.
        with suppress(SystemExit):
            self._server.run([self._listener])


def hang_up(scope: Scope) -> HangUp:
    """What closes this request's TCP connection without an answer; awaiting it returns when it is closed.

    Raises:
        RuntimeError: the app is not served by a `PracticeServer`, so that nothing can close the connection.
    """
    closer = scope.get("extensions", {}).get(_HANG_UP)
    if closer is None:
        raise RuntimeError("only an app that a PracticeServer serves can hang up")
    return cast(HangUp, closer)


class _Server(uvicorn.Server):
    """uvicorn, telling when it accepts connections, and gone as soon as another thread says so.

    uvicorn looks a few times a second whether it should leave, and lets its clients finish. A test run starts
    hundreds of servers and has no clients left to wait for, so here an event ends it.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._leaving = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()

    async def main_loop(self) -> None:
        await self._leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        running = set(self.server_state.tasks)
        if running:
            _, stuck = await asyncio.wait(running, timeout=_FINISH_WITHIN_SECONDS)
            for task in stuck:
                task.cancel()
        await self.lifespan.shutdown()

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._leaving.set)


def _with_hang_up(app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # uvicorn hands out a bound method of its request cycle, the only way to the connection.
            cycle = send.__self__  # type: ignore[attr-defined]  # a Send need not be a bound method; uvicorn's is
            transport = cast(asyncio.Transport, cycle.transport)

            async def close() -> None:
                transport.abort()
                # uvicorn answers 500 for an app that returns before the connection is known to be gone.
                while (await receive())["type"] != "http.disconnect":
                    pass

            scope.setdefault("extensions", {})[_HANG_UP] = close
        # Only the server's end cancels a request; there is nobody left to hear of it.
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return serve
