"""Forms that come back."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App

from handlers import forms
from handlers.intake import Intake
from recovery.actions import OPENS_FORM, SEALED, Ask
from recovery.redaction import cut_secrets
from recovery.state import NewRequest, Source

_ANY = re.compile("")


def register(app: App, intake: Intake) -> None:
    """Listen to every form; one without words, or with a key that can be none, is handed back with what is wrong, and
    nothing is stored."""

    @app.view(_ANY)
    def take_form(ack: Ack, body: dict[str, Any]) -> None:
        request = submitted(body, intake.now())
        if request.action in OPENS_FORM and not forms.words(body["view"]):
            missing = forms.question(request.action, request.about).missing
            ack(response_action="errors", errors={forms.WORDS: missing})
            return
        if request.action == Ask.GIVE_KEY:
            try:
                sealed = intake.seal_key(forms.words(body["view"]))
            except ValueError as error:
                ack(response_action="errors", errors={forms.WORDS: f"What was entered {error}."})
                return
            request = replace(request, about={**request.about, SEALED: sealed})
        intake.take(request, ack)


def submitted(body: Mapping[str, Any], at: datetime) -> NewRequest:
    """What a form asks for, in the person's words with secrets cut out; without any, where the words are a key.

    A form that this version did not open asks for `Ask.UNKNOWN`. A view is submitted once, so a repeated
    delivery is known by its id.
    """
    view, user = body["view"], body["user"]
    origin = forms.origin(view)
    known = origin if origin is not None and origin.action in OPENS_FORM else None
    is_key = known is not None and known.action == Ask.GIVE_KEY
    text, was_cut = ("", False) if is_key else cut_secrets(forms.words(view))
    return NewRequest(
        dedupe=f"form:{view['id']}",
        source=Source.FORM,
        action=known.action if known else Ask.UNKNOWN,
        user_id=user["id"],
        team_id=user.get("team_id") or (body.get("team") or {}).get("id") or "",
        channel_id=known.channel_id if known else "",
        received_at=at,
        text=text if known else "",
        about=known.about if known else {},
        message_ts=known.message_ts if known else None,
        response_url=known.response_url if known else None,
        secrets_cut=was_cut,
    )
