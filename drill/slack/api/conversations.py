"""`conversations.*`: where people talk, and what was said there."""

from collections.abc import Iterable

from drill.slack.api.call import Call, Method, Tier
from drill.slack.errors import SlackError
from drill.slack.model import Channel, JsonObject, Message

_AT_MOST = 999


def info(call: Call) -> JsonObject:
    """`conversations.info`: also of public channels that the bot is not in."""
    channel = call.visible_channel()
    call.require_scope(f"{channel.kind}:read")
    return {"channel": channel.as_slack(call.workspace.app.bot_user_id)}


def members(call: Call) -> JsonObject:
    """`conversations.members`, in pages."""
    channel = call.visible_channel()
    call.require_scope(f"{channel.kind}:read")
    ids, cursor = call.page(channel.members, default=100, at_most=1000)
    return {"members": ids, "response_metadata": {"next_cursor": cursor}}


def open_conversation(call: Call) -> JsonObject:
    """`conversations.open`: the app's direct message with one person, the same each time."""
    named = call.optional("users")
    if named is None:
        raise SlackError("users_list_not_supplied")
    if "," in named:
        raise SlackError("invalid_arguments", "[ERROR] this practice Slack opens no group messages")
    user = call.user("users")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("user_disabled")
    if user.is_stranger:
        raise SlackError("user_not_visible")
    if user.dm_refusal:
        raise SlackError(user.dm_refusal)
    channel, was_open = call.workspace.open_dm(user.id)
    shown: JsonObject = {"id": channel.id}
    if call.flag("return_im"):
        shown = channel.as_slack(call.workspace.app.bot_user_id)
    return {"channel": shown} | ({"no_op": True, "already_open": True} if was_open else {})


def history(call: Call) -> JsonObject:
    """`conversations.history`: the messages outside of threads, newest first, in pages."""
    channel = _readable(call)
    standing = [message for message in _settled(call, channel) if not message.is_reply]
    newest_first = sorted(_between(call, standing), key=lambda message: message.ts, reverse=True)
    messages, cursor = call.page(newest_first, default=100, at_most=_AT_MOST)
    return _page_of(call, messages, cursor)


def replies(call: Call) -> JsonObject:
    """`conversations.replies`: a thread's first message, on every page, and its replies, oldest first."""
    channel = _readable(call)
    parent = call.workspace.message(channel.id, call.text("ts"))
    if parent is None or parent not in (settled := _settled(call, channel)):
        raise SlackError("thread_not_found")
    if parent.is_reply:
        return _page_of(call, [parent], "")
    thread = [message for message in settled if message.is_reply and message.thread_ts == parent.ts]
    messages, cursor = call.page(list(_between(call, thread)), default=_AT_MOST, at_most=1000)
    return _page_of(call, [parent, *messages], cursor)


def shown_message(call: Call, message: Message, *, with_metadata: bool) -> JsonObject:
    """The message with what Slack adds to it in a conversation: its thread's numbers."""
    shown = message.as_slack(call.workspace.app, with_metadata=with_metadata)
    if message.is_reply and message.thread_ts is not None:
        parent = call.workspace.message(message.channel_id, message.thread_ts)
        return shown | ({"parent_user_id": parent.user_id} if parent is not None else {})
    answers = call.workspace.replies_to(message)
    if answers:
        people = list(dict.fromkeys(reply.user_id for reply in answers))
        shown |= {
            "thread_ts": message.ts,
            "reply_count": len(answers),
            "reply_users": people,
            "reply_users_count": len(people),
            "latest_reply": answers[-1].ts,
        }
    return shown


def _readable(call: Call) -> Channel:
    channel = call.visible_channel()
    call.require_scope(f"{channel.kind}:history")
    return call.joined_channel()


def _settled(call: Call, channel: Channel) -> list[Message]:
    """The messages that stand, deleted heads of threads included, save those that Slack is slow to show."""
    workspace = call.workspace
    return [
        message
        for message in workspace.messages(channel.id)
        if message.posted_at + workspace.lag <= workspace.clock()
        and (not message.deleted or workspace.replies_to(message))
    ]


def _between(call: Call, messages: Iterable[Message]) -> Iterable[Message]:
    oldest, latest = _timestamp(call, "oldest"), _timestamp(call, "latest")
    inclusive = call.flag("inclusive")
    for message in messages:
        at = float(message.ts)
        after = oldest is None or at > oldest or (inclusive and at == oldest)
        before = latest is None or at < latest or (inclusive and at == latest)
        if after and before:
            yield message


def _timestamp(call: Call, name: str) -> float | None:
    given = call.optional(name)
    try:
        return None if given is None else float(given)
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _page_of(call: Call, messages: list[Message], cursor: str) -> JsonObject:
    with_metadata = call.flag("include_all_metadata")
    shown = [shown_message(call, message, with_metadata=with_metadata) for message in messages]
    page: JsonObject = {"messages": shown, "has_more": bool(cursor)}
    return page | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


METHODS = (
    Method("conversations.info", info, tier=Tier.THREE),
    Method("conversations.members", members, tier=Tier.FOUR),
    Method("conversations.open", open_conversation, "im:write", tier=Tier.THREE),
    Method("conversations.history", history, tier=Tier.THREE),
    Method("conversations.replies", replies, tier=Tier.THREE),
)
