"""`PATCH /_drill/...`: the workspace changes while the app runs, as an administrator would change it."""

from collections.abc import Awaitable, Callable, Mapping
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drill.orders import Order, OrderError, order_handler
from drill.slack.model import JsonObject
from drill.slack.workspace import Workspace

_USER_FLAGS = (
    "deleted",
    "is_admin",
    "is_owner",
    "is_restricted",
    "is_ultra_restricted",
    "is_stranger",
    "dm_closed",
)
_USER_TEXTS = ("name", "real_name", "email", "tz", "dm_refusal")
_CHANNEL_FLAGS = ("is_private", "is_ext_shared", "is_archived")

Patch = Callable[[Workspace, Order, str], JsonObject]


def patch_routes(workspace: Workspace) -> list[Route]:
    """The routes. Each answers with what it changed; an id that is not there is 404."""
    patches: dict[str, tuple[Patch, Mapping[str, object] | None]] = {
        "/_drill/settings": (_settings, None),
        "/_drill/users/{id}": (_user, workspace.users),
        "/_drill/usergroups/{id}": (_usergroup, workspace.usergroups),
        "/_drill/channels/{id}": (_channel, workspace.channels),
    }
    return [
        Route(path, order_handler(_patching(workspace, patch, things)), methods=["PATCH"])
        for path, (patch, things) in patches.items()
    ]


def _patching(
    workspace: Workspace, patch: Patch, things: Mapping[str, object] | None
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        wanted = request.path_params.get("id", "")
        if things is not None and wanted not in things:
            return JSONResponse({"error": f"there is no {wanted}"}, status_code=404)
        changed = patch(workspace, await Order.read(request), wanted)
        workspace.touch()
        return JSONResponse({"ok": True, "changed": changed})

    return handle


def _settings(workspace: Workspace, order: Order, _: str) -> JsonObject:
    changes: JsonObject = {
        "message_rate": order.optional_seconds("message_rate"),
        "burst": order.optional_whole("burst", at_least=1),
        "lag": order.optional_seconds("lag"),
        "request_url": order.optional_text("request_url"),
        "method_rates": _rates(order.optional_object("method_rates")),
        "tiers": order.optional_flag("tiers"),
    }
    order.finish()
    return _apply(workspace, changes)


def _user(workspace: Workspace, order: Order, user_id: str) -> JsonObject:
    """Somebody leaves or comes back, moves, gets another role or address (none: ""), or wants no messages."""
    changes: JsonObject = {name: order.optional_flag(name) for name in _USER_FLAGS}
    changes |= {name: order.optional_text(name) for name in _USER_TEXTS}
    order.finish()
    if changes["tz"] is not None and changes["tz"] not in available_timezones():
        raise OrderError(f"there is no time zone {changes['tz']!r}")
    return _apply(workspace.users[user_id], changes)


def _usergroup(workspace: Workspace, order: Order, group_id: str) -> JsonObject:
    changes: JsonObject = {
        "users": _known_users(workspace, order.optional_texts("users")),
        "disabled": order.optional_flag("disabled"),
    }
    order.finish()
    return _apply(workspace.usergroups[group_id], changes)


def _channel(workspace: Workspace, order: Order, channel_id: str) -> JsonObject:
    channel = workspace.channels[channel_id]
    changes: JsonObject = {name: order.optional_flag(name) for name in _CHANNEL_FLAGS}
    members = _known_users(workspace, order.optional_texts("members"))
    bot_is_member = order.optional_flag("bot_is_member")
    order.finish()
    if bot_is_member is not None:
        bot = workspace.app.bot_user_id
        others = [member for member in members or channel.members if member != bot]
        members = [*others, bot] if bot_is_member else others
    return _apply(channel, changes | {"members": members})


def _apply(thing: object, changes: JsonObject) -> JsonObject:
    made = {name: value for name, value in changes.items() if value is not None}
    for name, value in made.items():
        setattr(thing, name, value)
    return made


def _known_users(workspace: Workspace, user_ids: list[str] | None) -> list[str] | None:
    for user_id in user_ids or []:
        if user_id not in workspace.users:
            raise OrderError(f"there is no user {user_id}")
    return user_ids


def _rates(rates: dict[str, object] | None) -> dict[str, float] | None:
    if rates is None:
        return None
    numbers = {}
    for method, rate in rates.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float) or rate < 0:
            raise OrderError(f"the rate of {method} must be a number of calls a minute")
        numbers[method] = float(rate)
    return numbers
