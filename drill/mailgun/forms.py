"""The fields of a call's body and query, read as strictly as Mailgun reads them, or more so.

Mailgun's description lets a misspelt field pass; here it is refused, so that no client relies on one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from drill.mailgun.answers import Refusal, bad_request

_LARGEST_PAGE = 1000
_MULTIPART, _URLENCODED, _JSON = "multipart/form-data", "application/x-www-form-urlencoded", "application/json"

Refuse = Callable[[str], Refusal]
"""Makes the refusal that says these words: `bad_request`, save where an area of Mailgun's API has its own."""


@dataclass(frozen=True)
class Form:
    """A body's text fields, each with its values in order; `content_type` is '' where the body is none of Mailgun's.

    A JSON body is in `document` as it was sent; of its fields, `fields` has the names.
    """

    content_type: str
    fields: dict[str, list[str]]
    document: dict[str, object] | None = None

    def multipart(self, known: Collection[str], required: Collection[str]) -> dict[str, str]:
        """The fields of a multipart body, each with its one value.

        Raises:
            Refusal: 400 for a body that is not multipart, a field that is unknown, missing or there twice.
        """
        self._check(_MULTIPART, known, required, (), bad_request)
        return {name: values[0] for name, values in self.fields.items()}

    def urlencoded(
        self,
        known: Collection[str],
        required: Collection[str],
        repeatable: Collection[str],
        refuse: Refuse = bad_request,
    ) -> dict[str, list[str]]:
        """The fields of an urlencoded body, those that are `repeatable` with one value or more.

        Raises:
            Refusal: as `refuse` makes it, for a body that is not urlencoded, a field that is unknown, missing,
                or there twice and not repeatable.
        """
        self._check(_URLENCODED, known, required, repeatable, refuse)
        return self.fields

    def json(self) -> dict[str, object]:
        """The JSON object that the body is; raises the `Refusal`, 400, of a body that is none."""
        if self.document is None:
            raise bad_request(f"The body must be {_JSON}, an object")
        return self.document

    def _check(
        self,
        content_type: str,
        known: Collection[str],
        required: Collection[str],
        repeatable: Collection[str],
        refuse: Refuse,
    ) -> None:
        if self.content_type != content_type:
            raise refuse(f"The body must be {content_type}")
        for name, values in self.fields.items():
            if name not in known:
                raise refuse(f"Unknown parameter '{name}'")
            if len(values) > 1 and name not in repeatable:
                raise refuse(f"Parameter '{name}' is given more than once")
        for name in required:
            if name not in self.fields:
                raise refuse(f"Parameter '{name}' is missing")


async def read_form(request: Request) -> Form:
    """The form in a request's body; one that cannot be read is a form of no type, which nobody accepts."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == _JSON:
        return _read_json(await request.body())
    if content_type not in (_MULTIPART, _URLENCODED):
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


def _read_json(body: bytes) -> Form:
    try:
        document = json.loads(body)
    except ValueError:
        return Form("", {})
    if not isinstance(document, dict):
        return Form("", {})
    return Form(_JSON, {name: [] for name in document}, document)


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

    def at_most(self, largest: int | None) -> Page:
        """The same page, ended after so many items."""
        return self if largest is None else replace(self, limit=min(self.limit, largest))

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
