"""Mailgun's refusals."""

from __future__ import annotations

from starlette.responses import JSONResponse, PlainTextResponse, Response


class Refusal(Exception):
    """A call that Mailgun refuses; raised by whoever finds the reason, answered in one place."""

    def __init__(self, status: int, message: str, plain: bool = False, field: str = "message") -> None:
        super().__init__(message)
        self._field = field
        self._status = status
        self._message = message
        self._plain = plain

    def response(self) -> Response:
        if self._plain:
            return PlainTextResponse(self._message, self._status)
        return JSONResponse({self._field: self._message}, self._status)


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


def not_found(message: str) -> Refusal:
    return Refusal(404, message)
