"""The trail as it stands in Slack: what a message says of the entries that it holds."""

from collections.abc import Mapping
from typing import Any

from handlers.blocks.trail import as_shown
from recovery.content import MarkerKind
from recovery.ports import TrailMessage

PREFIX = "mailgun_recovery_"
"""What the `event_type` of the bot's metadata begins with; the kind of message follows."""

_PLAIN = (None, "bot_message", "thread_broadcast")


def trail_message(message: Mapping[str, Any], *, is_ours: bool) -> TrailMessage | None:
    """The message, if it carries the trail's metadata, or is the bot's own and carries none at all.

    What Slack itself says in the bot's name (that it joined), and files, never carry any.
    """
    metadata = message.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    payload = metadata.get("event_payload")
    if metadata.get("event_type") == f"{PREFIX}{MarkerKind.AUDIT}" and isinstance(payload, Mapping):
        key, hashes = str(payload.get("key") or "?"), _hashes(payload)
    elif is_ours and not metadata and not _has_files(message) and message.get("subtype") in _PLAIN:
        key, hashes = "", {}
    else:
        return None
    return TrailMessage(
        str(message.get("ts")), is_ours, key, hashes, is_edited=bool(message.get("edited")), shown=as_shown(message)
    )


def _hashes(payload: Mapping[str, Any]) -> dict[int, str]:
    first, last, hashes = payload.get("first"), payload.get("last"), payload.get("hashes")
    if not isinstance(first, int) or not isinstance(last, int) or not isinstance(hashes, list):
        return {}
    if first < 1 or len(hashes) != last - first + 1:
        return {}
    return dict(zip(range(first, last + 1), map(str, hashes), strict=True))


def _has_files(message: Mapping[str, Any]) -> bool:
    return bool(message.get("files") or message.get("x_files") or message.get("upload"))
