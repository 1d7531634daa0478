"""What a request can meet at a practice server instead of its answer. Who decides that it does is another matter:
an order (`drill.faults`) or chance (`drill.weather`)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

ErrorBody = Callable[[int, str], bytes]
"""The JSON that a service sends with an error status, from the status and the words."""

_WORDS = {400: "Bad request", 429: "Too many requests", 500: "Internal Server Error"}


class When(enum.StrEnum):
    """Whether the request has its effect: `before` never applies it, `after` does and hides the answer."""

    BEFORE = "before"
    AFTER = "after"


class Do(enum.StrEnum):
    """What the client meets instead of an answer."""

    KILL = "kill"
    """The process `pid`, the bot, is killed; the connection closes."""
    REFUSED = "400"
    """Status 400: the service says that it never will, so that asking again is of no use."""
    TOO_MANY = "429"
    """Status 429, with `Retry-After: seconds` if `seconds` is given."""
    SERVER_ERROR = "500"
    HANG = "hang"
    """Silence for `seconds`, then the connection closes."""
    GARBAGE = "garbage"
    """Status 200 with a body that is not JSON."""
    DROP = "drop"
    """The connection closes at once."""
    LATE = "late"
    """Silence; the request is applied only after `seconds`, whatever `when` says; the connection closes."""
    SLOW = "slow"
    """Silence; the request is applied after `seconds`, or as soon as its client has gone if that is sooner,
    whatever `when` says; the connection closes. So it is never applied after its client has given up."""
    LAG = "lag"
    """A list is shown as it was `seconds` ago (see `drill.lagging`); whatever is no list is answered as ever."""


@dataclass(frozen=True)
class Failure:
    """What one request meets."""

    do: Do
    when: When = When.BEFORE
    seconds: float | None = None
    pid: int | None = None
    message: str | None = None

    def response(self, error_body: ErrorBody) -> Response:
        """The answer that is none: an error status, or garbage. Only for what `do` does with an answer."""
        if self.do is Do.GARBAGE:
            return Response(b"<html>\x00 not what you asked for", media_type="text/html")
        status = int(self.do)
        headers = {}
        if self.do is Do.TOO_MANY and self.seconds is not None:
            headers["Retry-After"] = f"{self.seconds:g}"
        words = _WORDS[status] if self.message is None else self.message
        return Response(error_body(status, words), status, headers, media_type="application/json")
