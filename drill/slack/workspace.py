"""The workspace: who and what is in it, and every change to it."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from drill.slack.model import Channel, Clock, Ephemeral, JsonObject, Message, SlackApp, User, UserGroup


@dataclass
class Workspace:
    """A Slack workspace in memory.

    All of it is changed by one event loop, so nothing is locked. ``message_rate`` is messages a second in
    one channel after ``burst`` at once (0: no limit), ``method_rates`` calls a minute of a Web API method,
    ``lag`` the seconds until a message shows in ``conversations.history`` and ``.replies``. With ``tiers``
    the methods have the rates of Slack's tiers, where ``method_rates`` names no other.
    With a ``request_url`` the app is in HTTP mode.
    """

    team_id: str
    name: str
    domain: str
    app: SlackApp
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    usergroups: dict[str, UserGroup] = field(default_factory=dict)
    message_rate: float = 1.0
    burst: int = 20
    lag: float = 0.0
    method_rates: dict[str, float] = field(default_factory=dict)
    tiers: bool = False
    trigger_seconds: float = 3.0
    ack_seconds: float = 3.0
    request_url: str | None = None
    clock: Clock = time.time
    version: int = 1
    _messages: dict[str, dict[str, Message]] = field(default_factory=dict)
    _ephemerals: dict[str, Ephemeral] = field(default_factory=dict)
    _last_ts: int = 0

    def touch(self) -> int:
        """Count a change, so that whoever polls the feed sees that there was one."""
        self.version += 1
        return self.version

    def next_ts(self) -> str:
        """A message timestamp: unique in the workspace, later than every earlier one."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    # People and conversations

    def user_by_email(self, email: str) -> User | None:
        """The active person of this team with that address; Slack does not find deactivated ones."""
        for user in self.users.values():
            is_found = user.team_id == self.team_id and not user.deleted and not user.is_bot
            if is_found and user.email and user.email.lower() == email.lower():
                return user
        return None

    def dm_with(self, user_id: str) -> Channel | None:
        """The app's direct message with that person, if it was ever opened."""
        return self.channels.get(_dm_id(user_id))

    def open_dm(self, user_id: str) -> tuple[Channel, bool]:
        """The app's direct message with that person, and whether it was open already."""
        existing = self.dm_with(user_id)
        if existing is not None:
            return existing, True
        members = [user_id, self.app.bot_user_id]
        channel = Channel(_dm_id(user_id), "directmessage", members=members, im_with=user_id)
        self.channels[channel.id] = channel
        self.touch()
        return channel, False

    def bot_is_member(self, channel: Channel) -> bool:
        """Whether the app's bot user is in that conversation."""
        return self.app.bot_user_id in channel.members

    # Messages

    def post(
        self,
        channel: Channel,
        user_id: str,
        text: str,
        *,
        blocks: list[JsonObject] | None = None,
        thread_ts: str | None = None,
        metadata: JsonObject | None = None,
        files: list[JsonObject] | None = None,
    ) -> Message:
        """Add a message to a conversation."""
        message = Message(
            channel_id=channel.id,
            ts=self.next_ts(),
            user_id=user_id,
            text=text,
            team_id=self.users[user_id].team_id,
            version=self.touch(),
            posted_at=self.clock(),
            blocks=with_ids(blocks or []),
            thread_ts=thread_ts,
            metadata=metadata,
            files=files or [],
        )
        self._messages.setdefault(channel.id, {})[message.ts] = message
        if thread_ts is not None and (parent := self.message(channel.id, thread_ts)) is not None:
            parent.thread_ts = parent.ts
            parent.version = message.version
        return message

    def message(self, channel_id: str, ts: str) -> Message | None:
        """The message with that timestamp, deleted or not."""
        return self._messages.get(channel_id, {}).get(ts)

    def messages(self, channel_id: str) -> list[Message]:
        """Every message of a conversation, oldest first, deleted ones included."""
        return list(self._messages.get(channel_id, {}).values())

    def replies_to(self, message: Message) -> list[Message]:
        """The replies in its thread that still stand, oldest first."""
        return [
            reply
            for reply in self.messages(message.channel_id)
            if reply.thread_ts == message.ts and reply.is_reply and not reply.deleted
        ]

    def edit(self, message: Message, text: str, blocks: list[JsonObject], metadata: JsonObject | None) -> None:
        """Replace what a message says and mark it as edited."""
        message.text, message.blocks, message.metadata = text, with_ids(blocks), metadata
        message.edited_ts = self.next_ts()
        message.version = self.touch()

    def delete(self, message: Message) -> None:
        """Take a message away; one with replies leaves a tombstone at the head of its thread."""
        message.deleted = True
        message.version = self.touch()

    # What one person sees

    def whisper(
        self,
        channel: Channel,
        user_id: str,
        text: str,
        *,
        blocks: list[JsonObject] | None = None,
        thread_ts: str | None = None,
        error: str | None = None,
    ) -> Ephemeral:
        """Show something to one person in a conversation."""
        ephemeral = Ephemeral(
            channel_id=channel.id,
            user_id=user_id,
            ts=self.next_ts(),
            text=text,
            version=self.touch(),
            blocks=with_ids(blocks or []),
            thread_ts=thread_ts,
            error=error,
        )
        self._ephemerals[ephemeral.ts] = ephemeral
        return ephemeral

    def ephemeral(self, ts: str) -> Ephemeral | None:
        """The ephemeral with that id, dismissed or not."""
        return self._ephemerals.get(ts)

    def ephemerals(self, channel_id: str, user_id: str) -> Iterator[Ephemeral]:
        """What that person was shown in that conversation, oldest first, dismissed ones included."""
        for ephemeral in self._ephemerals.values():
            if ephemeral.channel_id == channel_id and ephemeral.user_id == user_id:
                yield ephemeral

    def replace_ephemeral(self, ephemeral: Ephemeral, text: str, blocks: list[JsonObject]) -> None:
        """Show something else in its place."""
        ephemeral.text, ephemeral.blocks = text, with_ids(blocks)
        ephemeral.version = self.touch()

    def dismiss(self, ephemeral: Ephemeral) -> None:
        """Take it out of that person's sight."""
        ephemeral.deleted = True
        ephemeral.version = self.touch()


def with_ids(blocks: list[JsonObject]) -> list[JsonObject]:
    """The blocks as Slack keeps them: each with a block id, each interactive element with an action id."""
    return [_with_ids(block) for block in blocks]


def _with_ids(block: JsonObject) -> JsonObject:
    kept = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)}
    if block["type"] == "actions":
        kept["elements"] = [_with_action_id(element) for element in block["elements"]]
    if block["type"] == "input":
        kept["element"] = _with_action_id(block["element"])
    if "accessory" in block and block["accessory"]["type"] != "image":
        kept["accessory"] = _with_action_id(block["accessory"])
    return kept


def _with_action_id(element: JsonObject) -> JsonObject:
    return {**element, "action_id": element.get("action_id") or secrets.token_urlsafe(4)}


def _dm_id(user_id: str) -> str:
    # Made from the user's id, so that two runs of a drill name the same direct message alike.
    return f"D{user_id[1:]}"
