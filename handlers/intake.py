"""The one thing that every listener does: store what was asked for, then acknowledge it."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from slack_bolt import Ack

from recovery.state import NewRequest

logger = logging.getLogger(__name__)

STORE_WITHIN = 1.0
"""Seconds in which `keep` must have stored a request, or raise. Only where a database that does not answer must
first be connected to may it take longer to raise."""


class Intake:
    """Stores requests through `keep`, which must store durably or raise within `STORE_WITHIN` seconds.

    What `keep` raises goes through to Bolt, which then answers 500 over HTTP and nothing in Socket Mode;
    either way Slack tells the person that it did not work.

    The bound is `keep`'s own, as a time limit of its database: only there does giving up also mean that
    nothing is stored. A clock here could only abandon a write that may still commit, and the person would be
    told that nothing happened while it happens. So whatever was stored is acknowledged, late or not: if Slack
    has given up by then it takes no notice, and the request is judged and answered all the same.
    """

    def __init__(self, keep: Callable[[NewRequest], None], now: Callable[[], datetime]) -> None:
        self._keep = keep
        self.now = now
        """The time, for `received_at`."""

    def take(self, request: NewRequest, ack: Ack) -> None:
        """Store the request, then acknowledge it."""
        started = time.monotonic()
        self._keep(request)
        ack()
        took = time.monotonic() - started
        if took > STORE_WITHIN:
            logger.warning("storing a request (%s) took %.1f seconds", request.action, took)
