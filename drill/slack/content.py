"""What a message says, as the app sends it: text, blocks, metadata, checked as Slack checks them."""

from dataclasses import dataclass

from drill.slack.errors import SlackError
from drill.slack.limits import check_message_blocks, check_text
from drill.slack.model import JsonObject


@dataclass(frozen=True)
class Content:
    """What was sent; None is what was not mentioned, which `chat.update` treats unlike what is empty."""

    text: str | None
    blocks: list[JsonObject] | None
    metadata: JsonObject | None

    @classmethod
    def of(cls, args: JsonObject) -> "Content":
        """The content of a call or an answer whose JSON values are parsed.

        Raises:
            SlackError: `no_text`, `msg_too_long`, `invalid_blocks`, `msg_blocks_too_long` or
                `invalid_metadata_format`.
        """
        text = args.get("text")
        if text is not None and not isinstance(text, str):
            raise SlackError("invalid_arguments", "[ERROR] must provide a string [json-pointer:/text]")
        check_text(text or "")
        blocks = args.get("blocks")
        checked = None if blocks is None else check_message_blocks(blocks)
        metadata = args.get("metadata")
        if metadata is not None:
            _check_metadata(metadata)
        if not (text or "").strip() and not checked:
            raise SlackError("no_text")
        return cls(text, checked, metadata)


def _check_metadata(metadata: object) -> None:
    # An empty object takes the metadata off a message.
    if metadata == {}:
        return
    if (
        not isinstance(metadata, dict)
        or not isinstance(metadata.get("event_type"), str)
        or not isinstance(metadata.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_format")
