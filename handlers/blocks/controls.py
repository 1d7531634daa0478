"""Buttons and menus in their blocks. A block has one menu at most: what the menu is about is the block's id."""

from collections.abc import Iterator, Sequence

from handlers.blocks import limits
from handlers.blocks.buttons import button
from handlers.blocks.limits import Block
from handlers.blocks.menus import block_id, menu
from recovery.content import Button, Control, Menu

_Numbered = tuple[int, Control]


def beside(section: Block, control: Control, number: int) -> Block:
    """The section with the control as its `accessory`. `number` is the control's in the message."""
    return {**section, **_named([(number, control)]), "accessory": _element(control, number)}


def below(controls: Sequence[Control], first_number: int) -> list[Block]:
    """The controls in `actions` blocks, in this order, numbered from `first_number` on."""
    return [
        {"type": "actions", **_named(row), "elements": [_element(control, number) for number, control in row]}
        for row in _rows(controls, first_number)
    ]


def _rows(controls: Sequence[Control], first_number: int) -> Iterator[list[_Numbered]]:
    row: list[_Numbered] = []
    for number, control in enumerate(controls, start=first_number):
        is_second_menu = isinstance(control, Menu) and any(isinstance(one, Menu) for _, one in row)
        if is_second_menu or len(row) == limits.ROW_OF_BUTTONS:
            yield row
            row = []
        row.append((number, control))
    if row:
        yield row


def _element(control: Control, number: int) -> Block:
    return button(control, number) if isinstance(control, Button) else menu(control, number)


def _named(row: Sequence[_Numbered]) -> Block:
    for number, control in row:
        if isinstance(control, Menu) and (name := block_id(control, number)) is not None:
            return {"block_id": name}
    return {}
