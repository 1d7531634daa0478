"""A server that says what a test wrote down, for answers that neither Mailgun nor its practice would give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from drill.serving import PracticeServer
from mailgun.client import MailgunClient
from mailgun.transport import Transport
from tests.mailgun.conftest import TIMEOUT, Keys


@dataclass(frozen=True)
class Answer:
    """One answer; a `body` that is no text is sent as JSON."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        if isinstance(self.body, str):
            return Response(self.body, self.status, self.headers, media_type="text/plain")
        return Response(json.dumps(self.body), self.status, self.headers, media_type="application/json")


@dataclass
class Script:
    """The answers in order, of which the last is repeated, and the requests that came."""

    client: MailgunClient
    answers: list[Answer]
    requests: list[str]

    def says(self, *answers: Answer) -> None:
        self.answers[:] = answers


@contextmanager
def scripted() -> Iterator[Script]:
    """A Mailgun, region us alone with two storage hosts, that says what it is told to."""
    answers: list[Answer] = []
    seen: list[str] = []

    async def serve(request: Request) -> Response:
        seen.append(f"{request.method} {request.url.path}?{request.url.query}")
        return (answers.pop(0) if len(answers) > 1 else answers[0]).response()

    app = Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "POST", "PUT", "DELETE"])])
    with PracticeServer(app) as server:
        transport = Transport(timeout=TIMEOUT, concurrency=2)
        storage = {"us": [f"{server.url}/first", f"{server.url}/second"]}
        client = MailgunClient({"us": server.url}, Keys("key-1"), transport, f"{server.url}/summary.json", storage)
        yield Script(client, answers, seen)
        transport.close()
