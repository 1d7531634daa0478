"""The practice Slack as one web application: Web API, Socket Mode, answers, orders, faults, page."""

import json
from json import JSONDecodeError
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from drill.faults import FaultMiddleware, Faults
from drill.slack.answers import apply_answer
from drill.slack.api.endpoint import refusal, web_api
from drill.slack.errors import SlackError
from drill.slack.orders import order_routes
from drill.slack.state import PracticeSlack
from drill.slack.workspace import Workspace

_STATIC = Path(__file__).parent / "static"
_MICROSECOND_DIGITS = 6


def create_app(workspace: Workspace, faults: Faults | None = None, latency: float = 0.0) -> Starlette:
    """The application that serves one workspace; everything it knows is in memory.

    The Web API is at `/api/`, its page at `/`, its orders at `/_drill/`. An order for a fault may name a
    Web API method by its name (`chat.postMessage`).
    """
    slack = PracticeSlack(workspace)
    faults = faults or Faults()
    routes: list[BaseRoute] = [
        web_api(slack),
        _answers(slack),
        *_files(slack),
        WebSocketRoute("/socket", slack.sockets.serve),
        *order_routes(slack),
        *faults.routes(),
        Route("/archives/{channel}/{message}", _permalink),
        Route("/", _page),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    between = Middleware(
        FaultMiddleware, faults=faults, latency=latency, path_names=_path_names, error_body=_error_body
    )
    return Starlette(routes=routes, middleware=[between])


def _answers(slack: PracticeSlack) -> Route:
    async def answer(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except (JSONDecodeError, UnicodeDecodeError):
            body = None
        if not isinstance(body, dict):
            return refusal(SlackError("invalid_payload", status=400))
        entry = slack.log.call("response_url", body)
        try:
            to = slack.response_urls.use(request.path_params["id"])
            apply_answer(slack.workspace, to, body)
        except SlackError as error:
            entry.fail(error)
            # A refusal that the Web API gives with status 200 comes as an HTTP error here.
            return JSONResponse(error.answer(), 400 if error.status == 200 else error.status)
        entry.succeed({"channel": to.channel_id, "user": to.user_id})
        return JSONResponse({"ok": True})

    return Route("/response/{id}", answer, methods=["POST"])


def _files(slack: PracticeSlack) -> list[Route]:
    async def take(request: Request) -> Response:
        content = await request.body()
        file = slack.files.take(request.path_params["ticket"], content)
        entry = slack.log.call("upload", {"file": file and file.id, "content": content.decode(errors="replace")})
        if file is None:
            entry.fail(SlackError("no_such_address"))
            return PlainTextResponse("no", 404)
        entry.succeed({})
        return PlainTextResponse(f"OK - {len(content)}")

    async def show(request: Request) -> Response:
        file = slack.files.find(request.path_params["id"])
        if file is None or file.content is None or not file.is_complete:
            return PlainTextResponse("There is no such file.", 404)
        return PlainTextResponse(file.content)

    return [
        Route("/upload/v1/{ticket}", take, methods=["POST"]),
        Route("/files/{id}/{name}", show, methods=["GET"]),
    ]


async def _page(request: Request) -> Response:
    return FileResponse(_STATIC / "index.html")


async def _permalink(request: Request) -> Response:
    digits = request.path_params["message"].removeprefix("p")
    ts = f"{digits[:-_MICROSECOND_DIGITS]}.{digits[-_MICROSECOND_DIGITS:]}"
    return RedirectResponse(f"/#{request.path_params['channel']}/{ts}")


def _path_names(path: str) -> tuple[str, ...]:
    return (path, path.removeprefix("/api/"))


def _error_body(status: int, words: str) -> bytes:
    code = "ratelimited" if status == 429 else "internal_error"
    return json.dumps({"ok": False, "error": code}).encode()
