"""What the people of the practice Slack see: messages, their buttons, and forms."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from drill.ordering import JsonObject
from drill.plain import plain

_KIND = "mailgun_recovery_"
"""What the bot's metadata begins with; the rest says what a message is."""


@dataclass(frozen=True)
class Button:
    """A button as it is drawn now. `action` and `about` are what it asks the bot for."""

    label: str
    action_id: str
    action: str
    about: Mapping[str, str]
    beside: str
    """The line that it stands beside, if it does."""

    @classmethod
    def read(cls, element: JsonObject, beside: str = "") -> Self:
        """The button that a block's element draws."""
        action_id = str(element["action_id"])
        _, _, rest = action_id.partition(":")
        return cls(
            label=str(element["text"]["text"]),
            action_id=action_id,
            action=rest.partition(":")[0],
            about=json.loads(element.get("value") or "{}"),
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
        """The first button of that label or action, beside a line that says `beside`; None if there is none."""
        for button in self.buttons:
            if label_or_action in (button.label, button.action) and beside in button.beside:
                return button
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
    for block in blocks:
        if block["type"] == "actions":
            yield from (Button.read(e) for e in block["elements"] if e["type"] == "button")
        elif block.get("accessory", {}).get("type") == "button":
            yield Button.read(block["accessory"], beside=plain([block]))
