"""The slash command."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App

from handlers.intake import Intake
from recovery.actions import Ask
from recovery.redaction import cut_secrets
from recovery.state import NewRequest, Source

COMMAND = "/mailgun-compromised"
_MOST = 3_000
_MOST_READ = 40_000
"""Characters that are looked at: as many as a message in Slack can have."""
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def register(app: App, intake: Intake) -> None:
    """Listen to the command; what follows it is understood later, by `recovery`."""

    @app.command(COMMAND)
    def take_command(ack: Ack, body: dict[str, Any]) -> None:
        intake.take(typed(body, intake.now()), ack)


def typed(body: Mapping[str, Any], at: datetime) -> NewRequest:
    """What was typed after the command, secrets cut out. `trigger_id` is the only id that a command has."""
    text, was_cut = cut_secrets(_unescaped(str(body.get("text") or ""))[:_MOST_READ])
    return NewRequest(
        dedupe=f"command:{body['trigger_id']}",
        source=Source.COMMAND,
        action=Ask.TYPED,
        user_id=str(body["user_id"]),
        team_id=str(body.get("team_id") or ""),
        channel_id=str(body["channel_id"]),
        received_at=at,
        text=text[:_MOST],
        response_url=body.get("response_url"),
        secrets_cut=was_cut,
    )


def _unescaped(text: str) -> str:
    # Slack sends these three as entities; left so, they would be escaped twice when they are shown.
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text.strip()
