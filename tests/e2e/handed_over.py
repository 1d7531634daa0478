"""Handovers as Slack accepted them: which secret was sent for what, in which message."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from drill.actors import Slack
from drill.ordering import JsonObject

HANDOVER = "mailgun_recovery_handover"


@dataclass(frozen=True)
class Sent:
    """One secret in one accepted message: the group and the label that it stood under."""

    channel: str
    ts: str
    heading: str
    label: str
    secret: str


def accepted(slack: Slack, *methods: str) -> list[JsonObject]:
    """The calls that Slack accepted, of these methods or of all that carry words, blocks and metadata read."""
    wanted = methods or ("chat.postMessage", "chat.update", "chat.postEphemeral", "response_url", "views.open")
    calls = [entry for entry in slack.log() if entry["kind"] == "call" and entry["ok"] and entry["method"] in wanted]
    return [call | {"body": _read(call["body"])} for call in calls]


def handover_posts(slack: Slack) -> list[JsonObject]:
    """The accepted messages that were handovers when they were posted, in order."""
    posts = accepted(slack, "chat.postMessage")
    return [post for post in posts if (post["body"].get("metadata") or {}).get("event_type") == HANDOVER]


def handed_over(slack: Slack) -> list[Sent]:
    """Every secret that Slack accepted, in the order of its messages."""
    return [sent for post in handover_posts(slack) for sent in _secrets_of(post)]


def last_for_each(sent: Iterable[Sent]) -> dict[tuple[str, str], str]:
    """The secret in the last message that names each (heading, label)."""
    return {(one.heading, one.label): one.secret for one in sent}


def _secrets_of(post: JsonObject) -> Iterable[Sent]:
    heading = ""
    for block in post["body"]["blocks"]:
        for element in block.get("elements", ()) if block["type"] == "rich_text" else ():
            text = "".join(str(part.get("text", "")) for part in element["elements"])
            if element["type"] != "rich_text_preformatted":
                heading = text
                continue
            for line in text.split("\n"):
                label, _, secret = line.rpartition("  ")
                yield Sent(post["answer"]["channel"], post["answer"]["ts"], heading, label, secret)


def _read(body: JsonObject) -> JsonObject:
    """What clients send as JSON text, read."""
    texts = {name: json.loads(body[name]) for name in ("blocks", "metadata") if isinstance(body.get(name), str)}
    return body | {name: value for name, value in texts.items() if value}
