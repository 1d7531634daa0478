"""`files.*`: what the app uploads. The upload itself goes to the address that the first method gives."""

from drill.slack.api.call import Call, Method, Tier
from drill.slack.api.chat import thread_of
from drill.slack.errors import SlackError
from drill.slack.files import File
from drill.slack.limits import check_text
from drill.slack.model import Channel, JsonObject


def get_upload_url(call: Call) -> JsonObject:
    """`files.getUploadURLExternal`: an address of this practice Slack, and the id of the file to come."""
    name = call.text("filename")
    length = call.text("length")
    if not length.isdecimal() or int(length) == 0:
        raise SlackError("invalid_arguments", "[ERROR] must be more than 0 [json-pointer:/length]")
    file, ticket = call.slack.files.announce(name, int(length))
    return {"upload_url": f"{call.base_url}/upload/v1/{ticket}", "file_id": file.id}


def complete_upload(call: Call) -> JsonObject:
    """`files.completeUploadExternal`: shares uploaded files as one message; without a channel they stay private.

    As with Slack, the answer has no `ts`. A file can be completed once.
    """
    files = [_uploaded(call, asked) for asked in _asked(call)]
    channel = _channel(call)
    thread_ts = thread_of(call, channel) if channel else None
    words = call.optional("initial_comment") or ""
    check_text(words)
    workspace, app = call.workspace, call.workspace.app
    if channel is not None:
        call.slack.limiter.take(f"messages in {channel.id}", workspace.message_rate, workspace.burst)
    shown = [file.as_slack(call.base_url, app.bot_user_id) for file in files]
    for file in files:
        file.is_complete = True
    if channel is not None:
        workspace.post(channel, app.bot_user_id, words, thread_ts=thread_ts, files=shown)
    return {"files": shown}


def _asked(call: Call) -> list[JsonObject]:
    asked = call.json("files")
    if not isinstance(asked, list) or not asked or not all(isinstance(one, dict) and one.get("id") for one in asked):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    return asked


def _uploaded(call: Call, asked: JsonObject) -> File:
    file = call.slack.files.find(str(asked["id"]))
    if file is None or file.content is None or file.is_complete:
        raise SlackError("file_not_found")
    file.title = str(asked.get("title") or "")
    return file


def _channel(call: Call) -> Channel | None:
    channel_id = call.optional("channel_id")
    if channel_id is None:
        return None
    channel = call.workspace.channels.get(channel_id)
    if channel is None or (channel.is_private and not call.workspace.bot_is_member(channel)):
        raise SlackError("invalid_channel")
    if not call.workspace.bot_is_member(channel):
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


METHODS = (
    Method("files.getUploadURLExternal", get_upload_url, "files:write", tier=Tier.FOUR),
    Method("files.completeUploadExternal", complete_upload, "files:write", tier=Tier.FOUR),
)
