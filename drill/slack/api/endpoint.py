"""`/api/<method>`: reads a call, checks its token and scope, runs it, logs it, answers it."""

import json
import math
from json import JSONDecodeError

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drill.slack.api import apps, chat, conversations, files, users, views
from drill.slack.api.call import Call, Method, Token
from drill.slack.errors import SlackError
from drill.slack.model import JsonObject, SlackApp
from drill.slack.state import PracticeSlack
from drill.slack.workspace import Workspace

_FAMILIES = (apps, chat, conversations, files, users, views)
METHODS = {method.name: method for family in _FAMILIES for method in family.METHODS}
"""Every method that there is, by its name."""


def web_api(slack: PracticeSlack) -> Route:
    """The route that serves the Web API of one practice Slack."""

    async def serve(request: Request) -> Response:
        name = request.path_params["method"]
        args = await _arguments(request)
        token = _token(request, args)
        entry = slack.log.call(name, args)
        headers = {}
        try:
            method = METHODS.get(name)
            if method is None:
                raise SlackError("unknown_method", req_method=name)
            _check_token(method, token, slack.workspace.app)
            headers = {"X-OAuth-Scopes": ",".join(sorted(slack.workspace.app.scopes))}
            call = Call(slack, args, str(request.base_url).rstrip("/"))
            answer = _run(method, call)
        except SlackError as error:
            entry.fail(error)
            return refusal(error, headers)
        entry.succeed(answer)
        return JSONResponse({"ok": True, **answer}, headers=headers)

    return Route("/api/{method}", serve, methods=["GET", "POST"])


def refusal(error: SlackError, headers: dict[str, str] | None = None) -> Response:
    """Slack's answer when it refuses."""
    headers = dict(headers or {})
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return JSONResponse(error.answer(), error.status, headers)


def _run(method: Method, call: Call) -> JsonObject:
    if method.scope is not None:
        call.require_scope(method.scope)
    per_minute = _rate(method, call.workspace)
    call.slack.limiter.take(f"calls of {method.name}", per_minute / 60, math.ceil(per_minute))
    return method.run(call)


def _rate(method: Method, workspace: Workspace) -> float:
    """How many calls a minute the method takes now; 0 is no limit."""
    usual = method.tier.value if method.tier and workspace.tiers else 0.0
    return workspace.method_rates.get(method.name, usual)


async def _arguments(request: Request) -> JsonObject:
    args: JsonObject = dict(request.query_params)
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        try:
            body = json.loads(await request.body() or b"{}")
        except (JSONDecodeError, UnicodeDecodeError):
            # Slack goes on as if nothing was sent, and so complains about the arguments that are missing.
            body = {}
        args |= body if isinstance(body, dict) else {}
    elif request.method == "POST":
        args |= {name: str(value) for name, value in (await request.form()).items()}
    return args


def _token(request: Request, args: JsonObject) -> str | None:
    """The token of the call, taken out of its arguments so that the log has none."""
    argument = args.pop("token", None)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return str(argument) if argument else None


def _check_token(method: Method, token: str | None, app: SlackApp) -> None:
    if token is None:
        raise SlackError("not_authed")
    if token not in (app.bot_token, app.app_token):
        raise SlackError("invalid_auth")
    if token != (app.bot_token if method.token is Token.BOT else app.app_token):
        raise SlackError("not_allowed_token_type")
