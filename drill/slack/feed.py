"""What one person sees: for the page, which polls it, and for actors and tests, which read it."""

from drill.slack.model import Channel, JsonObject, Message, User
from drill.slack.state import PracticeSlack
from drill.slack.views import View
from drill.slack.workspace import Workspace


def conversation(workspace: Workspace, channel: Channel, user_id: str | None) -> JsonObject:
    """The messages of a conversation in order, each with its replies, and that person's ephemerals."""
    standing = [message for message in workspace.messages(channel.id) if _stands(workspace, message)]
    shown = [
        _shown(workspace, message) | {"replies": [_shown(workspace, reply) for reply in workspace.replies_to(message)]}
        for message in standing
        if not message.is_reply
    ]
    private = [] if user_id is None else workspace.ephemerals(channel.id, user_id)
    ephemerals = [ephemeral.as_json() for ephemeral in private if not ephemeral.deleted]
    return {"channel": channel.id, "messages": shown, "ephemerals": ephemerals}


def open_views(slack: PracticeSlack, user_id: str) -> list[JsonObject]:
    """The modals that this person has open, with the app's complaints and Slack's own."""
    return [_view(slack.workspace, view) for view in slack.views.of(user_id)]


def feed(slack: PracticeSlack, user: User, since: int) -> JsonObject:
    """What changed for this person after `since`: whole lists of people, conversations and modals, and the
    messages and ephemerals that are new, edited or deleted. Nothing but the version if nothing changed."""
    workspace = slack.workspace
    if since == workspace.version:
        return {"version": workspace.version, "changed": False}
    channels = [channel for channel in workspace.channels.values() if user.id in channel.members]
    messages = [
        _shown(workspace, message) | {"channel": channel.id, "deleted": not _stands(workspace, message)}
        for channel in channels
        for message in workspace.messages(channel.id)
        if message.version > since
    ]
    ephemerals = [
        ephemeral.as_json()
        for channel in channels
        for ephemeral in workspace.ephemerals(channel.id, user.id)
        if ephemeral.version > since
    ]
    return {
        "version": workspace.version,
        "changed": True,
        "team": workspace.name,
        "app": {"name": workspace.app.name, "user": workspace.app.bot_user_id},
        "app_connections": slack.sockets.connections or int(workspace.request_url is not None),
        "commands": sorted(workspace.app.commands),
        "people": [_person(person) for person in workspace.users.values()],
        "usergroups": {group.id: group.handle for group in workspace.usergroups.values()},
        "channels": [channel.as_slack(workspace.app.bot_user_id) for channel in channels],
        "messages": messages,
        "ephemerals": ephemerals,
        "views": open_views(slack, user.id),
    }


def _stands(workspace: Workspace, message: Message) -> bool:
    return not message.deleted or bool(workspace.replies_to(message))


def _shown(workspace: Workspace, message: Message) -> JsonObject:
    return message.as_slack(workspace.app, with_metadata=True)


def _view(workspace: Workspace, view: View) -> JsonObject:
    shown = view.as_slack(workspace.app, workspace.team_id)
    return shown | {"errors": view.errors, "notice": view.notice}


def _person(user: User) -> JsonObject:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "is_bot": user.is_bot,
        "is_admin": user.is_admin or user.is_owner,
        "is_guest": user.is_restricted or user.is_ultra_restricted,
        "is_stranger": user.is_stranger,
        "deleted": user.deleted,
    }
