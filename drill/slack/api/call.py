"""One call of a Web API method: who may make it, and its arguments."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

from drill.slack.errors import SlackError
from drill.slack.model import Channel, ChannelKind, JsonObject, User
from drill.slack.state import PracticeSlack
from drill.slack.workspace import Workspace

Item = TypeVar("Item")


class Token(Enum):
    """Which of the app's tokens a method takes."""

    BOT = auto()
    APP = auto()


class Tier(Enum):
    """How many calls a minute Slack takes of a method in that tier of its rate limits, as its page says."""

    TWO = 20.0
    THREE = 50.0
    FOUR = 100.0
    SPECIAL = 200.0
    """Of methods that are in no tier, Slack says that they take hundreds of calls a minute."""


@dataclass(frozen=True)
class Call:
    """A call that is authenticated; arguments that Slack's clients send as JSON text are read on demand."""

    slack: PracticeSlack
    args: JsonObject
    base_url: str

    @property
    def workspace(self) -> Workspace:
        return self.slack.workspace

    # Arguments

    def optional(self, name: str) -> str | None:
        """A text argument, None if it is missing or empty."""
        value = self.args.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool | dict | list):
            raise SlackError("invalid_arguments", f"[ERROR] must provide a string [json-pointer:/{name}]")
        return str(value)

    def text(self, name: str) -> str:
        """A text argument that the method cannot do without."""
        value = self.optional(name)
        if value is None:
            raise SlackError("invalid_arguments", f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """A boolean argument: JSON's, or `1` and `true` in a form."""
        return str(self.args.get(name, "")).lower() in ("1", "true")

    def json(self, name: str) -> Any:
        """A structured argument, as JSON or as JSON text; None if it is missing.

        Raises:
            SlackError: `invalid_<name>_format`, as Slack says of text that is not JSON.
        """
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(f"invalid_{name}_format") from None

    # Who and where

    def require_scope(self, scope: str) -> None:
        """Raise `missing_scope`, as Slack does, unless the app's manifest asked for that scope."""
        provided = self.workspace.app.scopes
        if scope not in provided:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(provided)))

    def user(self, name: str) -> User:
        """The user that an argument names; `user_not_found` if there is none."""
        user = self.workspace.users.get(self.text(name))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def visible_channel(self) -> Channel:
        """The conversation in `channel`, if the bot may know of it; `channel_not_found` if not."""
        channel = self.workspace.channels.get(self.text("channel"))
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.kind is not ChannelKind.PUBLIC and not self.workspace.bot_is_member(channel):
            raise SlackError("channel_not_found")
        return channel

    def joined_channel(self) -> Channel:
        """The conversation in `channel`, if the bot is in it; `not_in_channel` if not."""
        channel = self.visible_channel()
        if not self.workspace.bot_is_member(channel):
            raise SlackError("not_in_channel")
        return channel

    # Paging

    def page(self, items: Sequence[Item], default: int, at_most: int) -> tuple[list[Item], str]:
        """The page of `items` that `cursor` and `limit` ask for, and the cursor of the next or "".

        Raises:
            SlackError: `invalid_limit` or `invalid_cursor`.
        """
        try:
            limit = int(self.optional("limit") or default)
        except ValueError:
            raise SlackError("invalid_limit") from None
        if limit < 0 or limit > at_most:
            raise SlackError("invalid_limit")
        start = _position(self.optional("cursor"))
        end = start + (limit or default)
        return list(items[start:end]), _cursor(end) if end < len(items) else ""


@dataclass(frozen=True)
class Method:
    """A Web API method: its name, what does it, the scope that it always needs, and its tier.

    Only `chat.postMessage` has none: what it takes is counted by channel.
    """

    name: str
    run: Callable[[Call], JsonObject]
    scope: str | None = None
    token: Token = Token.BOT
    tier: Tier | None = None


def _cursor(position: int) -> str:
    return base64.b64encode(f"next:{position}".encode()).decode()


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        word, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next" and position.isdecimal():
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise SlackError("invalid_cursor")
