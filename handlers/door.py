"""What a way from Slack to the bot is: Socket Mode is one, HTTP the other."""

import threading
from collections.abc import Sequence
from typing import Protocol

from starlette.routing import Route


class Door(Protocol):
    """Lets in what people do in Slack. Whatever comes through either door goes through the same listeners."""

    def routes(self) -> Sequence[Route]:
        """What the process must serve on its port for this door."""

    def connect_with_retry(self, stop: threading.Event) -> bool:
        """Open it, trying for as long as that takes; False when `stop` was set first.

        Raises `Refused` where trying again is in vain.
        """

    def is_connected(self) -> bool:
        """Whether Slack can get through at this moment, as far as this process can tell."""

    def close(self) -> None:
        """Take nothing more; returns when what is being taken has been acknowledged."""
