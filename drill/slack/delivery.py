"""What the app is sent, and the promise that whatever carries it makes: Socket Mode, or HTTP."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from drill.slack.model import JsonObject

OnAcknowledged = Callable[[JsonObject], None]
OnFailed = Callable[[str], None]
"""Told how Slack names the failure to the person, such as `operation_timeout`."""


class EventKind(StrEnum):
    """The types of envelope."""

    SLASH_COMMANDS = "slash_commands"
    INTERACTIVE = "interactive"
    EVENTS_API = "events_api"


class EventState(StrEnum):
    """What became of an event."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    TIMED_OUT = "timed_out"
    NOT_CONNECTED = "not_connected"
    REFUSED = "refused"


class AppNotConnected(Exception):
    """There is nothing to send the event over."""


@dataclass
class Event:
    """One thing that the app is to know. A late acknowledgement keeps the state `timed_out`."""

    id: str
    kind: EventKind
    payload: JsonObject
    sent_at: float
    state: EventState = EventState.PENDING
    acked_at: float | None = None
    response: JsonObject | None = None
    status: int | None = None
    connection: str | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self, state: EventState) -> None:
        """Decide what became of it; whoever waits for that goes on."""
        self.state = state
        self.settled.set()

    @property
    def ack_ms(self) -> float | None:
        """How long the app took to acknowledge it, late or not."""
        return None if self.acked_at is None else round((self.acked_at - self.sent_at) * 1000, 1)

    def as_json(self) -> JsonObject:
        """The event as `GET /_drill/log` shows it."""
        return {
            "at": self.sent_at,
            "envelope_id": self.id,
            "type": self.kind,
            "payload": self.payload,
            "state": self.state,
            "connection": self.connection,
            "acked_at": self.acked_at,
            "ack_ms": self.ack_ms,
            "response": self.response,
            "status": self.status,
        }


class Delivery(Protocol):
    """Carries events to the app: Socket Mode, or requests to its `request_url`."""

    async def deliver(
        self, kind: EventKind, payload: JsonObject, on_acknowledged: OnAcknowledged, on_failed: OnFailed
    ) -> Event:
        """Hand one event to the app, and return without waiting for its acknowledgement.

        Exactly one of the two callbacks is called: with what the app answered beside its acknowledgement
        (empty if nothing), or when the time for it is over or the app refused it.

        Raises:
            AppNotConnected: there is no way to the app now; this is in the log, and no callback is called.
        """
