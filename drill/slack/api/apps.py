"""`auth.test` and `apps.connections.open`: who the app is, and its way into Socket Mode."""

from drill.slack.api.call import Call, Method, Tier, Token
from drill.slack.model import JsonObject


def auth_test(call: Call) -> JsonObject:
    """`auth.test`: the workspace and the bot user whose token this is."""
    workspace, app = call.workspace, call.workspace.app
    return {
        "url": f"{call.base_url}/",
        "team": workspace.name,
        "user": workspace.users[app.bot_user_id].name,
        "team_id": workspace.team_id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def open_connection(call: Call) -> JsonObject:
    """`apps.connections.open`: an address for one WebSocket."""
    host = call.base_url.partition("://")[2]
    return {"url": f"ws://{host}/socket?ticket={call.slack.sockets.issue_ticket()}"}


METHODS = (
    Method("auth.test", auth_test, tier=Tier.SPECIAL),
    Method("apps.connections.open", open_connection, token=Token.APP, tier=Tier.THREE),
)
