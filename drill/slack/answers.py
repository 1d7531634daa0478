"""The app's answers to commands and clicks: beside an acknowledgement, or through a `response_url`."""

from drill.slack.content import Content
from drill.slack.errors import SlackError
from drill.slack.model import Ephemeral, JsonObject, Message
from drill.slack.tickets import ResponseUrl
from drill.slack.workspace import Workspace


def apply_answer(workspace: Workspace, to: ResponseUrl, answer: JsonObject) -> None:
    """Do what an answer says: show something to the person or the channel, or change what was clicked on.

    It needs no membership of the bot: the person's command or click is the permission.

    Raises:
        SlackError: what is wrong with the content.
    """
    if answer.get("delete_original"):
        _remove(workspace, _source(workspace, to))
        return
    content = Content.of(answer)
    if answer.get("replace_original"):
        _replace(workspace, _source(workspace, to), content)
        return
    channel = workspace.channels[to.channel_id]
    text, blocks, thread_ts = content.text or "", content.blocks, answer.get("thread_ts")
    if answer.get("response_type", "ephemeral") == "in_channel":
        workspace.post(channel, workspace.app.bot_user_id, text, blocks=blocks, thread_ts=thread_ts)
    else:
        workspace.whisper(channel, to.user_id, text, blocks=blocks, thread_ts=thread_ts)


def _source(workspace: Workspace, to: ResponseUrl) -> Message | Ephemeral:
    if to.source_ts is not None:
        found = workspace.message(to.channel_id, to.source_ts) or workspace.ephemeral(to.source_ts)
        if found is not None and not found.deleted:
            return found
    raise SlackError("message_not_found", status=404)


def _remove(workspace: Workspace, source: Message | Ephemeral) -> None:
    if isinstance(source, Message):
        workspace.delete(source)
    else:
        workspace.dismiss(source)


def _replace(workspace: Workspace, source: Message | Ephemeral, content: Content) -> None:
    text, blocks = content.text or "", content.blocks or []
    if isinstance(source, Message):
        workspace.edit(source, text, blocks, source.metadata)
    else:
        workspace.replace_ephemeral(source, text, blocks)
