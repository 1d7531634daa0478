"""Slack as `recovery.ports.Directory`: who is who, from facts at most ten seconds old."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk import WebClient

from handlers.calls import Calls
from handlers.fresh import Fresh
from handlers.identity import Identity
from recovery.errors import Refused, Uncertain
from recovery.ports import ChannelFacts, Member, MemberPage

_NOBODY = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
_NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found", "no_such_usergroup"})
_SLACKBOT = "USLACKBOT"
_PAGE = 1_000
"""As many people as Slack gives at once: `users.list` may be called only twenty times a minute."""


class SlackDirectory:
    """Asks Slack, at most once in `max_age` seconds for each fact, however many wait for it. Lists are not kept."""

    def __init__(
        self,
        client: WebClient,
        identity: Identity,
        calls: Calls | None = None,
        *,
        max_age: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._identity = identity
        self._calls = calls or Calls()
        self._members: Fresh[Member | None] = Fresh(max_age, monotonic)
        self._emails: Fresh[Member | None] = Fresh(max_age, monotonic)
        self._groups: Fresh[frozenset[str]] = Fresh(max_age, monotonic)
        self._channels: Fresh[ChannelFacts] = Fresh(max_age, monotonic)

    def home_team(self) -> str:
        """The id of the workspace that the bot is installed in. `auth.test`, once."""
        return self._identity.me().team_id

    def member(self, user_id: str) -> Member | None:
        """That user, or None. `users.info`."""
        return self._members.get(user_id, lambda: self._member(user_id))

    def by_email(self, email: str) -> Member | None:
        """The user with that e-mail address, or None. `users.lookupByEmail`."""
        return self._emails.get(email.lower(), lambda: self._by_email(email))

    def everyone(self, cursor: str = "") -> MemberPage:
        """A page of everybody in the workspace, the first without a cursor, asked for each time. `users.list`."""
        home = self.home_team()
        with self._calls.of("users.list"):
            answer = self._client.users_list(limit=_PAGE, cursor=cursor or None)
            users = answer.get("members")
            next_cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not isinstance(users, list):
            raise Uncertain("Slack's answer to users.list has no people in it.")
        return MemberPage(tuple(_as_member(_object(user, "users.list"), home) for user in users), str(next_cursor))

    def group(self, group_id: str) -> frozenset[str]:
        """The user ids in a user group; empty when there is no such group. `usergroups.users.list`."""
        return self._groups.get(group_id, lambda: self._group(group_id))

    def channel(self, channel_id: str) -> ChannelFacts:
        """That channel. `conversations.info`."""
        return self._channels.get(channel_id, lambda: self._channel(channel_id))

    def _member(self, user_id: str) -> Member | None:
        home = self.home_team()
        try:
            with self._calls.of("users.info"):
                user = self._client.users_info(user=user_id).get("user")
        except Refused as refused:
            if refused.code in _NOBODY:
                return None
            raise
        return _as_member(_object(user, "users.info"), home)

    def _by_email(self, email: str) -> Member | None:
        home = self.home_team()
        try:
            with self._calls.of("users.lookupByEmail"):
                user = self._client.users_lookupByEmail(email=email).get("user")
        except Refused as refused:
            if refused.code in _NOBODY:
                return None
            raise
        return _as_member(_object(user, "users.lookupByEmail"), home)

    def _group(self, group_id: str) -> frozenset[str]:
        try:
            with self._calls.of("usergroups.users.list"):
                users = self._client.usergroups_users_list(usergroup=group_id).get("users")
        except Refused as refused:
            if refused.code in _NO_GROUP:
                return frozenset()
            raise
        if not isinstance(users, list):
            raise Uncertain("Slack's answer to usergroups.users.list has no users in it.")
        return frozenset(map(str, users))

    def _channel(self, channel_id: str) -> ChannelFacts:
        try:
            with self._calls.of("conversations.info"):
                channel = self._client.conversations_info(channel=channel_id).get("channel")
        except Refused as refused:
            if refused.code == "channel_not_found":
                return ChannelFacts(channel_id, known=False)
            raise
        return _as_channel(channel_id, _object(channel, "conversations.info"))


def _as_member(user: Mapping[str, Any], home_team: str) -> Member:
    profile = user.get("profile") or {}
    is_bot = bool(user.get("is_bot")) or user.get("id") == _SLACKBOT
    is_active = not user.get("deleted")
    is_guest = any(user.get(mark) for mark in ("is_restricted", "is_ultra_restricted", "is_stranger"))
    team_id = str(user.get("team_id") or "")
    is_full = team_id == home_team and is_active and not is_bot and not is_guest
    return Member(
        id=str(user.get("id") or ""),
        team_id=team_id,
        name=str(profile.get("display_name") or user.get("real_name") or user.get("name") or ""),
        email=profile.get("email"),
        tz=user.get("tz"),
        is_active=is_active,
        is_bot=is_bot,
        is_full=is_full,
        # Another workspace's admin is nobody's admin here.
        is_admin=is_full and any(user.get(role) for role in ("is_admin", "is_owner", "is_primary_owner")),
    )


def _as_channel(channel_id: str, channel: Mapping[str, Any]) -> ChannelFacts:
    is_direct = bool(channel.get("is_im"))
    return ChannelFacts(
        id=channel_id,
        name=str(channel.get("name") or ""),
        # Slack shows the bot no direct message but its own, and says nothing of membership there.
        is_member=is_direct or bool(channel.get("is_member")),
        is_shared_outside=bool(channel.get("is_ext_shared")),
        is_direct=is_direct,
        is_archived=bool(channel.get("is_archived")),
    )


def _object(value: object, method: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Uncertain(f"Slack's answer to {method} lacks what was asked for.")
    return value
