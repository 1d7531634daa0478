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
from types import TracebackType
from typing import Self, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

HangUp = Callable[[], Awaitable[None]]

_HANG_UP = "drill.hang_up"
_START_WITHIN_SECONDS = 10.0
_STOP_WITHIN_SECONDS = 10.0


class PracticeServer:
    """Serves one ASGI app on 127.0.0.1, in a thread of its own, while the `with` block runs.

    The address is known as soon as the object exists, also with port 0 (any free port), and connections
    are accepted when `__enter__` or `start` returns. Any number of servers can run in one process.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
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
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run,
            args=([self._listener],),
            name=f"practice-server-{self.port}",
            daemon=True,
        )

    def start(self) -> None:
        """Accept connections from here on.

        Raises:
            RuntimeError: the app failed while it was starting.
        """
        self._thread.start()
        if not self._server.settled.wait(_START_WITHIN_SECONDS) or not self._server.started:
            raise RuntimeError(f"the practice server at {self.url} did not start")

    def stop(self) -> None:
        """Close every connection, answered or not, and return when the port is free again."""
        if not self._thread.is_alive():
            self._listener.close()
            return
        self._server.stop()
        self._thread.join(_STOP_WITHIN_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


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
    """uvicorn, telling when it accepts connections, and stoppable from another thread."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()

    def stop(self) -> None:
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._close_connections)

    def _close_connections(self) -> None:
        # Without this, a connection that a fault left hanging would hold up the end of every test.
        for connection in list(self.server_state.connections):
            transport = connection.transport
            if transport is not None:
                transport.abort()


def _with_hang_up(app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # uvicorn hands out a bound method of its request cycle, the only way to the connection.
            transport = cast(asyncio.Transport, send.__self__.transport)  # type: ignore[attr-defined]

            async def close() -> None:
                transport.abort()
                # uvicorn answers 500 for an app that returns before the connection is known to be gone.
                while (await receive())["type"] != "http.disconnect":
                    pass

            scope.setdefault("extensions", {})[_HANG_UP] = close
        await app(scope, receive, send)

    return serve
