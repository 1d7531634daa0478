"""The one thing that every listener does: store what was asked for, then acknowledge it."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from slack_bolt import Ack

from recovery.state import NewRequest

logger = logging.getLogger(__name__)

STORE_WITHIN = 1.0
"""Seconds in which `keep` must have stored a request, or raise. Only where a database that does not answer must
first be connected to may it take longer to raise."""

_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_TIMESTAMP = re.compile(r"[0-9.]{1,64}")
_ADDRESS = re.compile(r"https?://[!-~]{1,1000}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What no database takes in a text: NUL, and halves of characters, which JSON can carry."""
_MOST = 1_000
"""Characters of `dedupe`; real ones have a fraction of that."""


class NotUnderstood(Exception):
    """A payload of a form that Slack does not send. Nothing of it is in the text."""


class Intake:
    """Stores requests through `keep`, which must store durably or raise within `STORE_WITHIN` seconds.

    What `keep` raises goes through to Bolt, which then answers 503 over HTTP and nothing in Socket Mode;
    either way Slack tells the person that it did not work.

    The bound is `keep`'s own, as a time limit of its database: only there does giving up also mean that
    nothing is stored. A clock here could only abandon a write that may still commit, and the person would be
    told that nothing happened while it happens. So whatever was stored is acknowledged, late or not: if Slack
    has given up by then it takes no notice, and the request is judged and answered all the same.
    """

    def __init__(
        self, keep: Callable[[NewRequest], None], now: Callable[[], datetime], seal_key: Callable[[str], str]
    ) -> None:
        self._keep = keep
        self.now = now
        """The time, for `received_at`."""
        self.seal_key = seal_key
        """A Mailgun key that somebody entered, sealed as the vault seals its own: it is stored in no other form.
        Raises `ValueError` for what can be none, and says why without repeating it."""

    def take(self, request: NewRequest, ack: Ack) -> None:
        """Store the request, then acknowledge it. Raises `NotUnderstood` for one that cannot be Slack's."""
        request = storable(request)
        started = time.monotonic()
        self._keep(request)
        ack()
        took = time.monotonic() - started
        if took > STORE_WITHIN:
            logger.warning("storing a request (%s) took %.1f seconds", request.action, took)


def storable(request: NewRequest) -> NewRequest:
    """The request as any database takes it: ids that look like ids, and words without what no text may have.

    Payloads were read as they came. Here is the one place where they must turn out to be what they should be.
    """
    ids = (request.team_id, request.channel_id)
    if not _is(_ID, request.user_id) or not all(part == "" or _is(_ID, part) for part in ids):
        raise NotUnderstood("an id that is none")
    if request.message_ts is not None and not _is(_TIMESTAMP, request.message_ts):
        raise NotUnderstood("a timestamp that is none")
    if request.response_url is not None and not _is(_ADDRESS, request.response_url):
        raise NotUnderstood("an address that is none")
    if len(request.dedupe) > _MOST or _UNSTORABLE.search(request.dedupe):
        raise NotUnderstood("an id that is too long or no text")
    return replace(
        request,
        text=_clean(request.text),
        about={_clean(name): _clean(value) for name, value in request.about.items()},
    )


def _is(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _clean(text: str) -> str:
    return _UNSTORABLE.sub("", text)
