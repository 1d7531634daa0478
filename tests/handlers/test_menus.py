"""Menus and rows with several controls: how they are drawn, and how a choice is read again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from handlers.actions import clicked
from handlers.blocks.limits import Block
from recovery.actions import Ask
from recovery.content import Button, Card, Confirm, Control, Menu, Option, Row
from recovery.state import NewRequest, Source
from recovery.text import line
from tests.handlers.http.http_door import choice_payload, click_payload
from tests.handlers.test_blocks import accepted, cards

ABOUT = {"person": "7", "version": "2", "ünï": "<&>"}
WHO = Menu("identify", "Who is it in Slack?", ABOUT)
LATER = Menu("later", "Remind me later", ABOUT, (Option("In an hour", "hour"), Option("Tomorrow morning", "tomorrow")))
TELL = Button("by_hand", "I tell them myself", ABOUT)
LEFT = Button("has_left", "Has left", ABOUT)


def drawn(*rows: Row, buttons: tuple[Control, ...] = ()) -> list[Block]:
    return accepted(Card("n", rows=rows, buttons=buttons)).blocks


def choice(block: Block, element: Block, value: object) -> NewRequest:
    """What is stored when somebody chooses that."""
    body = choice_payload()
    kind = element["type"]
    chosen: dict[str, Any] = (
        {"selected_user": value} if kind == "users_select" else {"selected_option": {"value": value}}
    )
    body["actions"][0] = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block.get("block_id", "Xy3="),
        "action_ts": "1.000003",
        **chosen,
    }
    return clicked(body, datetime.now(UTC))


def kinds(blocks: list[Block]) -> list[list[str]]:
    """What each block is, and what can be pressed or chosen in it."""
    return [
        [
            block["type"],
            *(one["type"] for one in block.get("elements", ())),
            *([block["accessory"]["type"]] if "accessory" in block else ()),
        ]
        for block in blocks
    ]


# Drawn


def test_a_menu_asks_for_a_confirmation_where_what_is_chosen_cannot_be_taken_back() -> None:
    question = Confirm("Delete this key first?", "It is deleted at once.", "Delete it")
    asks, plain = Menu("make_room", "Choose", ABOUT, LATER.options, question), LATER
    first, second = drawn(Row(line("Which?"), (asks,)), Row(line("When?"), (plain,)))

    assert first["accessory"]["confirm"]["text"]["text"] == "It is deleted at once."
    assert first["accessory"]["confirm"]["style"] == "danger"
    assert "confirm" not in second["accessory"]


def test_the_only_control_of_a_row_stands_beside_its_line() -> None:
    blocks = drawn(Row(line("x"), (WHO,)), Row(line("y"), (TELL,)), Row(line("z")))
    assert kinds(blocks) == [["section", "users_select"], ["section", "button"], ["section"]]
    assert blocks[0]["accessory"]["placeholder"]["text"] == "Who is it in Slack?"


def test_several_controls_of_a_row_stand_below_its_line() -> None:
    blocks = drawn(Row(line("x"), (WHO, TELL, LEFT)), Row(line("y"), (TELL, LEFT)))
    assert kinds(blocks) == [
        ["section"],
        ["actions", "users_select", "button", "button"],
        ["section"],
        ["actions", "button", "button"],
    ]
    assert json.loads(blocks[1]["elements"][1]["value"]) == ABOUT
    assert "block_id" not in blocks[3]


def test_there_is_one_menu_at_most_to_a_block() -> None:
    blocks = drawn(Row(line("x"), (WHO, TELL, LATER, LEFT)))
    assert kinds(blocks) == [["section"], ["actions", "users_select", "button"], ["actions", "static_select", "button"]]


def test_the_menus_of_a_card_stand_in_blocks_of_their_own_after_the_buttons() -> None:
    assert kinds(drawn(buttons=(LATER, TELL, WHO, LEFT))) == [
        ["actions", "button", "button"],
        ["actions", "static_select"],
        ["actions", "users_select"],
    ]


def test_a_menu_offers_its_options_as_far_as_slack_takes_them() -> None:
    options = tuple(Option(f"{number} {'x' * 80}", str(number)) for number in range(120))
    (block,) = drawn(Row(line("x"), (Menu("later", "l" * 200, options=options),)))
    menu = block["accessory"]

    assert [option["value"] for option in menu["options"]] == [str(number) for number in range(100)]
    assert {len(option["text"]["text"]) for option in menu["options"]} == {75}
    assert len(menu["placeholder"]["text"]) == 150


@pytest.mark.parametrize("controls", [(WHO, TELL), (WHO, LATER, TELL)])
def test_a_line_is_never_told_apart_from_its_controls(controls: tuple[Control, ...]) -> None:
    rows = tuple(Row(line(f"login {number}"), controls) for number in range(40))
    blocks = accepted(Card("n", "People", rows=rows, buttons=(LATER,))).blocks
    shown = [number for number, block in enumerate(blocks) if "login" in json.dumps(block)]
    below = sum(isinstance(one, Menu) for one in controls)

    assert all(blocks[number + 1 + more]["type"] == "actions" for number in shown for more in range(below))
    assert f"{40 - len(shown)} lines more did not fit" in json.dumps(blocks)
    assert 50 - below <= len(blocks) <= 50


def test_a_row_whose_controls_have_too_many_characters_is_left_out_with_its_line() -> None:
    many = Menu("later", "Later", {}, tuple(Option("x" * 75, str(number)) for number in range(100)))
    blocks = drawn(Row(line("first"), (many, TELL)), Row(line("second"), (TELL, many)))
    assert kinds(blocks) == [["section"], ["actions", "static_select", "button"], ["section"]]
    assert "1 line more did not fit" in blocks[2]["text"]["text"]


def test_what_does_not_fit_below_a_card_is_counted() -> None:
    options = tuple(Option("x" * 75, str(number)) for number in range(30))
    blocks = drawn(buttons=(TELL, *(Menu("later", "Later", {}, options),) * 3))
    assert kinds(blocks) == [["section"], ["actions", "button"], ["actions", "static_select"]]
    assert "2 menus more did not fit" in blocks[0]["text"]["text"]
    assert len(drawn(buttons=(WHO,) * 60)) == 21


# There and back


@pytest.mark.parametrize(
    ("menu", "value"),
    [(WHO, "UGRETA"), (LATER, "tomorrow"), (Menu("later", "Later", {}, LATER.options), "hour")],
)
def test_a_choice_carries_what_its_menu_is_about_and_what_was_chosen(menu: Menu, value: str) -> None:
    (block,) = drawn(Row(line("x"), (menu,)))
    request = choice(block, block["accessory"], value)

    assert (request.source, request.action) == (Source.BUTTON, menu.action)
    assert request.about == {**menu.about, "chosen": value}
    assert "a step" not in repr(request)


def test_menus_about_the_same_thing_have_block_ids_of_their_own_and_read_alike() -> None:
    blocks = drawn(Row(line("x"), (LATER, LATER)), Row(line("y"), (LATER,)), buttons=(LATER, LATER))
    menus = [
        (block, element)
        for block in blocks
        for element in (*block.get("elements", ()), block.get("accessory", {}))
        if element.get("type") == "static_select"
    ]

    assert len({block["block_id"] for block, _ in menus}) == len(menus) == 5
    assert all(choice(block, element, "hour").about == {**ABOUT, "chosen": "hour"} for block, element in menus)


@pytest.mark.parametrize("about", [{"long": "x" * 250}, {"n": "1"}])
def test_a_menu_that_cannot_say_what_it_is_about_is_drawn_and_not_understood(about: dict[str, str]) -> None:
    (block,) = drawn(Row(line("x"), (Menu("later", "Later", about, LATER.options),)))
    request = choice(block, block["accessory"], "hour")

    assert "block_id" not in block
    assert (request.action, request.about) == (Ask.UNKNOWN, {})


@settings(deadline=None)
@given(cards)
def test_whatever_is_drawn_is_read_as_what_it_was(card: Card) -> None:
    asked = [*card.buttons, *(control for row in card.rows for control in row.controls)]
    abouts = [dict(control.about) for control in asked if isinstance(control, Menu)]
    for block in accepted(card).blocks:
        for element in (*block.get("elements", ()), block.get("accessory", {})):
            if element.get("type") not in ("static_select", "users_select") or "block_id" not in block:
                continue
            read = dict(choice(block, element, "U1").about)
            assert read.pop("chosen") == "U1"
            assert any({**about, "chosen": ""} == {**read, "chosen": ""} for about in abouts)


# Not understood


@pytest.mark.parametrize(
    "changes",
    [
        {"selected_option": None},
        {"selected_option": {}},
        {"selected_option": {"value": None}},
        {"selected_option": {"value": ""}},
        {"selected_option": {"value": 7}},
        {"selected_option": {"value": "x" * 151}},
        {"selected_option": "hour"},
        {"type": "users_select"},
        {"type": "users_select", "selected_user": None},
        {"type": "users_select", "selected_user": ["UGRETA"]},
        {"type": "overflow"},
        {"type": "button"},
        {"type": None},
        {"action_id": "ask:dance:0"},
        {"action_id": "menu"},
        {"block_id": "Xy3="},
        {"block_id": '["7"]'},
        {"block_id": '{"person":7}'},
        {"block_id": None},
    ],
)
def test_a_choice_of_nothing_or_of_another_form_is_not_understood(changes: dict[str, Any]) -> None:
    body = choice_payload()
    body["actions"][0] |= changes
    request = clicked(body, datetime.now(UTC))
    assert (request.action, request.about) == (Ask.UNKNOWN, {})
    assert request.response_url


def test_a_button_is_not_taken_for_a_menu() -> None:
    body = click_payload()
    body["actions"][0] |= {"type": "static_select", "selected_option": {"value": "hour"}}
    assert clicked(body, datetime.now(UTC)).action == Ask.UNKNOWN


def test_two_choices_differ_and_one_delivered_twice_does_not() -> None:
    first, second = choice_payload(), choice_payload()
    at = datetime.now(UTC)
    assert clicked(first, at).dedupe == clicked(first, at).dedupe != clicked(second, at).dedupe
