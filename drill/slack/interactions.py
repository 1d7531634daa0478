"""The payloads that Slack sends for what people do, field by field as the real ones."""

from dataclasses import dataclass

from drill.orders import OrderError
from drill.slack.inputs import Place, option
from drill.slack.model import Channel, Ephemeral, JsonObject, Message, User
from drill.slack.views import View
from drill.slack.workspace import Workspace

_COPIED = {
    "button": ("text", "value", "style", "confirm"),
    "static_select": ("placeholder", "initial_option", "confirm"),
    "users_select": ("placeholder", "initial_user", "confirm"),
}
"""What Slack sends back of an element, as it was drawn."""


@dataclass(frozen=True)
class Doing:
    """Somebody does something: who, and what Slack hands out for the app to react with."""

    workspace: Workspace
    user: User
    trigger_id: str
    response_url: str | None = None


def slash_command(doing: Doing, channel: Channel, command: str, text: str) -> JsonObject:
    """A slash command. `team_id` is the team of who typed it, also in a shared channel."""
    workspace = doing.workspace
    return {
        "token": workspace.app.verification_token,
        "team_id": doing.user.team_id,
        "team_domain": _domain(workspace, doing.user),
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.im_with else channel.name,
        "user_id": doing.user.id,
        "user_name": doing.user.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.app.id,
        "is_enterprise_install": "false",
        "response_url": doing.response_url,
        "trigger_id": doing.trigger_id,
    }


def block_actions(
    doing: Doing,
    channel: Channel,
    source: Message | Ephemeral,
    place: Place,
    value: str | None,
    state_values: JsonObject,
) -> JsonObject:
    """A click. A message comes back whole; of an ephemeral, Slack sends only where it stood."""
    container: JsonObject = {
        "type": "message",
        "message_ts": source.ts,
        "channel_id": channel.id,
        "is_ephemeral": isinstance(source, Ephemeral),
    }
    if source.thread_ts is not None:
        container["thread_ts"] = source.thread_ts
    payload = _interaction("block_actions", doing) | {
        "container": container,
        "channel": {"id": channel.id, "name": "directmessage" if channel.im_with else channel.name},
        "state": {"values": state_values},
        "response_url": doing.response_url,
        "actions": [_action(doing.workspace, place, value)],
    }
    if isinstance(source, Message):
        payload["message"] = source.as_slack(doing.workspace.app, with_metadata=True)
    return payload


def view_submission(doing: Doing, view: View, state_values: JsonObject) -> JsonObject:
    """A submitted modal."""
    workspace = doing.workspace
    shown = view.as_slack(workspace.app, workspace.team_id, state_values)
    return _interaction("view_submission", doing) | {"view": shown, "response_urls": []}


def view_closed(doing: Doing, view: View) -> JsonObject:
    """A modal that was closed without submitting it; Slack sends it where `notify_on_close` is set."""
    workspace = doing.workspace
    payload = _interaction("view_closed", doing)
    del payload["trigger_id"]
    return payload | {"view": view.as_slack(workspace.app, workspace.team_id), "is_cleared": False}


def _interaction(kind: str, doing: Doing) -> JsonObject:
    workspace, user = doing.workspace, doing.user
    return {
        "type": kind,
        "team": {"id": user.team_id, "domain": _domain(workspace, user)},
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": workspace.app.id,
        "token": workspace.app.verification_token,
        "trigger_id": doing.trigger_id,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _action(workspace: Workspace, place: Place, value: str | None) -> JsonObject:
    element = place.element
    copied = {name: element[name] for name in _COPIED.get(element["type"], ()) if name in element}
    action: JsonObject = copied | {
        "type": element["type"],
        "action_id": place.action_id,
        "block_id": place.block_id,
        "action_ts": workspace.next_ts(),
    }
    match element["type"]:
        case "button":
            return action
        case "users_select":
            return action | {"selected_user": _selected_user(workspace, value)}
        case "checkboxes":
            return action | {"selected_options": [] if value is None else [option(element, value)]}
        case _:
            return action | {"selected_option": option(element, value)}


def _selected_user(workspace: Workspace, user_id: str | None) -> str:
    # Somebody may leave between the drawing of a menu and the choice, so that any user can be chosen.
    if user_id is None or user_id not in workspace.users:
        raise OrderError(f"there is no user {user_id!r} to choose")
    return user_id


def _domain(workspace: Workspace, user: User) -> str:
    return workspace.domain if user.team_id == workspace.team_id else f"team-{user.team_id.lower()}"
