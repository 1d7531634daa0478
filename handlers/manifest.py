"""The Slack app's manifest: what to paste at "Create New App", "From a manifest"."""

from typing import Any
from urllib.parse import urlsplit

from handlers.commands import COMMAND
from handlers.http import PATH
from recovery.errors import Refused

SCOPES = (
    "channels:history",  # conversations.history and .replies, to find a message after a crash
    "channels:read",  # conversations.info
    "chat:write",  # chat.postMessage, .update, .delete, .postEphemeral
    "commands",  # the slash command
    "files:write",  # files.getUploadURLExternal and .completeUploadExternal, for the export of the trail
    "groups:history",  # as for channels, in private ones
    "groups:read",
    "im:history",  # as for channels, in the bot's direct messages
    "im:read",
    "im:write",  # conversations.open
    "usergroups:read",  # usergroups.users.list, for groups among APPROVERS and STARTERS
    "users:read",  # users.info and users.list
    "users:read.email",  # users.lookupByEmail
)
"""The bot token's scopes: those that the methods called in this room need, and no more."""

APP_SCOPES = ("connections:write",)
"""The app token's scope; a manifest cannot make that token."""


def manifest(address: str = "") -> dict[str, Any]:
    """The manifest as data; Slack takes it as JSON. For Socket Mode, or for HTTP mode at that address.

    Raises `Refused` for an address that Slack would not take.
    """
    made = _for_socket_mode()
    if address:
        url = _request_url(address)
        made["features"]["slash_commands"][0]["url"] = url
        made["settings"]["interactivity"]["request_url"] = url
        made["settings"]["socket_mode_enabled"] = False
    return made


def _request_url(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise Refused(f"Slack sends to addresses such as https://recovery.example.com, and not to {address!r}.")
    return address.rstrip("/").removesuffix(PATH) + PATH


def _for_socket_mode() -> dict[str, Any]:
    return {
        "display_information": {
            "name": "Mailgun Recovery",
            "description": "Leads a team through the recovery of a compromised Mailgun account",
            "background_color": "#7a1020",
        },
        "features": {
            # Without the Messages tab nobody can be sent a direct message. It is read-only because the bot
            # reads none: what somebody wrote there, a password perhaps, would stay without an answer.
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Mailgun Recovery", "always_online": True},
            "slash_commands": [
                {
                    "command": COMMAND,
                    "description": "Recover a compromised Mailgun account",
                    "usage_hint": "what happened | status | help",
                    "should_escape": False,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "interactivity": {"is_enabled": True},
            "socket_mode_enabled": True,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }
