"""`chat.*`: what the app says."""

from drill.slack.api.call import Call, Method, Tier
from drill.slack.content import Content
from drill.slack.errors import SlackError
from drill.slack.model import Channel, JsonObject, Message


def post_message(call: Call) -> JsonObject:
    """`chat.postMessage`: in a channel, a thread, or (with a user's id) that person's direct message."""
    channel = _writable(call)
    content = _content(call)
    thread_ts = thread_of(call, channel)
    workspace = call.workspace
    call.slack.limiter.take(f"messages in {channel.id}", workspace.message_rate, workspace.burst)
    message = workspace.post(
        channel,
        workspace.app.bot_user_id,
        content.text or "",
        blocks=content.blocks,
        thread_ts=thread_ts,
        metadata=content.metadata or None,
    )
    shown = message.as_slack(workspace.app, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


def post_ephemeral(call: Call) -> JsonObject:
    """`chat.postEphemeral`: to one person in a conversation; `user_not_in_channel` if they are not in it."""
    channel = _writable(call)
    user = call.user("user")
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    content = _content(call)
    thread_ts = thread_of(call, channel)
    ephemeral = call.workspace.whisper(channel, user.id, content.text or "", blocks=content.blocks, thread_ts=thread_ts)
    return {"message_ts": ephemeral.ts}


def update(call: Call) -> JsonObject:
    """`chat.update`: the app's own messages only.

    A text without blocks takes the blocks away; metadata stays unless it is given, `{}` takes it off.
    """
    message = _own_message(call, "cant_update_message")
    content = _content(call)
    text = message.text if content.text is None else content.text
    blocks = content.blocks
    if blocks is None:
        blocks = message.blocks if content.text is None else []
    metadata = message.metadata if content.metadata is None else content.metadata or None
    call.workspace.edit(message, text, blocks, metadata)
    shown = message.as_slack(call.workspace.app, with_metadata=True)
    return {"channel": message.channel_id, "ts": message.ts, "text": text, "message": shown}


def delete(call: Call) -> JsonObject:
    """`chat.delete`: the app's own messages only."""
    message = _own_message(call, "cant_delete_message")
    call.workspace.delete(message)
    return {"channel": message.channel_id, "ts": message.ts}


def get_permalink(call: Call) -> JsonObject:
    """`chat.getPermalink`: a link that the page understands."""
    channel = call.visible_channel()
    message = _standing(call, channel, call.text("message_ts"))
    link = f"{call.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _content(call: Call) -> Content:
    structured = {name: call.json(name) for name in ("blocks", "metadata")}
    return Content.of({"text": call.args.get("text"), **structured})


def _writable(call: Call) -> Channel:
    """The conversation to write into, if the app may."""
    user = call.workspace.users.get(call.text("channel"))
    if user is not None:
        if user.deleted or user.is_bot or user.is_stranger:
            raise SlackError("channel_not_found")
        if call.workspace.dm_with(user.id) is None:
            call.require_scope("im:write")
        channel, _ = call.workspace.open_dm(user.id)
    else:
        channel = call.joined_channel()
    if channel.im_with is not None:
        _check_direct_message(call, channel.im_with)
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def _check_direct_message(call: Call, user_id: str) -> None:
    if not call.workspace.app.messages_tab_enabled:
        raise SlackError("messages_tab_disabled")
    person = call.workspace.users[user_id]
    if person.deleted:
        # What is left of a direct message with somebody who was deactivated can be read, not written.
        raise SlackError("is_archived")
    if person.dm_refusal:
        raise SlackError(person.dm_refusal)
    if person.dm_closed:
        raise SlackError("restricted_action")


def thread_of(call: Call, channel: Channel) -> str | None:
    """The thread that a call names in `thread_ts`; `thread_not_found` if there is none."""
    thread_ts = call.optional("thread_ts")
    if thread_ts is None:
        return None
    parent = call.workspace.message(channel.id, thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.is_reply:
        raise SlackError("cannot_reply_to_message")
    return thread_ts


def _standing(call: Call, channel: Channel, ts: str) -> Message:
    message = call.workspace.message(channel.id, ts)
    if message is None or message.deleted:
        raise SlackError("message_not_found")
    return message


def _own_message(call: Call, refusal: str) -> Message:
    message = _standing(call, call.joined_channel(), call.text("ts"))
    if message.user_id != call.workspace.app.bot_user_id:
        raise SlackError(refusal)
    return message


METHODS = (
    Method("chat.postMessage", post_message, "chat:write"),
    Method("chat.postEphemeral", post_ephemeral, "chat:write", tier=Tier.FOUR),
    Method("chat.update", update, "chat:write", tier=Tier.THREE),
    Method("chat.delete", delete, "chat:write", tier=Tier.THREE),
    Method("chat.getPermalink", get_permalink, tier=Tier.SPECIAL),
)
