"""The fields of a call's body and query, read as strictly as Mailgun reads them, or more so.

Mailgun's description lets a misspelt field pass; here it is refused, so that no client relies on one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from drill.mailgun.answers import bad_request

_LARGEST_PAGE = 1000
_FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class Form:
    """A body's text fields, each with its values in order; `content_type` is '' where the body is no form."""

    content_type: str
    fields: dict[str, list[str]]

    def multipart(self, known: Collection[str], required: Collection[str]) -> dict[str, str]:
        """The fields of a multipart body, each with its one value.

        Raises:
            Refusal: 400 for a body that is not multipart, a field that is unknown, missing or there twice.
        """
        if self.content_type != "multipart/form-data":
            raise bad_request("The body must be multipart/form-data")
        for name, values in self.fields.items():
            if name not in known:
                raise bad_request(f"Unknown parameter '{name}'")
            if len(values) > 1:
                raise bad_request(f"Parameter '{name}' is given more than once")
        for name in required:
            if name not in self.fields:
                raise bad_request(f"Parameter '{name}' is missing")
        return {name: values[0] for name, values in self.fields.items()}


async def read_form(request: Request) -> Form:
    """The form in a request's body; one that cannot be read is a form of no type, which nobody accepts."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _FORM_TYPES:
        return Form("", {})
    try:
        async with request.form() as sent:
            fields: dict[str, list[str]] = {}
            for name, value in sent.multi_items():
                fields.setdefault(name, []).append(
                    value if isinstance(value, str) else (await value.read()).decode("utf-8", "replace")
                )
    except HTTPException:
        return Form("", {})
    return Form(content_type, fields)


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for."""

    limit: int
    skip: int

    @classmethod
    def asked(cls, query: QueryParams, default_limit: int = 100) -> Page:
        """The page that `limit` and `skip` name.

        Raises:
            Refusal: 400 for a limit over 1000, and for what is not a number.
        """
        limit = _number(query, "limit", default_limit)
        if limit > _LARGEST_PAGE:
            raise bad_request(f"Limit parameter can't be larger than {_LARGEST_PAGE}")
        if limit == 0:
            raise bad_request("Limit parameter must be larger than 0")
        return cls(limit, _number(query, "skip", 0))

    @property
    def part(self) -> slice:
        return slice(self.skip, self.skip + self.limit)


def _number(query: QueryParams, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"The '{name}' parameter must be a number")
    return int(text)
