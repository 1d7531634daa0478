"""Mailgun's refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping

from starlette.responses import JSONResponse, PlainTextResponse, Response


class Refusal(Exception):
    """A call that Mailgun refuses; raised by whoever finds the reason, answered in one place."""

    def __init__(
        self,
        status: int,
        message: str,
        plain: bool = False,
        field: str = "message",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self._field = field
        self._status = status
        self._message = message
        self._plain = plain
        self._headers = headers

    def response(self) -> Response:
        if self._plain:
            return PlainTextResponse(self._message, self._status, self._headers)
        return JSONResponse({self._field: self._message}, self._status, self._headers)


def bad_request(message: str) -> Refusal:
    return Refusal(400, message)


def unauthorized() -> Refusal:
    """Mailgun's answer to a key that is wrong or may not call this at all: one word, not JSON."""
    return Refusal(401, "Forbidden", plain=True)


def forbidden(message: str = "Forbidden") -> Refusal:
    return Refusal(403, message)


def address_not_allowed() -> Refusal:
    """Mailgun's answer to a call from an address that the allowlist lacks: the very same as to a wrong key, by its
    help pages; see `statuses.py`."""
    return unauthorized()


def account_disabled(status: int) -> Refusal:
    """Mailgun's answer to a call about a disabled account; see `statuses.py`."""
    return unauthorized() if status == 401 else forbidden("Account is disabled")


def too_many(seconds: float) -> Refusal:
    """Mailgun's answer to a call that comes `seconds` too soon, in whole seconds; see `statuses.py`."""
    wait = math.ceil(seconds)
    words = f"account-requests-per-sec limit exceeded, try again after {wait} seconds"
    return Refusal(429, words, headers={"Retry-After": str(wait)})


def not_found(message: str) -> Refusal:
    return Refusal(404, message)
