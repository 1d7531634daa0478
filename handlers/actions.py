"""Buttons and menus."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from handlers import forms
from handlers.blocks.buttons import Pressed, pressed
from handlers.blocks.menus import chosen
from handlers.errors import sorted_errors
from handlers.intake import Intake
from recovery.actions import OPENS_FORM, Ask
from recovery.errors import OutsideError
from recovery.state import NewRequest, Source

logger = logging.getLogger(__name__)

_ANY = re.compile("")
_ASKS = frozenset(Ask)


def register(app: App, intake: Intake) -> None:
    """Listen to every button and menu, also to those that an older or newer version drew.

    There is one listener for all of them: when one has not acknowledged within three seconds, Bolt goes on to
    the next that matches, and a second one would take the same click again.
    """

    @app.block_action(_ANY)
    def take_click(ack: Ack, body: dict[str, Any]) -> None:
        request = clicked(body, intake.now())
        if request.action in OPENS_FORM:
            failed = open_form(app.client, request, str(body.get("trigger_id") or ""))
            # Acknowledged only now, so that a click whose form does not open is never lost without a word.
            if failed is None:
                ack()
                return
            request = failed
        intake.take(request, ack)


def clicked(body: Mapping[str, Any], at: datetime) -> NewRequest:
    """What a click or a choice asks for. Of the payload, which holds the whole message, only its own part is kept.

    What is none of ours, or carries what nothing of ours carries, asks for `Ask.UNKNOWN`; so does a choice of nothing.
    """
    action = body["actions"][0]
    container = body.get("container") or {}
    user = body["user"]
    message_ts = container.get("message_ts")
    asked = _asked(action)
    known = asked if asked is not None and asked.action in _ASKS else None
    return NewRequest(
        dedupe=":".join(
            ("click", user["id"], str(message_ts), str(action.get("action_id")), str(action.get("action_ts")))
        ),
        source=Source.BUTTON,
        action=known.action if known else Ask.UNKNOWN,
        user_id=user["id"],
        team_id=user.get("team_id") or (body.get("team") or {}).get("id") or "",
        channel_id=(body.get("channel") or {}).get("id") or container.get("channel_id") or "",
        received_at=at,
        about=known.about if known else {},
        message_ts=message_ts,
        response_url=body.get("response_url"),
    )


def _asked(action: Mapping[str, Any]) -> Pressed | None:
    """What was pressed or chosen, if that is something of ours."""
    match action.get("type"):
        case "button":
            return pressed(action.get("action_id"), action.get("value"))
        case "static_select":
            option = action.get("selected_option")
            choice = option.get("value") if isinstance(option, dict) else None
        case "users_select":
            choice = action.get("selected_user")
        case _:
            return None
    return chosen(action.get("action_id"), action.get("block_id"), choice)


def open_form(client: WebClient, request: NewRequest, trigger_id: str) -> NewRequest | None:
    """Open the form that the request needs, by `views.open`; None when it is open.

    Otherwise what to store instead: `Ask.FORM_FAILED` with the button's `about` and the `action` asked for.
    """
    try:
        view = forms.form(request)
        with sorted_errors("views.open"):
            client.views_open(trigger_id=trigger_id, view=view)
    except (OutsideError, forms.FormTooLarge) as error:
        logger.warning("a form for %s did not open: %s", request.action, error)
        return replace(request, action=Ask.FORM_FAILED, about={**request.about, "action": request.action})
    return None
