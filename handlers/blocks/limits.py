"""Slack's limits on a message, and the small plain-text pieces that obey them."""

from collections.abc import Iterable
from typing import Any

Block = dict[str, Any]

BLOCKS = 50
CHARACTERS = 9_000
"""Over all blocks. Undocumented: Slack stops between 9,600 and 11,300 (bolt-js issues 2509 and 2867)."""
SECTION = 3_000
HEADER = 150
BUTTON = 75
VALUE = 2_000
BLOCK_ID = 255
PLACEHOLDER = 150
OPTIONS = 100
OPTION = 75
OPTION_VALUE = 150
ROW_OF_BUTTONS = 5
"""Slack takes 25; more than five in a row wrap badly on a phone."""
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
FOOTER = 1_000
NOTIFICATION = 300


def cut(text: str, most: int) -> str:
    """The text in at most `most` characters, with an ellipsis where something is missing; never empty."""
    text = text.strip() or "…"
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def plain_text(text: str, most: int) -> Block:
    """A `plain_text` object. Slack interprets nothing in it, so nothing is escaped."""
    return {"type": "plain_text", "text": cut(text, most), "emoji": True}


def mrkdwn_text(text: str) -> Block:
    """A `mrkdwn` object of text that `blocks.text` wrote.

    `verbatim`, or Slack makes links and mentions of its own out of words that look like them.
    """
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    """A `section` block of text that `blocks.text` wrote."""
    return {"type": "section", "text": mrkdwn_text(text)}


def header(title: str) -> Block:
    """A `header` block."""
    return {"type": "header", "text": plain_text(title, HEADER)}


def preformatted(text: str) -> Block:
    """A `rich_text_preformatted` element: shown as it is, nothing in it is interpreted."""
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}


def characters(blocks: Iterable[Block]) -> int:
    """How many characters of text the blocks hold, as Slack counts: every text in them, dialogs included."""
    return sum(_characters(block) for block in blocks)


def _characters(part: object) -> int:
    if isinstance(part, list):
        return sum(_characters(item) for item in part)
    if not isinstance(part, dict):
        return 0
    text = part.get("text")
    return (len(text) if isinstance(text, str) else 0) + sum(_characters(value) for value in part.values())
