"""Tells in words what the practice Slack's log has: who typed, pressed or filled in what, and what the bot said.

A message is told in full once. Of one that is drawn anew, only when its notification says something else than
before: that, what is listed or to be copied, and the buttons.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from drill.actors import Slack
from drill.calls import message_of
from drill.messages import Message
from drill.ordering import JsonObject
from drill.plain import pasted, plain, unmarked

_SHOWN_OF_A_LIST = 3
_TRAIL_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC\s+")
_STEP = re.compile(r"Step (\d+), .*: (.*)\.")
_SENTENCE_END = re.compile(r"[.?:](?: |$)")
_CODE_SPAN = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Saying:
    """Some lines to be printed together. `is_aside` marks what may be skipped when it is read aloud."""

    lines: tuple[str, ...]
    is_aside: bool = False


class Retelling:
    """Retells one log, entry by entry, in order."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._notifications: dict[tuple[str, str], str] = {}
        self._asked: set[str] = set()
        self.steps: dict[str, str] = {}
        """How each step stands, by its number."""

    def tell(self, entry: JsonObject) -> Saying | None:
        """What an entry means to somebody who looks on; None where it means nothing to them."""
        if entry["kind"] == "event":
            return self._deed(entry)
        if not entry["ok"]:
            return None
        match entry["method"]:
            case "response_url":
                speaker = f"The bot, to {self._who(entry['answer']['user'])} alone"
                return self._whole(speaker, message_of(entry))
            case "chat.postMessage":
                return self._posted(message_of(entry))
            case "chat.update":
                return self._redrawn(message_of(entry))
            case _:
                return None

    def plain(self, message: Message) -> str:
        """All that a message says, people and channels by name."""
        return plain(message.blocks, self._slack.names())

    # What people do

    def _deed(self, event: JsonObject) -> Saying | None:
        payload = event["payload"]
        if event["type"] == "slash_commands":
            typed = f"{payload['command']} {payload['text']}".strip()
            return _one(f"{self._who(payload['user_id'])} types in #{payload['channel_name']}: {typed}")
        who = self._who(payload["user"]["id"])
        match payload["type"]:
            case "block_actions":
                return _one(f"{who} presses [{payload['actions'][0]['text']['text']}]{self._under(payload)}")
            case "view_submission":
                view = payload["view"]
                return _one(f"{who} fills in “{view['title']['text']}”: {_entered(view)}")
            case _:
                return None

    def _under(self, payload: JsonObject) -> str:
        """Which message a button stands under, in a few words."""
        if "message" not in payload:
            return ""
        message = Message.read(payload["message"], payload["channel"]["id"])
        words = message.title.rpartition(": ")[0] or message.title if message.kind == "step" else message.title
        words = words or _SENTENCE_END.split(self.plain(message).partition("\n")[0])[0]
        return f" under “{words}”" if words else ""

    # What the bot says

    def _posted(self, message: Message) -> Saying:
        self._note(message)
        if message.kind == "audit":
            entries = _counted(_TRAIL_TIME.sub("", entry) for entry in self.plain(message).split("\n"))
            return Saying(("The trail:", *entries), is_aside=True)
        if message.kind == "obligation":
            # Everybody is asked in the same words, but for their address.
            asked = _CODE_SPAN.sub("", "".join(str(block.get("text")) for block in message.blocks))
            if asked in self._asked:
                return _one(f"{self._speaker(message)}: {message.title}", message)
            self._asked.add(asked)
        return self._whole(self._speaker(message), message)

    def _redrawn(self, message: Message) -> Saying | None:
        if not self._note(message):
            return None
        points = [line for line in self.plain(message).split("\n") if line.startswith("• ")]
        to_copy = [line for block in message.blocks for text in pasted(block) for line in text]
        said = f"{self._speaker(message)}, now: {unmarked(message.text, self._slack.names())}"
        return Saying((said, *_shortened(points), *(f"| {line}" for line in to_copy), *_buttons(message)))

    def _note(self, message: Message) -> bool:
        """Remember what a message's notification says; whether that is new."""
        if message.kind == "step" and (found := _STEP.match(message.text)):
            self.steps[found[1]] = found[2]
        before = self._notifications.get((message.channel, message.ts))
        self._notifications[(message.channel, message.ts)] = message.text
        return message.text != before

    def _whole(self, speaker: str, message: Message) -> Saying:
        lines: list[str] = []
        for block in message.blocks:
            if block["type"] == "rich_text":
                lines += _to_copy(block, whole=message.kind != "handover")
            elif text := plain([block], self._slack.names()):
                lines += text.split("\n")
        first, *rest = lines or [unmarked(message.text, self._slack.names())]
        return Saying((f"{speaker}: {first}", *rest, *_buttons(message)))

    def _speaker(self, message: Message) -> str:
        channel = self._slack.workspace.channels[message.channel]
        if channel.im_with is not None:
            return f"The bot, to {self._who(channel.im_with)}"
        return f"The bot, in #{channel.name}" + (", in the thread" if message.thread_ts else "")

    def _who(self, user_id: str) -> str:
        return self._slack.names().get(user_id, user_id)


def _one(line: str, message: Message | None = None) -> Saying:
    return Saying((line, *_buttons(message)) if message else (line,))


def _buttons(message: Message) -> list[str]:
    labels = [f"[{button.label}]" for button in message.buttons]
    return ["  ".join(labels)] if labels else []


def _to_copy(block: JsonObject, *, whole: bool) -> list[str]:
    """Headings, and the lines to be copied behind a bar; of each list its first lines, unless `whole`."""
    lines: list[str] = []
    for element in block["elements"]:
        found = pasted({"elements": [element]})
        if found:
            lines += [f"| {line}" for text in found for line in (text if whole else _shortened(text))]
        else:
            lines += ["".join(str(part.get("text", "")) for part in element["elements"])]
    return lines


def _shortened(items: list[str]) -> list[str]:
    more = len(items) - _SHOWN_OF_A_LIST
    return items if more <= 0 else [*items[:_SHOWN_OF_A_LIST], f"and {more} more"]


def _counted(lines: Iterable[str]) -> list[str]:
    """The lines; those that follow one another and are the same as one, with their number."""
    groups = [(line, sum(1 for _ in same)) for line, same in itertools.groupby(lines)]
    return [line if many == 1 else f"{line} ({many} times)" for line, many in groups]


def _entered(view: JsonObject) -> str:
    values = view["state"]["values"]
    return "; ".join(str(field["value"]) for block in values.values() for field in block.values())
