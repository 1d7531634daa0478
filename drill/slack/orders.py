"""The orders of a practice Slack at `/_drill/...`: what people do, what they see, and how things stand.

    POST  /_drill/command     {user, channel, command, text, wait}
    POST  /_drill/click       {user, channel, ts, action_id, block_id, value, state, confirmed, wait}
    POST  /_drill/submit      {user, view_id, values, wait}
    POST  /_drill/at_once     {orders: [{do: command | click | submit, ...}, ...]}
    POST  /_drill/close       {user, view_id}
    POST  /_drill/post        {user, channel, text, thread_ts}
    GET   /_drill/messages?channel=&user=
    GET   /_drill/views?user=
    GET   /_drill/log?after=
    GET   /_drill/feed?user=&since=
    GET   /_drill/connections
    PATCH /_drill/settings, /_drill/users/{id}, /_drill/usergroups/{id}, /_drill/channels/{id}

A command, click or submission answers when it was handed to the app, with its `envelope_id`; with `wait`,
when the app acknowledged it or was too slow. With `at_once` many people do something in the same moment; it answers
with all `outcomes`, in order. A click on a menu chooses the option with that `value`, or the
user with that id. A malformed order is answered with 400 and words, one that cannot be carried out with 403,
404, 409 or (without an app to tell) 503.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drill.orders import Order, OrderError, order_handler
from drill.slack import feed
from drill.slack.delivery import Event
from drill.slack.errors import OrderRefused
from drill.slack.model import Channel, JsonObject, User
from drill.slack.patches import patch_routes
from drill.slack.people import People
from drill.slack.state import PracticeSlack

Act = Callable[[People, Order], Awaitable[JsonObject]]


def order_routes(slack: PracticeSlack) -> list[Route]:
    """The routes of all orders but the faults."""
    return [
        Route("/_drill/command", _acting(slack, _command), methods=["POST"]),
        Route("/_drill/click", _acting(slack, _click), methods=["POST"]),
        Route("/_drill/submit", _acting(slack, _submit), methods=["POST"]),
        Route("/_drill/at_once", _acting(slack, _at_once), methods=["POST"]),
        Route("/_drill/close", _acting(slack, _close), methods=["POST"]),
        Route("/_drill/post", _acting(slack, _post), methods=["POST"]),
        *_looking(slack),
        *patch_routes(slack.workspace),
    ]


def _acting(slack: PracticeSlack, act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        people = People(slack, str(request.base_url).rstrip("/"))
        return JSONResponse({"ok": True, **await act(people, await Order.read(request))})

    return order_handler(_refusing(handle))


def _refusing(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except OrderRefused as refused:
            return JSONResponse({"error": refused.words, **refused.fields}, status_code=refused.status)

    return handle


async def _command(people: People, order: Order) -> JsonObject:
    user, channel = _who_and_where(people, order)
    command, text, wait = order.text("command"), order.optional_text("text"), order.flag("wait")
    if order.optional_text("thread_ts") is not None:
        raise OrderError("slash commands do not work in threads")
    order.finish()
    if not command.startswith("/"):
        raise OrderError("'command' must begin with a slash")
    return await _outcome(await people.command(user, channel, command, text or ""), wait)


async def _click(people: People, order: Order) -> JsonObject:
    user, channel = _who_and_where(people, order)
    ts, action_id = order.text("ts"), order.text("action_id")
    block_id, value = order.optional_text("block_id"), order.optional_text("value")
    state, confirmed = order.optional_object("state"), order.flag("confirmed")
    wait = order.flag("wait")
    order.finish()
    event = await people.click(
        user,
        channel,
        ts,
        action_id,
        block_id=block_id,
        value=value,
        entered=state or {},
        confirmed=confirmed,
    )
    return await _outcome(event, wait)


async def _submit(people: People, order: Order) -> JsonObject:
    user = people.person(order.text("user"))
    view = people.view(user, order.text("view_id"))
    values, wait = order.optional_object("values"), order.flag("wait")
    order.finish()
    return await _outcome(await people.submit(user, view, values or {}), wait)


async def _at_once(people: People, order: Order) -> JsonObject:
    each = order.objects("orders")
    order.finish()
    acts = [(one.choice("do", _Deed), one) for one in each]
    outcomes = await asyncio.gather(*(_DEEDS[deed](people, one) for deed, one in acts))
    return {"outcomes": outcomes}


async def _close(people: People, order: Order) -> JsonObject:
    user = people.person(order.text("user"))
    view = people.view(user, order.text("view_id"))
    order.finish()
    event = await people.close(user, view)
    return {} if event is None else await _outcome(event, wait=False)


async def _post(people: People, order: Order) -> JsonObject:
    user, channel = _who_and_where(people, order)
    text, thread_ts = order.text("text"), order.optional_text("thread_ts")
    order.finish()
    return {"ts": people.post(user, channel, text, thread_ts).ts}


class _Deed(StrEnum):
    """What many can do at once."""

    COMMAND = "command"
    CLICK = "click"
    SUBMIT = "submit"


_DEEDS: dict[_Deed, Act] = {_Deed.COMMAND: _command, _Deed.CLICK: _click, _Deed.SUBMIT: _submit}


def _who_and_where(people: People, order: Order) -> tuple[User, Channel]:
    user = people.person(order.text("user"))
    return user, people.channel_of(user, order.text("channel"))


async def _outcome(event: Event, wait: bool) -> JsonObject:
    if not wait:
        return {"envelope_id": event.id}
    await event.settled.wait()
    told = event.as_json()
    return {name: told[name] for name in ("envelope_id", "state", "ack_ms", "response")}


def _looking(slack: PracticeSlack) -> list[Route]:
    workspace = slack.workspace

    async def messages(request: Request) -> Response:
        wanted = _parameter(request, "channel")
        channel = workspace.channels.get(wanted) or workspace.dm_with(wanted)
        if channel is None:
            raise OrderRefused(f"there is no conversation {wanted}")
        return JSONResponse(feed.conversation(workspace, channel, request.query_params.get("user")))

    async def views(request: Request) -> Response:
        return JSONResponse({"views": feed.open_views(slack, _parameter(request, "user"))})

    async def log(request: Request) -> Response:
        return JSONResponse({"entries": slack.log.as_json(_number(request, "after"))})

    async def poll(request: Request) -> Response:
        user = workspace.users.get(_parameter(request, "user"))
        if user is None:
            raise OrderRefused("there is no such person")
        return JSONResponse(feed.feed(slack, user, _number(request, "since")))

    async def connections(request: Request) -> Response:
        return JSONResponse({"open": slack.sockets.connections, "newest_at": slack.sockets.newest_at})

    handlers = {"messages": messages, "views": views, "log": log, "feed": poll, "connections": connections}
    return [
        Route(f"/_drill/{name}", order_handler(_refusing(handler)), methods=["GET"])
        for name, handler in handlers.items()
    ]


def _parameter(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not value:
        raise OrderError(f"say which {name!r}, as in ?{name}=...")
    return value


def _number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "0")
    if not value.isdecimal():
        raise OrderError(f"{name!r} must be a whole number")
    return int(value)
