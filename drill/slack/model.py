"""What a workspace is made of: people, channels, groups, the app, and what they say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

JsonObject = dict[str, Any]
Clock = Callable[[], float]

SLACKBOT = "USLACKBOT"


@dataclass
class User:
    """A person or a bot.

    ``dm_closed`` makes posting in the app's direct message with them fail, ``dm_refusal`` opening it as well,
    with that error.
    """

    id: str
    name: str
    real_name: str
    team_id: str
    email: str | None = None
    tz: str = "Etc/UTC"
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    dm_closed: bool = False
    dm_refusal: str = ""

    def as_slack(self, *, with_email: bool) -> JsonObject:
        """The user object of ``users.info``; without ``users:read.email`` there is no ``profile.email``."""
        profile: JsonObject = {"real_name": self.real_name, "display_name": self.name, "team": self.team_id}
        if with_email and self.email:
            profile["email"] = self.email
        shown: JsonObject = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            # Slack says of its own bot that it is none.
            "is_bot": self.is_bot and self.id != SLACKBOT,
            "is_app_user": False,
            "profile": profile,
        }
        if self.is_stranger:
            shown["is_stranger"] = True
        # Slack leaves the name, the roles and the time zone of a deactivated user out; the profile has the name.
        if not self.deleted:
            offset = datetime.now(UTC).astimezone(ZoneInfo(self.tz)).utcoffset()
            shown |= {
                "real_name": self.real_name,
                "tz": self.tz,
                "tz_label": self.tz,
                "tz_offset": int(offset.total_seconds()) if offset else 0,
                "is_admin": self.is_admin or self.is_owner,
                "is_owner": self.is_owner,
                "is_primary_owner": self.is_owner,
                "is_restricted": self.is_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
            }
        return shown


class ChannelKind(StrEnum):
    """The kinds of conversation, named as Slack's scopes name them."""

    PUBLIC = "channels"
    PRIVATE = "groups"
    DIRECT = "im"


@dataclass
class Channel:
    """A conversation. ``members`` are user ids, the bot's among them where it is a member."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_ext_shared: bool = False
    is_archived: bool = False
    im_with: str | None = None

    @property
    def kind(self) -> ChannelKind:
        """Public, private or a direct message."""
        if self.im_with is not None:
            return ChannelKind.DIRECT
        return ChannelKind.PRIVATE if self.is_private else ChannelKind.PUBLIC

    def as_slack(self, bot_user_id: str) -> JsonObject:
        """The channel object of ``conversations.info``."""
        if self.im_with is not None:
            return {"id": self.id, "is_im": True, "user": self.im_with, "is_archived": self.is_archived}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_private": self.is_private,
            "is_member": bot_user_id in self.members,
            "is_ext_shared": self.is_ext_shared,
            "is_shared": self.is_ext_shared,
            "is_archived": self.is_archived,
        }


@dataclass
class UserGroup:
    """A user group, e.g. ``@secops``."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass
class SlackApp:
    """The installed app: its ids, its tokens, and what its manifest asked for."""

    id: str
    name: str
    bot_id: str
    bot_user_id: str
    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str
    scopes: set[str]
    commands: set[str]
    messages_tab_enabled: bool = True


@dataclass
class Message:
    """One message. ``version`` is the workspace's count of changes when it last changed."""

    channel_id: str
    ts: str
    user_id: str
    text: str
    team_id: str
    version: int
    posted_at: float
    blocks: list[JsonObject] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: JsonObject | None = None
    edited_ts: str | None = None
    deleted: bool = False
    files: list[JsonObject] = field(default_factory=list)

    @property
    def is_reply(self) -> bool:
        """Whether it stands in somebody else's thread."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def as_slack(self, app: SlackApp, *, with_metadata: bool) -> JsonObject:
        """The message as the Web API and interaction payloads carry it."""
        shown: JsonObject = {
            "type": "message",
            "ts": self.ts,
            "user": self.user_id,
            "text": self.text,
            "team": self.team_id,
        }
        if self.deleted:
            return shown | {
                "subtype": "tombstone",
                "hidden": True,
                "user": SLACKBOT,
                "text": "This message was deleted.",
                "thread_ts": self.ts,
            }
        if self.user_id == app.bot_user_id:
            shown |= {"bot_id": app.bot_id, "app_id": app.id}
        if self.blocks:
            shown["blocks"] = self.blocks
        if self.files:
            shown |= {"files": self.files, "upload": True}
        if self.thread_ts is not None:
            shown["thread_ts"] = self.thread_ts
        if self.edited_ts is not None:
            shown["edited"] = {"user": self.user_id, "ts": self.edited_ts}
        if with_metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        return shown


@dataclass
class Ephemeral:
    """Something that one person sees ("Only visible to you"): from the app, or a notice of Slack's own."""

    channel_id: str
    user_id: str
    ts: str
    text: str
    version: int
    blocks: list[JsonObject] = field(default_factory=list)
    thread_ts: str | None = None
    error: str | None = None
    deleted: bool = False

    def as_json(self) -> JsonObject:
        """The ephemeral as orders and the page see it; ``error`` marks a notice of Slack's own."""
        return {
            "type": "ephemeral",
            "ts": self.ts,
            "channel": self.channel_id,
            "user": self.user_id,
            "text": self.text,
            "blocks": self.blocks,
            "thread_ts": self.thread_ts,
            "error": self.error,
            "deleted": self.deleted,
        }
