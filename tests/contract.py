"""Holds exchanges with Mailgun, or with the practice Mailgun, against Mailgun's own description of its API.

The description is the file that the environment variable MAILGUN_OPENAPI names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.finders import APICallPathFinder
from openapi_core.templating.responses.exceptions import ResponseNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

from drill.mailgun.statuses import undescribed

# The description knows Mailgun's own hosts only, so exchanges are shown to it as if they had gone there.
_HOST = "https://api.mailgun.net"

# The description calls each 401 that it has JSON, and shows one whose body is this word, which is not.
_KEY_REFUSED = (401, b"Forbidden")


class UnknownStatus(AssertionError):
    """A status that neither the description nor the list of those that it lacks knows for this operation."""


@dataclass
class _Asked:
    """A request as openapi-core wants to see one."""

    method: str
    path: str
    parameters: RequestParameters
    body: bytes
    content_type: str
    host_url: str = _HOST


@dataclass(frozen=True)
class _Answered:
    """An answer as openapi-core wants to see one."""

    status_code: int
    headers: Headers
    data: bytes
    content_type: str


def load_description() -> OpenAPI:
    """Mailgun's description; skips the test where MAILGUN_OPENAPI names none."""
    path = os.environ.get("MAILGUN_OPENAPI")
    if not path:
        pytest.skip("MAILGUN_OPENAPI does not name Mailgun's OpenAPI description")
    described = OpenAPI.from_file_path(str(Path(path).resolve()))
    return OpenAPI.from_dict(satisfiable(described.spec.read_value()))


def satisfiable(part: Any) -> Any:
    """The description without its contradictions: of an alert's texts it says that each is an object and a text."""
    if isinstance(part, list):
        return [satisfiable(item) for item in part]
    if not isinstance(part, dict):
        return part
    repaired = {name: satisfiable(item) for name, item in part.items()}
    if part.get("type") == "object" and "allOf" in part:
        del repaired["type"]
    return repaired


def check_exchange(
    openapi: OpenAPI,
    method: str,
    url_path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    content_type: str,
    status: int,
    response_headers: Mapping[str, str],
    response_body: bytes,
) -> None:
    """Raise if an exchange is not as the description says.

    `url_path` is as sent, without the practice server's region. The request is checked if it succeeded: one
    that was refused may be meant to be wrong. The answer is checked if the description knows its status for
    this operation; otherwise the status must be among `drill.mailgun.statuses.UNDESCRIBED`.

    Raises:
        OpenAPIError: the request or the answer contradicts the description.
        UnknownStatus: nobody knows this status of this operation.
    """
    parameters = RequestParameters(query=ImmutableMultiDict(query), header=Headers(headers))
    asked = _Asked(method.lower(), url_path, parameters, body, content_type)
    answer_type = Headers(response_headers).get("Content-Type", "")
    answered = _Answered(status, Headers(response_headers), response_body, answer_type)
    if status < 400:
        openapi.validate_request(asked)
    if (status, response_body) == _KEY_REFUSED:
        return
    try:
        openapi.validate_response(asked, answered)
    except ResponseNotFound as error:
        pattern = APICallPathFinder(openapi.spec).find(method.lower(), f"{_HOST}{url_path}").path_result.pattern
        if undescribed(method.upper(), pattern, status) is None:
            raise UnknownStatus(f"{method.upper()} {pattern} answered {status}") from error


def check_response(openapi: OpenAPI, response: requests.Response, region_prefix: str = "") -> None:
    """`check_exchange` for an answer that `requests` got, from a server whose paths begin with a prefix."""
    request = response.request
    url = urlsplit(request.url or "")
    body = request.body or b""
    check_exchange(
        openapi,
        request.method or "",
        url.path.removeprefix(region_prefix),
        dict(parse_qsl(url.query)),
        request.headers,
        body.encode() if isinstance(body, str) else body,
        request.headers.get("Content-Type", ""),
        response.status_code,
        response.headers,
        response.content,
    )
