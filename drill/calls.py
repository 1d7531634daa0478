"""What the bot said, read from the practice Slack's log of its calls."""

import json
from dataclasses import dataclass
from typing import Any

from drill.messages import Message
from drill.ordering import JsonObject
from drill.plain import pasted

_STRUCTURED = ("blocks", "metadata")


@dataclass(frozen=True)
class HandedOver:
    """One secret in one accepted message. `label` is the login, or the key's description and role."""

    channel: str
    label: str
    secret: str


def message_of(call: JsonObject) -> Message:
    """The message that an accepted `chat.postMessage`, `chat.update` or `response_url` carried."""
    body, answer = call["body"], call["answer"]
    read = {name: structured(body[name]) for name in _STRUCTURED if body.get(name)}
    return Message.read({**body, **read, "ts": answer.get("ts", "0")}, str(answer["channel"]))


def handed_over(call: JsonObject) -> list[HandedOver]:
    """The secrets that a call sent, by the form of a handover; none for any other call, or a refused one."""
    if call["kind"] != "call" or not call["ok"] or call["method"] != "chat.postMessage":
        return []
    message = message_of(call)
    if message.kind != "handover":
        return []
    lines = [line for block in message.blocks for text in pasted(block) for line in text]
    parts = [line.rpartition("  ") for line in lines]
    return [HandedOver(message.channel, label.strip(), secret) for label, _, secret in parts]


def structured(value: Any) -> Any:
    """A structure that a call carried: slack_sdk sends it as JSON or, in a form, as JSON text."""
    return json.loads(value) if isinstance(value, str) else value
