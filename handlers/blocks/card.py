"""A card as Slack blocks. What does not fit into one message is left out, and the last line says how much."""

from handlers.blocks import buttons, limits
from handlers.blocks.limits import Block, characters, header, preformatted, section
from handlers.blocks.text import mrkdwn, paragraphs
from recovery.content import Button, Card, Row
from recovery.text import Line, count

_NOTE_ROOM = 200
_PASTE_ROOM = 6_000
_BUTTON_ROOM = 3_000


def card_blocks(content: Card) -> list[Block]:
    """Header, lines, text to paste, rows, buttons, footer, in this order and within Slack's limits."""
    head = [header(content.title)] if content.title else []
    pressable, buttons_left_out = _buttons(content.buttons)
    tail = [*buttons.rows(pressable), *_footer(content)]
    paste = _paste(content, limits.CHARACTERS - _NOTE_ROOM - characters([*head, *tail]))
    room = limits.CHARACTERS - _NOTE_ROOM - characters([*head, *paste, *tail])
    blocks_free = limits.BLOCKS - len(head) - len(paste) - len(tail) - 1  # one for the note

    lines, lines_left_out = _lines(content.lines, room, blocks_free)
    room, blocks_free = room - characters(lines), blocks_free - len(lines)
    row_blocks, rows_left_out = _rows(content.rows, room, blocks_free, first_number=len(content.buttons))
    note = _note(lines_left_out + rows_left_out, buttons_left_out)
    return [*head, *lines, *paste, *row_blocks, *note, *tail]


def _paste(content: Card, room: int) -> list[Block]:
    if not content.paste or not content.paste.strip():
        return []
    text = limits.cut(content.paste, min(room, _PASTE_ROOM))
    return [{"type": "rich_text", "elements": [preformatted(text)]}]


def _buttons(asked: tuple[Button, ...]) -> tuple[list[Block], int]:
    drawn: list[Block] = []
    for number, one in enumerate(asked):
        element = buttons.button(one, number)
        if characters([*drawn, element]) > _BUTTON_ROOM:
            break
        drawn.append(element)
    return drawn, len(asked) - len(drawn)


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
    for number, row in enumerate(asked, start=first_number):
        block = section(mrkdwn(row.line).strip() or "…")
        if row.button is not None:
            block["accessory"] = buttons.button(row.button, number)
        room -= characters([block])
        if room < 0 or len(drawn) >= blocks_free:
            break
        drawn.append(block)
    return drawn, len(asked) - len(drawn)


def _note(lines: int, pressable: int) -> list[Block]:
    missing = [count(lines, "line")] if lines else []
    if pressable:
        missing.append(count(pressable, "button"))
    if not missing:
        return []
    return [section(f"_{' and '.join(missing)} more did not fit into this message._")]
