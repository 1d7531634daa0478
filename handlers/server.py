"""The one port of a process, and how long a client may take there: slow ones are let go, so that they hold up
nobody."""

import asyncio
import errno
import logging
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from recovery.errors import RecoveryError

logger = logging.getLogger(__name__)

REQUEST_WITHIN = 8.0
"""Seconds for a whole request to arrive, from the connection or from its first byte. Slack sends one at once."""

IDLE_FOR = 5
"""Seconds for which a connection without a request is kept. Proxies use one again within that."""

HEADERS = 32 * 1024
"""Bytes that a request's line and headers may have."""

CONNECTIONS = 128
"""At once. Beyond that the one that has kept quiet or been sending its request for longest is let go."""

_STARTS_WITHIN = 10.0


class PortUnusable(RecoveryError):
    """The port cannot be listened on. The text says why, and how another one is set."""


class WebServer:
    """Serves on one port of this machine, on all its addresses, in a thread of its own.

    The port is taken as soon as the object exists. Port 0 is any free one; `port` is the one that it got.
    """

    def __init__(self, port: int) -> None:
        self._listener = _listener(port)
        self.port: int = self._listener.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def serve(self, routes: Sequence[Route]) -> None:
        """Answer requests from here on; returns once that is so."""
        app = Starlette(routes=routes)
        # Nothing here has two addresses, and whoever errs shall be told so.
        app.router.redirect_slashes = False
        config = uvicorn.Config(
            app,
            http=_Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=logging.CRITICAL,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_FOR,
            h11_max_incomplete_event_size=HEADERS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name=f"port-{self.port}", daemon=True
        )
        self._thread.start()
        until = time.monotonic() + _STARTS_WITHIN
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise PortUnusable(f"Port {self.port} is not being served; the log may say why.")
            time.sleep(0.01)
        logger.info("listening on port %d", self.port)

    def close(self, deadline: float) -> None:
        """Accept nothing more, and wait until `deadline` (`time.monotonic`) for what is being answered."""
        if self._server is None or self._thread is None:
            self._listener.close()
            return
        self._server.should_exit = True
        self._thread.join(max(deadline - time.monotonic(), 0))


def _listener(port: int) -> socket.socket:
    # The protocol is named because asyncio sends small answers at once only where it can see that this is TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without it the port of a process that has just ended could not be used for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))  # Hosts and proxies ask from other machines.
        # Already here: two processes may bind the same port, and only the second one to listen is refused.
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortUnusable(_why_not(port, error)) from None
    return listener


def _why_not(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use on this machine, by another process of the bot or by something else. Set PORT "
            "to another number: each process needs a port of its own. PORT=0 takes any free one, which the log names."
        )
    return f"Port {port} cannot be listened on: {error.strerror}. Set PORT to another number, such as 3000."


class _Connection(H11Protocol):
    """A connection that is let go when its request is not there in time.

    uvicorn waits for ever for a request's first byte and for the rest of it; only between two requests it has
    a limit of its own.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waits_since = self.loop.time()
        """Since when it could have sent a whole request."""
        self._overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._mind_the_time()
        if len(self.connections) > CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except h11.ProtocolError:
            # Nonsense after the answer has begun: uvicorn would answer it once more.
            self.transport.abort()
            return
        self._mind_the_time()

    def on_response_complete(self) -> None:
        self.waits_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        try:
            super().shutdown()
        except h11.ProtocolError:
            self.transport.abort()

    @property
    def is_answered(self) -> bool:
        """Whether its request is here and its answer is being made."""
        return self.cycle is not None and not self.cycle.response_complete and self._overdue is None

    def _mind_the_time(self) -> None:
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_waiting()
        elif self._overdue is None:
            self._overdue = self.loop.call_later(REQUEST_WITHIN, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _make_room(self) -> None:
        waiting = [one for one in self.connections if isinstance(one, _Connection) and not one.is_answered]
        # Never none: this one has just begun to wait.
        min(waiting, key=lambda one: one.waits_since).transport.abort()
