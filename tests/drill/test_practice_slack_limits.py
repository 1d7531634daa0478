"""Slack's limits: what the practice Slack takes to the last character, and refuses one further."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drill.practice_slack import Practice, actions, button, code, menu, modal, refused, section, text_input

Blocks = list[dict[str, Any]]


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def header(length: int) -> Blocks:
    return [{"type": "header", "text": plain("x" * length)}]


def context(length: int) -> Blocks:
    return [{"type": "context", "elements": [plain("x")] * length}]


def fields(count: int, length: int) -> Blocks:
    return [{"type": "section", "fields": [plain("x" * length)] * count}]


def confirm(title: int = 1, text: int = 1, deny: int = 1) -> Blocks:
    dialog = {"title": plain("x" * title), "text": plain("x" * text), "confirm": plain("x")}
    return [actions(button(confirm=dialog | {"deny": plain("x" * deny)}))]


def options(count: int = 1, text: int = 1, value: int = 1) -> Blocks:
    option = {"text": plain("x" * text), "value": "x" * value}
    return [actions(menu("x", options=[option] * count))]


def groups(count: int, label: int = 1) -> Blocks:
    option = {"text": plain("x"), "value": "x"}
    drawn = {name: part for name, part in menu("x").items() if name != "options"}
    return [actions(drawn | {"option_groups": [{"label": plain("x" * label), "options": [option]}] * count})]


def menus(of: tuple[str, ...], placeholder: int = 1, action_id: int = 1) -> Blocks:
    return [section() | {"accessory": menu(*of, action_id="x" * action_id, placeholder=plain("x" * placeholder))}]


def buttons(count: int) -> Blocks:
    return [actions(*(button(f"button-{number}") for number in range(count)))]


def rich(*elements: dict[str, Any], kind: str = "rich_text_section") -> Blocks:
    return [{"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]}]


def rich_length(length: int) -> Blocks:
    return rich({"type": "text", "text": "x" * length}, kind="rich_text_preformatted")


TAKEN_AND_REFUSED: list[tuple[Blocks, Blocks]] = [
    ([section("x")] * 50, [section("x")] * 51),
    ([section("x" * 3000)], [section("x" * 3001)]),
    (header(150), header(151)),
    (context(10), context(11)),
    (fields(10, 1), fields(11, 1)),
    (fields(1, 2000), fields(1, 2001)),
    (buttons(25), buttons(26)),
    ([actions(button(value="x" * 2000))], [actions(button(value="x" * 2001))]),
    ([actions(button("x" * 255))], [actions(button("x" * 256))]),
    ([section() | {"block_id": "x" * 255}], [section() | {"block_id": "x" * 256}]),
    ([actions(button(text=plain("x" * 75)))], [actions(button(text=plain("x" * 76)))]),
    (confirm(title=100), confirm(title=101)),
    (confirm(text=300), confirm(text=301)),
    (confirm(deny=30), confirm(deny=31)),
    (options(count=100), options(count=101)),
    (options(text=75), options(text=76)),
    (options(value=150), options(value=151)),
    (groups(100), groups(101)),
    (groups(1, label=75), groups(1, label=76)),
    (menus(("a",), placeholder=150), menus(("a",), placeholder=151)),
    (menus((), placeholder=150), menus((), placeholder=151)),
    (menus(("a",), action_id=255), menus(("a",), action_id=256)),
    (menus((), action_id=255), menus((), action_id=256)),
    ([actions(menu(), block_id="x" * 255)], [actions(menu(), block_id="x" * 256)]),
    (
        [actions(*(menu(action_id=f"m{n}") for n in range(25)))],
        [actions(*(menu(action_id=f"m{n}") for n in range(26)))],
    ),
]


@pytest.mark.parametrize(("taken", "too_much"), TAKEN_AND_REFUSED)
def test_a_limit_is_where_slack_has_it(slack: Practice, taken: Blocks, too_much: Blocks) -> None:
    slack.post(blocks=taken)
    assert code(refused(slack.post, blocks=too_much)) == "invalid_blocks"


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "poem"}],
        [{"type": "section"}],
        [section("")],
        [section() | {"colour": "red"}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "*no*"}}],
        [actions(button(style="loud"))],
        [actions({"type": "plain_text_input", "action_id": "a"})],
        [actions(menu("a", options=[]))],
        [actions(menu("a", options=[{"text": {"type": "mrkdwn", "text": "*a*"}, "value": "a"}]))],
        [actions(menu("a", placeholder={"type": "mrkdwn", "text": "*Choose*"}))],
        [actions(menu("a", initial_option={"text": plain("B"), "value": "b"}))],
        [actions(menu(options=[{"text": plain("A"), "value": "a"}]))],
        [actions()],
        [section() | {"block_id": "same"}, section() | {"block_id": "same"}],
        [actions(button("same"), button("same"))],
        rich({"type": "text", "text": ""}),
        rich({"type": "user", "user_id": "USAM"}, kind="rich_text_preformatted"),
        ["not a block"],
    ],
)
def test_what_is_not_block_kit_is_refused(slack: Practice, blocks: list[Any]) -> None:
    assert code(refused(slack.post, blocks=blocks)) == "invalid_blocks"


def test_a_refusal_says_what_is_wrong_and_where(slack: Practice) -> None:
    error = refused(slack.post, blocks=[section(), section("x" * 3001)])
    assert error.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    ]


def test_rich_text_is_taken(slack: Practice) -> None:
    item = {"type": "rich_text_section", "elements": [{"type": "emoji", "name": "key"}]}
    slack.post(
        blocks=[
            *rich(
                {"type": "text", "text": "a", "style": {"bold": True}},
                {"type": "link", "url": "https://login.mailgun.com/login/"},
                {"type": "user", "user_id": "USAM"},
            ),
            *rich_length(10),
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_list", "style": "bullet", "elements": [item]}],
            },
        ]
    )


def test_all_characters_of_a_message_count_together(slack: Practice) -> None:
    slack.post(blocks=[section("x" * 3000), *rich_length(8000)])
    error = refused(slack.post, blocks=[section("x" * 3000), *rich_length(8001)])
    assert code(error) == "msg_blocks_too_long"


def test_a_text_has_a_limit_and_must_be_there(slack: Practice) -> None:
    slack.post(text="x" * 40_000)
    assert code(refused(slack.post, text="x" * 40_001)) == "msg_too_long"
    assert code(refused(slack.post, text="")) == "no_text"


@pytest.mark.parametrize("metadata", [{"event_type": "a"}, {"event_payload": {}}, {"event_type": 1}])
def test_metadata_has_a_type_and_a_payload(slack: Practice, metadata: dict[str, Any]) -> None:
    assert code(refused(slack.post, metadata=metadata)) == "invalid_metadata_format"


@pytest.mark.parametrize(
    "view",
    [
        modal(title=plain("x" * 25)),
        modal(submit=plain("x" * 25)),
        modal(close=plain("x" * 25)),
        modal(private_metadata="x" * 3001),
        modal(*[section("x")] * 101),
        modal(text_input(), submit=None),
        {name: part for name, part in modal().items() if name != "submit"},
        modal(section() | {"block_id": "same"}, text_input("same")),
    ],
)
def test_a_modal_beyond_the_limits_is_refused(slack: Practice, view: dict[str, Any]) -> None:
    error = refused(slack.client.views_open, trigger_id="whatever", view=view)
    assert code(error) == "invalid_arguments"
    assert error.response["response_metadata"]["messages"]
