"""What the actors see of a message, and how they choose from its menus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack

from drill.actors import NothingToPress, Person, Slack
from drill.messages import Menu, Message
from drill.ordering import OrderFailed
from drill.slack.workspaces import INCIDENT
from tests.drill.practice_slack import Practice, actions, button, menu, section

Body = dict[str, Any]

ASKS = "ask:assign:1"
DIVIDER = {"type": "divider"}


def message(*blocks: Body) -> Message:
    return Message.read({"ts": "1.000001", "blocks": list(blocks)}, INCIDENT)


def plain(text: str) -> Body:
    return {"type": "plain_text", "text": text}


# Buttons


def test_a_button_directly_below_a_section_is_beside_it() -> None:
    drawn = message(
        section("`carl@example.net`"),
        actions(button("ask:remind:1", "{}", text=plain("Remind now"))),
        section("`dana@example.net`"),
        actions(button("ask:remind:2", "{}", text=plain("Remind now"))),
    )
    found = drawn.button("Remind now", beside="dana@")
    assert found is not None
    assert found.action_id == "ask:remind:2"


def test_a_button_further_down_is_beside_nothing() -> None:
    drawn = message(
        section("carl"), actions(button("a", "{}")), actions(button("b", "{}")), DIVIDER, actions(button("c", "{}"))
    )
    assert [one.beside for one in drawn.buttons] == ["carl", "", ""]


def test_a_button_in_a_section_is_beside_that_section() -> None:
    drawn = message(section("carl"), section("dana") | {"accessory": button(value="{}")})
    assert [one.beside for one in drawn.buttons] == ["dana"]


# Menus


def test_a_menu_says_what_it_asks_for_and_offers() -> None:
    about = json.dumps({"person": "7"})
    drawn = message(section("`carl@example.net`"), actions(menu("a", "b", action_id=ASKS), block_id=about))
    assert drawn.menus == [
        Menu(
            label="Choose",
            action_id=ASKS,
            block_id=about,
            action="assign",
            about={"person": "7"},
            options=(("A", "a"), ("B", "b")),
            beside="carl@example.net",
        )
    ]


def test_a_menu_of_people_has_no_options_of_its_own() -> None:
    (found,) = message(section("carl") | {"accessory": menu(), "block_id": "x"}).menus
    assert (found.options, found.beside, found.about) == ((), "carl", {})


@pytest.mark.parametrize("block_id", ["x", "[1]", '"x"', "7"])
def test_a_block_id_that_is_no_mapping_says_nothing(block_id: str) -> None:
    assert message(actions(menu(), block_id=block_id)).menus[0].about == {}


def test_options_in_groups_are_offered_too() -> None:
    grouped = menu("a", option_groups=[{"label": plain("More"), "options": menu("b")["options"]}])
    assert message(actions(grouped, block_id="x")).menus[0].options == (("A", "a"), ("B", "b"))


def test_a_menu_is_found_by_the_section_above_whatever_stands_between() -> None:
    drawn = message(
        actions(menu(), block_id="0"),
        section("carl"),
        DIVIDER,
        actions(button(value="{}"), menu(), block_id="1"),
        section("dana"),
        actions(menu(), block_id="2"),
    )
    assert [one.beside for one in drawn.menus] == ["", "carl", "dana"]
    found = drawn.menu("Choose", beside="dana")
    assert found is not None
    assert found.block_id == "2"
    assert drawn.menu("Choose", beside="sam") is None


def test_a_menu_is_found_by_its_action() -> None:
    drawn = message(actions(menu(action_id="ask:other:1"), menu(action_id=ASKS), block_id="x"))
    found = drawn.menu("assign")
    assert found is not None
    assert found.action_id == ASKS


# Choosing


class Chosen:
    """What an app heard of choices in a message that has three menus and a button."""

    def __init__(self, slack: Practice) -> None:
        self.actions: list[Body] = []
        self.app = slack.app()
        self.app.action({"action_id": "ask:assign:1"})(self._hear)
        self.app.action({"action_id": "ask:later:1"})(self._hear)
        self.slack = Slack(slack.url, slack.workspace)
        blocks = [
            section("carl@example.net"),
            actions(button("ask:remind:1", "{}"), menu(action_id=ASKS), block_id="carl"),
            section("dana@example.net"),
            actions(menu(action_id=ASKS), menu("1d", "2d", action_id="ask:later:1"), block_id="dana"),
        ]
        slack.post(blocks=blocks)
        (self.message,) = self.slack.messages()

    @property
    def priya(self) -> Person:
        return self.slack.person("UPRIYA")

    def _hear(self, ack: Ack, body: Body) -> None:
        ack()
        self.actions += body["actions"]


@pytest.fixture
def chosen(slack: Practice) -> Iterator[Chosen]:
    chosen = Chosen(slack)
    with slack.connected(chosen.app):
        yield chosen


@pytest.mark.parametrize("option", ["UDANA", "Dana Diaz"])
def test_somebody_is_chosen_by_name_or_id(chosen: Chosen, option: str) -> None:
    chosen.priya.chooses(chosen.message, "assign", option, beside="dana@")
    (action,) = chosen.actions
    assert (action["block_id"], action["selected_user"]) == ("dana", "UDANA")


@pytest.mark.parametrize("option", ["2D", "2d"])
def test_an_option_is_chosen_by_label_or_value(chosen: Chosen, option: str) -> None:
    chosen.priya.chooses(chosen.message, "later", option)
    assert [action["selected_option"]["value"] for action in chosen.actions] == ["2d"]


@pytest.mark.parametrize(
    ("menu", "option", "beside", "words"),
    [
        ("Snooze", "2d", "", "Priya Patel sees no menu 'Snooze'"),
        ("later", "2d", "carl@", "sees no menu 'later'"),
        ("later", "3d", "", "sees no '3d' in the menu 'Choose'; there are: 1D, 2D"),
        ("assign", "Nobody", "", "sees no 'Nobody'"),
    ],
)
def test_what_is_not_there_cannot_be_chosen(chosen: Chosen, menu: str, option: str, beside: str, words: str) -> None:
    with pytest.raises(NothingToPress, match=words):
        chosen.priya.chooses(chosen.message, menu, option, beside=beside)
    assert chosen.actions == []


def test_a_menu_that_was_drawn_anew_since_is_not_there(slack: Practice, chosen: Chosen) -> None:
    slack.client.chat_update(channel=INCIDENT, ts=chosen.message.ts, text="done", blocks=[section("done")])
    with pytest.raises(OrderFailed):
        chosen.priya.chooses(chosen.message, "later", "2d")
