"""Whether Slack is fine, for `python bot.py check`."""

from slack_sdk import WebClient

from handlers.errors import sorted_errors
from handlers.http import PATH
from handlers.identity import Identity
from handlers.manifest import SCOPES
from handlers.messenger import SlackMessenger
from recovery.checks import Finding
from recovery.content import Card, Marker, MarkerKind, Place
from recovery.errors import OutsideError
from recovery.text import line

REINSTALL = "Update the app from `python bot.py manifest` and reinstall it to the workspace."

_SERVED = Finding(
    "Slack requests", True, f"HTTP mode: Slack must reach {PATH} of this bot, and sign with SLACK_SIGNING_SECRET"
)


def check_slack(
    client: WebClient, identity: Identity, messenger: SlackMessenger, app_client: WebClient | None, to: str | None
) -> list[Finding]:
    """The token, its scopes, the app-level token where there is one, and a test direct message to `to`, if anybody
    is named."""
    try:
        me = identity.me()
    except OutsideError as error:
        advice = "Put the bot token from OAuth & Permissions into SLACK_BOT_TOKEN."
        return [Finding("Slack token", False, str(error), advice)]
    findings = [Finding("Slack token", True, f"bot {me.user_id} of workspace {me.team_id}"), _scopes(client)]
    findings.append(_SERVED if app_client is None else _app_token(app_client))
    if to is None:
        findings.append(Finding("Test direct message", True, "not asked for; --to <Slack user id> sends one", ""))
    else:
        findings.append(_direct_message(messenger, to))
    return findings


def _scopes(client: WebClient) -> Finding:
    """What the token may do, from the `x-oauth-scopes` header that Slack puts on every answer."""
    try:
        with sorted_errors("auth.test"):
            answer = client.auth_test()
    except OutsideError as error:
        return Finding("Slack scopes", False, str(error), "Try again; see Slack's status page.")
    headers = {name.lower(): value for name, value in dict(answer.headers).items()}
    granted = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")}
    missing = sorted(set(SCOPES) - granted)
    if missing:
        return Finding("Slack scopes", False, f"missing: {', '.join(missing)}", REINSTALL)
    return Finding("Slack scopes", True, f"all {len(SCOPES)} granted")


def _app_token(client: WebClient) -> Finding:
    try:
        with sorted_errors("apps.connections.open"):
            client.apps_connections_open(app_token=client.token or "")
    except OutsideError as error:
        advice = "Turn on Socket Mode and put the app-level token (connections:write) into SLACK_APP_TOKEN."
        return Finding("Slack Socket Mode", False, str(error), advice)
    return Finding("Slack Socket Mode", True, "a connection may be opened")


def _direct_message(messenger: SlackMessenger, to: str) -> Finding:
    what = f"Test direct message to {to}"
    card = Card(notification="A test message.", lines=(line("This is a test message of the recovery bot."),))
    try:
        channel = messenger.open_direct(to)
        messenger.post(Place(channel), card, Marker(MarkerKind.NOTICE, "check"))
    except OutsideError as error:
        return Finding(what, False, str(error), REINSTALL)
    return Finding(what, True, "arrived")
