"""Socket Mode: the app's WebSockets, and the envelopes that go over them."""

import asyncio
import contextlib
import itertools
import json
import secrets
from dataclasses import dataclass
from uuid import uuid4

from starlette.websockets import WebSocket, WebSocketDisconnect

from drill.slack.delivery import (
    AppNotConnected,
    Event,
    EventKind,
    EventState,
    OnAcknowledged,
    OnFailed,
)
from drill.slack.log import Log
from drill.slack.model import JsonObject
from drill.slack.workspace import Workspace

_POLICY_VIOLATION = 1008


@dataclass(eq=False)
class _Connection:
    """One WebSocket of the app's."""

    id: str
    socket: WebSocket


@dataclass
class _Awaited:
    """An event on its way, and what follows its acknowledgement or the lack of it."""

    event: Event
    on_acknowledged: OnAcknowledged
    timer: asyncio.TimerHandle


class SocketMode:
    """The open connections. Each event goes to one of them, in turn."""

    def __init__(self, workspace: Workspace, log: Log) -> None:
        self._workspace = workspace
        self._log = log
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []
        self._awaited: dict[str, _Awaited] = {}
        self._numbers = itertools.count(1)
        self._turn = 0
        self.newest_at: float | None = None
        """When the last connection opened, by the workspace's clock."""

    def issue_ticket(self) -> str:
        """What `apps.connections.open` puts into its address; good for one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def serve(self, socket: WebSocket) -> None:
        """Keep one connection until it closes."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close(_POLICY_VIOLATION)
            return
        self._tickets.remove(ticket)
        await socket.accept()
        connection = _Connection(f"connection-{next(self._numbers)}", socket)
        try:
            # Nothing may come before the hello, so the connection counts only after it.
            await socket.send_json(self._hello(connection))
            self._connections.append(connection)
            self.newest_at = self._workspace.clock()
            self._workspace.touch()
            while True:
                self._receive(await socket.receive_text())
        except WebSocketDisconnect:
            # Every connection ends like this, whoever closes it.
            pass
        finally:
            self._drop(connection)

    async def deliver(
        self, kind: EventKind, payload: JsonObject, on_acknowledged: OnAcknowledged, on_failed: OnFailed
    ) -> Event:
        """Send one envelope over the next connection. Keeps the promise of `Delivery.deliver`."""
        event = Event(str(uuid4()), kind, payload, self._workspace.clock())
        self._log.event(event.as_json)
        timer = asyncio.get_running_loop().call_later(self._workspace.ack_seconds, self._expire, event.id, on_failed)
        # Before it is sent: the acknowledgement may be here before the sending returns.
        self._awaited[event.id] = _Awaited(event, on_acknowledged, timer)
        envelope = {
            "envelope_id": event.id,
            "type": kind,
            "accepts_response_payload": kind is not EventKind.EVENTS_API,
            "payload": payload,
        }
        if not await self._send(envelope, event):
            timer.cancel()
            del self._awaited[event.id]
            event.settle(EventState.NOT_CONNECTED)
            raise AppNotConnected
        return event

    async def _send(self, envelope: JsonObject, event: Event) -> bool:
        while self._connections:
            self._turn += 1
            connection = self._connections[self._turn % len(self._connections)]
            event.connection = connection.id
            # A connection that closed under the message is Slack's to notice: it takes the next one.
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await connection.socket.send_json(envelope)
                return True
            self._drop(connection)
        event.connection = None
        return False

    def _receive(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            # Slack takes no notice of what is not an acknowledgement.
            return
        envelope_id = message.get("envelope_id") if isinstance(message, dict) else None
        awaited = self._awaited.get(str(envelope_id))
        if awaited is None or awaited.event.acked_at is not None:
            return
        event = awaited.event
        response = message.get("payload")
        event.acked_at = self._workspace.clock()
        event.response = response if isinstance(response, dict) else {}
        if event.state is EventState.PENDING:
            awaited.timer.cancel()
            awaited.on_acknowledged(event.response)
            event.settle(EventState.ACKNOWLEDGED)
            self._workspace.touch()

    def _expire(self, envelope_id: str, on_failed: OnFailed) -> None:
        # The event stays known: the log shows how late its acknowledgement came.
        on_failed("operation_timeout")
        self._awaited[envelope_id].event.settle(EventState.TIMED_OUT)
        self._workspace.touch()

    def _drop(self, connection: _Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._workspace.touch()

    def _hello(self, connection: _Connection) -> JsonObject:
        return {
            "type": "hello",
            "num_connections": len(self._connections) + 1,
            "debug_info": {
                "host": connection.id,
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": self._workspace.app.id},
        }
