"""The Slack app's manifest: what to paste at "Create New App", "From a manifest"."""

from typing import Any

from handlers.commands import COMMAND

SCOPES = (
    "channels:history",  # conversations.history and .replies, to find a message after a crash
    "channels:read",  # conversations.info
    "chat:write",  # chat.postMessage, .update, .delete, .postEphemeral
    "commands",  # the slash command
    "groups:history",  # as for channels, in private ones
    "groups:read",
    "im:history",  # as for channels, in the bot's direct messages
    "im:read",
    "im:write",  # conversations.open
    "usergroups:read",  # usergroups.users.list, for groups among APPROVERS and STARTERS
    "users:read",  # users.info
    "users:read.email",  # users.lookupByEmail
)
"""The bot token's scopes: those that the methods called in this room need, and no more."""

APP_SCOPES = ("connections:write",)
"""The app token's scope; a manifest cannot make that token."""


def manifest() -> dict[str, Any]:
    """The manifest as data; Slack takes it as JSON."""
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
