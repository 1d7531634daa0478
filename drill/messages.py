"""What the people of the practice Slack see: messages, their buttons and menus, and forms."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from drill.ordering import JsonObject
from drill.plain import plain
from drill.slack.inputs import options_of

_KIND = "mailgun_recovery_"
"""What the bot's metadata begins with; the rest says what a message is."""


@dataclass(frozen=True)
class Button:
    """A button as it is drawn now. `action` and `about` are what it asks the bot for."""

    label: str
    action_id: str
    action: str
    about: Mapping[str, str]
    value: str | None
    """What it carries, as it is drawn: a message that was drawn anew may have another button of that `action_id`."""
    beside: str
    """The section that it stands beside, or directly below, if it does."""

    @classmethod
    def read(cls, element: JsonObject, beside: str = "") -> Self:
        """The button that a block's element draws."""
        action_id = str(element["action_id"])
        return cls(
            label=str(element["text"]["text"]),
            action_id=action_id,
            action=_action(action_id),
            about=json.loads(element.get("value") or "{}"),
            value=element.get("value"),
            beside=beside,
        )


@dataclass(frozen=True)
class Menu:
    """A menu as it is drawn now. `action` and `about` are what a choice asks the bot for; `label` is its placeholder.

    A menu of people has no `options` of its own: whoever is in the workspace can be chosen.
    """

    label: str
    action_id: str
    block_id: str
    action: str
    about: Mapping[str, str]
    """What its block's id says, where that is a JSON object."""
    options: tuple[tuple[str, str], ...]
    """Each option's label and value."""
    beside: str
    """The section that it stands in, or the nearest one above it; empty where there is none."""

    @classmethod
    def read(cls, block: JsonObject, element: JsonObject, beside: str) -> Self:
        """The menu that an element of a block draws."""
        action_id = str(element["action_id"])
        block_id = str(block.get("block_id", ""))
        return cls(
            label=str(element.get("placeholder", {}).get("text", "")),
            action_id=action_id,
            block_id=block_id,
            action=_action(action_id),
            about=_mapping(block_id),
            options=tuple((str(o["text"]["text"]), str(o["value"])) for o in options_of(element)),
            beside=beside,
        )


@dataclass(frozen=True)
class Message:
    """A message or a private answer. `kind` is what the bot's metadata calls it: `board`, `step`, ..."""

    channel: str
    ts: str
    text: str
    blocks: tuple[JsonObject, ...]
    kind: str = ""
    thread_ts: str | None = None
    files: tuple[str, ...] = ()
    """The names of the files that it shares."""

    @classmethod
    def read(cls, shown: JsonObject, channel: str) -> Self:
        """The message that `GET /_drill/messages` shows."""
        event_type = str((shown.get("metadata") or {}).get("event_type", ""))
        return cls(
            channel=channel,
            ts=str(shown["ts"]),
            text=str(shown.get("text", "")),
            blocks=tuple(shown.get("blocks") or ()),
            kind=event_type.removeprefix(_KIND),
            thread_ts=shown.get("thread_ts"),
            files=tuple(str(file["name"]) for file in shown.get("files") or ()),
        )

    @property
    def title(self) -> str:
        """Its header, empty where it has none."""
        return next((str(b["text"]["text"]) for b in self.blocks if b["type"] == "header"), "")

    @property
    def words(self) -> str:
        """All that it says, as plain text, ids of people left as they are."""
        return plain(self.blocks) or self.text

    @property
    def buttons(self) -> list[Button]:
        """Its buttons, in the order in which they are shown."""
        return list(_buttons(self.blocks))

    def button(self, label_or_action: str, beside: str = "") -> Button | None:
        """The first button of that label or action, beside a line that says `beside`, in capitals or not; None if there
        is none."""
        for button in self.buttons:
            if label_or_action in (button.label, button.action) and beside.lower() in button.beside.lower():
                return button
        return None

    @property
    def menus(self) -> list[Menu]:
        """Its menus, in the order in which they are shown."""
        return list(_menus(self.blocks))

    def menu(self, label_or_action: str, beside: str = "") -> Menu | None:
        """The first menu of that label or action, beside a line that says `beside`; None if there is none."""
        for menu in self.menus:
            if label_or_action in (menu.label, menu.action) and beside in menu.beside:
                return menu
        return None


@dataclass(frozen=True)
class Form:
    """A modal that somebody has open. `fields` are the ids of what can be filled in."""

    id: str
    title: str
    fields: tuple[str, ...]
    errors: Mapping[str, str]

    @classmethod
    def read(cls, shown: JsonObject) -> Self:
        """The form that `GET /_drill/views` shows."""
        return cls(
            id=str(shown["id"]),
            title=str(shown["title"]["text"]),
            fields=tuple(str(block["block_id"]) for block in shown["blocks"] if block["type"] == "input"),
            errors=shown.get("errors") or {},
        )


def _buttons(blocks: tuple[JsonObject, ...]) -> Iterator[Button]:
    for above, block in zip(({}, *blocks), blocks, strict=False):
        # One further down does not say which line it is about.
        section = block if "accessory" in block else above
        yield from (Button.read(element, _words(section)) for element in _elements(block, "button"))


def _menus(blocks: tuple[JsonObject, ...]) -> Iterator[Menu]:
    section: JsonObject = {}
    for block in blocks:
        section = block if block["type"] == "section" else section
        menus = _elements(block, "static_select", "users_select")
        yield from (Menu.read(block, element, _words(section)) for element in menus)


def _elements(block: JsonObject, *kinds: str) -> list[JsonObject]:
    """The elements of these kinds in a block: those of a row, or what stands beside a section."""
    elements = block["elements"] if block["type"] == "actions" else [block.get("accessory", {})]
    return [element for element in elements if element.get("type") in kinds]


def _words(block: JsonObject) -> str:
    return plain([block]) if block.get("type") == "section" else ""


def _action(action_id: str) -> str:
    """What an `action_id` of the bot's asks for."""
    return action_id.partition(":")[2].partition(":")[0]


def _mapping(text: str) -> Mapping[str, str]:
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
