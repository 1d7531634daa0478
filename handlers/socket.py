"""Socket Mode: the connection over which Slack tells the bot what people do."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from starlette.routing import Route

from handlers.app import LISTENERS
from handlers.clients import SLACK_API, web_client
from handlers.door import Door
from handlers.errors import sorted_errors
from handlers.logging import bolt_logger
from recovery.errors import OutsideError, RecoveryError, Refused, Uncertain

logger = logging.getLogger(__name__)

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0


class Socket(Door):
    """One Socket Mode connection, made with the app token; slack_sdk replaces it whenever it breaks.

    `processes` says how many processes of the bot there are, this one among them. Slack hands each click to
    one of an app's connections, so one that nobody listens to loses clicks: the log is told of it.

    The WebSocket goes through HTTPS_PROXY or HTTP_PROXY unless NO_PROXY names Slack's host.
    """

    def __init__(
        self,
        app: App,
        app_token: str,
        *,
        base_url: str = SLACK_API,
        timeout: float = 8,
        processes: Callable[[], int] = lambda: 1,
    ) -> None:
        self.connections: int | None = None
        """How many connections this app has, in every process, as Slack said when the last one opened."""
        self._processes = processes
        self._hellos = 0
        self._wondered = False
        self._handler = SocketModeHandler(
            app,
            app_token,
            logger=bolt_logger(),
            web_client=web_client(app_token, base_url, timeout),
            # Each waits for the acknowledgement of one click.
            concurrency=LISTENERS,
        )
        self._client = self._handler.client
        if proxy_bypass(urlsplit(base_url).hostname or ""):
            # slack_sdk takes a proxy from the environment by itself, and does not look at NO_PROXY.
            self._client.proxy = None
        self._client.message_listeners.append(self._hear_hello)

    def routes(self) -> Sequence[Route]:
        """None: here the bot calls Slack."""
        return ()

    def connect_with_retry(self, stop: threading.Event) -> bool:
        """Connect, trying for as long as it takes; False when `stop` was set first.

        Raises `Refused` where trying again is in vain: a token that Slack does not accept, Socket Mode off.
        """
        wait = _FIRST_WAIT
        while not stop.is_set():
            try:
                self._connect()
                return True
            except Refused:
                raise
            except OutsideError as error:
                logger.warning("%s Trying again in %.0f seconds.", error, wait)
            stop.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        return False

    def is_connected(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._client.is_connected()

    def close(self) -> None:
        """Take nothing more; returns when what is being taken has been acknowledged."""
        self._client.close()

    def _connect(self) -> None:
        with sorted_errors("apps.connections.open"):
            self._client.connect_to_new_endpoint()
        if not self._client.is_connected():
            # slack_sdk logs why the WebSocket failed and raises nothing.
            raise Uncertain("The connection for Socket Mode could not be made.")

    def _hear_hello(self, client: object, message: dict[str, Any], raw: str | None) -> None:
        if message.get("type") == "hello":
            self.connections = message.get("num_connections")
            self._hellos += 1
            logger.info("connected to Slack; connections of this app: %s", self.connections)
            self._wonder_at(self.connections)

    def _wonder_at(self, connections: int | None) -> None:
        """Warn when Slack has connections that no process explains; once, until it has been right again."""
        if not isinstance(connections, int):
            return
        try:
            processes = self._processes()
        except RecoveryError:
            # The database is away, and says so elsewhere.
            return
        # slack_sdk makes its next connection before it closes the last one.
        known = processes + (self._hellos > 1)
        if connections > known and not self._wondered:
            logger.warning(
                "Connections of this app that Slack has: %d; processes of the bot on its database: %d. Either another "
                "process runs somewhere with the same app token, or connections broke without Slack's noticing. Slack "
                "hands each click and command to one of them, so some are lost until then. See “How many processes” "
                "in docs/operations.md.",
                connections,
                processes,
            )
        self._wondered = connections > known
