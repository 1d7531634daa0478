"""Buttons, there and back: what a button carries, and how a click on it is read again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from handlers.blocks import limits
from handlers.blocks.limits import Block, plain_text
from recovery.content import Button, Confirm, Style

_ACTION_ID = re.compile(r"ask:(?P<action>[a-z_]+):\d+")


@dataclass(frozen=True)
class Pressed:
    """What a button or a menu asked for, read from a click."""

    action: str
    about: Mapping[str, str]


def action_id(action: str, number: int) -> str:
    """The `action_id` of whatever asks for that action. `number` makes it unique in the message."""
    return f"ask:{action}:{number}"


def action_of(action_id: object) -> str | None:
    """The action in an `action_id`, or None if it is none of ours."""
    match = _ACTION_ID.fullmatch(action_id) if isinstance(action_id, str) else None
    return match["action"] if match else None


def button(asked: Button, number: int) -> Block:
    """A `button` element. `number` makes its `action_id` unique in the message; Slack wants that in a block.

    An `about` that Slack would not take is left out; the click is then answered as one not understood.
    """
    drawn: Block = {
        "type": "button",
        "action_id": action_id(asked.action, number),
        "text": plain_text(asked.label, limits.BUTTON),
    }
    value = json.dumps(dict(asked.about), separators=(",", ":"), ensure_ascii=False)
    if len(value) <= limits.VALUE:
        drawn["value"] = value
    if asked.style is not Style.PLAIN:
        drawn["style"] = asked.style.value
    if asked.confirm is not None:
        drawn["confirm"] = confirm(asked.confirm, asked.style)
    return drawn


def pressed(action_id: object, value: object) -> Pressed | None:
    """What a click on `action_id` with that `value` asks for, or None if no `button` of ours was pressed."""
    action, about = action_of(action_id), flat(value)
    return None if action is None or about is None else Pressed(action, about)


def flat(value: object) -> dict[str, str] | None:
    """The flat mapping in a JSON text of at most 2,000 characters, or None if it holds anything else."""
    if not isinstance(value, str) or len(value) > limits.VALUE:
        return None
    try:
        about = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(about, dict) or not all(isinstance(item, str) for item in about.values()):
        return None
    return about


def confirm(question: Confirm, style: Style) -> Block:
    """A `confirm` object: the question that Slack asks before it tells the bot of anything."""
    drawn: Block = {
        "title": plain_text(question.title, limits.CONFIRM_TITLE),
        "text": plain_text(question.text, limits.CONFIRM_TEXT),
        "confirm": plain_text(question.yes, limits.CONFIRM_BUTTON),
        "deny": plain_text(question.no, limits.CONFIRM_BUTTON),
    }
    if style is Style.DANGER:
        drawn["style"] = "danger"
    return drawn
