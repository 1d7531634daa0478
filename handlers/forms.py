"""Forms, as pure functions: what a person is asked for their words, and what comes back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.blocks.limits import plain_text
from recovery.actions import Ask
from recovery.state import NewRequest

WORDS = "words"
"""The block and action id of the one field that every form has."""

MOST = 3_000
"""What Slack takes in a field, and in `private_metadata`."""

_TITLE = 24
_LABEL = 2_000


class FormTooLarge(Exception):
    """What the form would have to carry is more than Slack takes along."""


@dataclass(frozen=True)
class Question:
    """What a form asks: its title, the field's label and hint, how long the answer may be."""

    title: str
    label: str
    hint: str
    missing: str
    most: int = MOST
    multiline: bool = True


@dataclass(frozen=True)
class Origin:
    """What a form was opened for: the button's action and `about`, and where it was clicked."""

    action: str
    about: Mapping[str, str]
    channel_id: str
    message_ts: str | None
    response_url: str | None


_SKIP = Question(
    "Skip this step",
    "Why is this step skipped?",
    "Everybody in the thread sees the reason. The step can still be approved later.",
    "Say in a few words why this step is skipped.",
)
_SENT = Question(
    "Support was told",
    "Which ticket number did Mailgun Support give?",
    "It stands in the reply to your message, and in the list of tickets at app.mailgun.com/support.",
    "Enter the ticket number, so that the others find it.",
    most=200,
    multiline=False,
)
_STOP = Question(
    "Stop reminding",
    "Why is this person not reminded any longer?",
    "The reason is recorded in the trail, with your name.",
    "Say in a few words why this person is not reminded any longer.",
)
_CANNOT = Question(
    "I cannot do this",
    "What keeps you from it?",
    "The person who leads the recovery hears of it at once, and nobody else does. Reminders go on until they settle "
    "it. Never paste a password.",
    "Say in a few words what keeps you from it.",
)
_GIVE_KEY = Question(
    "A new key for the bot",
    "Which key shall the bot work with?",
    "An admin key, made for the bot alone: step 1 makes it another one and deletes this, if the plan allows one more. "
    "It is encrypted before it is stored, tried, and shown to nobody.",
    "Enter the key.",
    most=200,
    multiline=False,
)
_QUESTIONS = {Ask.SKIP: _SKIP, Ask.SENT: _SENT, Ask.STOP: _STOP, Ask.CANNOT: _CANNOT, Ask.GIVE_KEY: _GIVE_KEY}
_NOTES = {
    "hosting": Question(
        "Hosting provider",
        "What did the hosting provider say?",
        "Whom you contacted, when, and what they found. Everybody in the thread sees it.",
        "Say in a few words whom you contacted and what was found.",
    ),
    "repositories": Question(
        "Public repositories",
        "What was found in public repositories?",
        "Which were searched for keys and passwords, and what was found. A scan's result, if there was a scan, has a "
        "button of its own. Never paste what you found.",
        "Say in a few words where you looked and what was found.",
    ),
}
_NOTE = Question(
    "A note",
    "What was found?",
    "Everybody in the thread sees it.",
    "Say in a few words what was found.",
)


def question(action: str, about: Mapping[str, str]) -> Question:
    """What to ask for that action."""
    if action in _QUESTIONS:
        return _QUESTIONS[Ask(action)]
    return _NOTES.get(about.get("topic", ""), _NOTE)


def form(request: NewRequest) -> dict[str, Any]:
    """The modal for a click that needs words. Raises `FormTooLarge` for more than Slack takes along."""
    asked = question(request.action, request.about)
    origin = json.dumps(
        {
            "action": request.action,
            "about": dict(request.about),
            "channel_id": request.channel_id,
            "message_ts": request.message_ts,
            "response_url": request.response_url,
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )
    if len(origin) > MOST:
        raise FormTooLarge("the button carries too much for a form")
    return {
        "type": "modal",
        "callback_id": f"form:{request.action}",
        "private_metadata": origin,
        "title": plain_text(asked.title, _TITLE),
        "submit": plain_text("Send", _TITLE),
        "close": plain_text("Not now", _TITLE),
        "blocks": [
            {
                "type": "input",
                "block_id": WORDS,
                "label": plain_text(asked.label, _LABEL),
                "hint": plain_text(asked.hint, _LABEL),
                "element": {
                    "type": "plain_text_input",
                    "action_id": WORDS,
                    "multiline": asked.multiline,
                    "max_length": asked.most,
                    "focus_on_load": True,
                },
            }
        ],
    }


def origin(view: Mapping[str, Any]) -> Origin | None:
    """What a form that comes back was opened for, or None if this version did not open it so."""
    try:
        found = json.loads(view.get("private_metadata") or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("about"), dict):
        return None
    action, about = found.get("action"), found["about"]
    if view.get("callback_id") != f"form:{action}" or not all(isinstance(item, str) for item in about.values()):
        return None
    return Origin(
        action=str(action),
        about=about,
        channel_id=found.get("channel_id") or "",
        message_ts=found.get("message_ts"),
        response_url=found.get("response_url"),
    )


def words(view: Mapping[str, Any]) -> str:
    """What was written into the field, without the white space around it."""
    values = (view.get("state") or {}).get("values") or {}
    return str(((values.get(WORDS) or {}).get(WORDS) or {}).get("value") or "").strip()[:MOST]
