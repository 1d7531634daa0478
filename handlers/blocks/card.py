"""A card as Slack blocks. What does not fit into one message is left out, and the last line says how much."""

from collections.abc import Sequence

from handlers.blocks import controls, limits
from handlers.blocks.limits import Block, characters, header, preformatted, section
from handlers.blocks.text import mrkdwn, paragraphs
from recovery.content import Button, Card, Control, Menu, Row
from recovery.text import Line, count

_NOTE_ROOM = 200
_PASTE_ROOM = 6_000
_CONTROL_ROOM = 3_000
_CONTROL_BLOCKS = 20


def card_blocks(content: Card) -> list[Block]:
    """Header, lines, text to paste, rows, buttons, menus, footer, in this order and within Slack's limits."""
    head = [header(content.title)] if content.title else []
    control_blocks, controls_left_out = _controls(content.buttons)
    tail = [*control_blocks, *_footer(content)]
    paste = _paste(content, limits.CHARACTERS - _NOTE_ROOM - characters([*head, *tail]))
    room = limits.CHARACTERS - _NOTE_ROOM - characters([*head, *paste, *tail])
    blocks_free = limits.BLOCKS - len(head) - len(paste) - len(tail) - 1  # one for the note

    lines, lines_left_out = _lines(content.lines, room, blocks_free)
    room, blocks_free = room - characters(lines), blocks_free - len(lines)
    row_blocks, rows_left_out = _rows(content.rows, room, blocks_free, first_number=len(content.buttons))
    note = _note(lines_left_out + rows_left_out, controls_left_out)
    return [*head, *lines, *paste, *row_blocks, *note, *tail]


def _paste(content: Card, room: int) -> list[Block]:
    if not content.paste or not content.paste.strip():
        return []
    text = limits.cut(content.paste, min(room, _PASTE_ROOM))
    return [{"type": "rich_text", "elements": [preformatted(text)]}]


def _controls(asked: Sequence[Control]) -> tuple[list[Block], list[Control]]:
    """Buttons in rows and each menu in a block of its own, and what does not fit."""
    in_order = sorted(asked, key=lambda one: isinstance(one, Menu))
    drawn: list[Block] = []
    for most in range(1, len(in_order) + 1):
        more = _below(in_order[:most])
        if characters(more) > _CONTROL_ROOM or len(more) > _CONTROL_BLOCKS:
            return drawn, in_order[most - 1 :]
        drawn = more
    return drawn, []


def _below(in_order: Sequence[Control]) -> list[Block]:
    pressable = [one for one in in_order if isinstance(one, Button)]
    drawn = controls.below(pressable, 0)
    for number, menu in enumerate(in_order[len(pressable) :], start=len(pressable)):
        drawn += controls.below([menu], number)
    return drawn


def _footer(content: Card) -> list[Block]:
    small_print = mrkdwn(content.footer, limits.FOOTER) if content.footer else ""
    if not small_print.strip():
        return []
    return [{"type": "context", "elements": [limits.mrkdwn_text(small_print)]}]


def _lines(lines: tuple[Line, ...], room: int, blocks_free: int) -> tuple[list[Block], int]:
    texts: list[str] = []
    for number, line in enumerate(lines):
        longer = paragraphs([*texts, mrkdwn(line)])
        if sum(map(len, longer)) > room or len(longer) > blocks_free:
            return [section(text) for text in texts], len(lines) - number
        texts = longer
    return [section(text) for text in texts], 0


def _rows(asked: tuple[Row, ...], room: int, blocks_free: int, first_number: int) -> tuple[list[Block], int]:
    drawn: list[Block] = []
    for position, row in enumerate(asked):
        blocks = _row(row, first_number)
        room, blocks_free = room - characters(blocks), blocks_free - len(blocks)
        if room < 0 or blocks_free < 0:
            return drawn, len(asked) - position
        drawn += blocks
        first_number += len(row.controls)
    return drawn, 0


def _row(row: Row, first_number: int) -> list[Block]:
    """The line and what belongs to it, which must not be told apart."""
    text = section(mrkdwn(row.line).strip() or "…")
    if len(row.controls) == 1:
        return [controls.beside(text, row.controls[0], first_number)]
    return [text, *controls.below(row.controls, first_number)]


def _note(lines: int, left_out: Sequence[Control]) -> list[Block]:
    menus = sum(isinstance(one, Menu) for one in left_out)
    numbers = [(lines, "line"), (len(left_out) - menus, "button"), (menus, "menu")]
    missing = [count(number, what) for number, what in numbers if number]
    if not missing:
        return []
    return [section(f"_{' and '.join(missing)} more did not fit into this message._")]
