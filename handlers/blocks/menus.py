"""Menus, there and back: what a menu carries, and how a choice from it is read again."""

import json

from handlers.blocks import limits
from handlers.blocks.buttons import Pressed, action_id, action_of, confirm, flat
from handlers.blocks.limits import Block, plain_text
from recovery.content import Menu, Option, Style

_CHOSEN = "chosen"
_NUMBER = "n"
"""The member of a `block_id` that makes it unique in the message; it is no part of what the menu is about."""


def menu(asked: Menu, number: int) -> Block:
    """A `static_select` element with the menu's first hundred options, or a `users_select` where it has none.

    `number` makes its `action_id` unique in the message. What it is about stands in the `block_id` of its block. Of a
    value that is longer than Slack takes only the beginning comes back.
    """
    drawn: Block = {
        "type": "static_select" if asked.options else "users_select",
        "action_id": action_id(asked.action, number),
        "placeholder": plain_text(asked.label, limits.PLACEHOLDER),
    }
    if asked.options:
        drawn["options"] = [_option(option) for option in asked.options[: limits.OPTIONS]]
    if asked.confirm is not None:
        drawn["confirm"] = confirm(asked.confirm, Style.DANGER)
    return drawn


def block_id(asked: Menu, number: int) -> str | None:
    """The `block_id` of the one block that the menu stands in: what it is about, as JSON.

    None for an `about` that Slack would not take there; a choice is then answered as one not understood.
    """
    if _NUMBER in asked.about:
        return None
    written = json.dumps({**asked.about, _NUMBER: str(number)}, separators=(",", ":"), ensure_ascii=False)
    return written if len(written) <= limits.BLOCK_ID else None


def chosen(action: object, block: object, choice: object) -> Pressed | None:
    """What a choice asks for, from the menu with that `action_id` in the block with that `block_id`.

    It is an option's value or a user's id. None if nothing was chosen, or not from a `menu` of ours.
    """
    if not isinstance(choice, str) or not 0 < len(choice) <= limits.OPTION_VALUE:
        return None
    asked, about = action_of(action), flat(block)
    if asked is None or about is None:
        return None
    about.pop(_NUMBER, None)
    return Pressed(asked, {**about, _CHOSEN: choice})


def _option(option: Option) -> Block:
    return {
        "text": plain_text(option.label, limits.OPTION),
        "value": limits.cut(option.value, limits.OPTION_VALUE),
    }
