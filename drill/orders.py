"""Orders: what actors, tests and scripts tell a practice server at `/_drill/...`.

An order is a JSON object. One that is malformed changes nothing and is answered with 400 and words.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Choice = TypeVar("Choice", bound=enum.StrEnum)
Handler = Callable[[Request], Awaitable[Response]]


class OrderError(ValueError):
    """An order that cannot be followed. Its text says what is wrong, to whoever gave it."""


class Order:
    """The fields of one order, each asked for once by name and type; `finish` refuses what nobody asked for.

    A field that is missing or null gives the default. Every reading method raises `OrderError` for a value
    of another type.
    """

    def __init__(self, fields: object, name: str = "the order") -> None:
        if not isinstance(fields, dict):
            raise OrderError(f"{name} must be a JSON object")
        self._fields: dict[str, object] = fields
        self._name = name
        self._known: set[str] = set()

    @classmethod
    async def read(cls, request: Request) -> Order:
        """The order that a request carries; an empty body is an order without fields."""
        body = await request.body()
        try:
            return cls(json.loads(body) if body else {})
        except ValueError as error:
            if isinstance(error, OrderError):
                raise
            raise OrderError("the order is not JSON") from error

    def text(self, field: str) -> str:
        """A required text."""
        value = self.optional_text(field)
        if value is None:
            raise OrderError(f"{self._name} lacks the field {field!r}")
        return value

    def optional_text(self, field: str) -> str | None:
        value = self._take(field)
        if value is not None and not isinstance(value, str):
            raise OrderError(f"{field!r} must be a text")
        return value

    def whole(self, field: str, default: int, at_least: int = 0) -> int:
        """A whole number, not below `at_least`."""
        value = self.optional_whole(field, at_least)
        return default if value is None else value

    def optional_whole(self, field: str, at_least: int = 0) -> int | None:
        value = self._take(field)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise OrderError(f"{field!r} must be a whole number of at least {at_least}")
        return value

    def optional_seconds(self, field: str) -> float | None:
        """A number of seconds, not below 0."""
        value = self._take(field)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise OrderError(f"{field!r} must be a number of seconds")
        return float(value)

    def flag(self, field: str, default: bool = False) -> bool:
        value = self.optional_flag(field)
        return default if value is None else value

    def optional_flag(self, field: str) -> bool | None:
        value = self._take(field)
        if value is not None and not isinstance(value, bool):
            raise OrderError(f"{field!r} must be true or false")
        return value

    def choice(self, field: str, choices: type[Choice], default: Choice | None = None) -> Choice:
        """One of an enum's values, required where there is no default."""
        value = self.optional_text(field)
        if value is None and default is not None:
            return default
        if value not in {choice.value for choice in choices}:
            raise OrderError(f"{field!r} must be one of: {', '.join(choices)}")
        return choices(value)

    def part(self, field: str) -> Order:
        """An object inside the order; a missing one is an object without fields."""
        value = self._take(field)
        return Order({} if value is None else value, repr(field))

    def optional_object(self, field: str) -> dict[str, object] | None:
        """An object whose field names are the sender's own, such as the values of a form."""
        value = self._take(field)
        if value is not None and not isinstance(value, dict):
            raise OrderError(f"{field!r} must be a JSON object")
        return value

    def optional_texts(self, field: str) -> list[str] | None:
        """A list of texts."""
        value = self._take(field)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise OrderError(f"{field!r} must be a list of texts")
        return value

    def objects(self, field: str) -> list[Order]:
        """A required list of objects."""
        value = self._take(field)
        if not isinstance(value, list):
            raise OrderError(f"{field!r} must be a list of JSON objects")
        return [Order(item, f"each of {field!r}") for item in value]

    def has(self, field: str) -> bool:
        """Whether the field is there, null or not."""
        self._known.add(field)
        return field in self._fields

    def finish(self) -> None:
        """Refuse fields that were not asked for: a misspelt order must not pass for one that was followed."""
        unknown = sorted(set(self._fields) - self._known)
        if unknown:
            known = ", ".join(sorted(self._known))
            raise OrderError(f"{self._name} has unknown fields: {', '.join(unknown)}; known are: {known}")

    def _take(self, field: str) -> object:
        self._known.add(field)
        return self._fields.get(field)


def order_handler(handler: Handler) -> Handler:
    """The same handler, answering 400 with words where it raises `OrderError`."""

    async def follow(request: Request) -> Response:
        try:
            return await handler(request)
        except OrderError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return follow
