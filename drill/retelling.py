"""Tells in words what the practice Slack's log has: who typed, pressed or filled in what, and what the bot said.

A message is told in full once. Of one that is drawn anew, only when its notification says something else than
before: that, what is listed or to be copied, and the buttons. What is said to many, or done by many, in the same
words, has an `Echo`, so that it need not be told each time.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from drill.actors import Slack
from drill.calls import message_of
from drill.messages import Message
from drill.ordering import JsonObject
from drill.plain import pasted, plain, unmarked

_SHOWN_OF_A_LIST = 3
_LISTS = ("strays", "summary")
"""Messages that have a row with buttons for each of several people."""
_TRAIL_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC\s+")
_STEP = re.compile(r"Step (\d+), .*: (.*)\.")
_SENTENCE_END = re.compile(r"[.?:](?: |$)")
_CODE_SPAN = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Echo:
    """How to tell of something that was told before in the same words: of whom, and in which words for all of them.

    What has the same `key` is the same. `words` has places for the `{names}`, and for the `{es}` of a verb where there
    is one of them.
    `lasts` says that it is the same also much later.
    """

    key: str
    who: str
    words: str
    lasts: bool = False


@dataclass(frozen=True)
class Saying:
    """Some lines to be printed together. `is_aside` marks what may be skipped when it is read aloud."""

    lines: tuple[str, ...]
    is_aside: bool = False
    echo: Echo | None = None
    is_deed: bool = False


class Retelling:
    """Retells one log, entry by entry, in order."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._notifications: dict[tuple[str, str], str] = {}
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
                return self._answered(self._who(entry["answer"]["user"]), message_of(entry))
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
            where = "a direct message" if payload["channel_name"] == "directmessage" else f"#{payload['channel_name']}"
            return Saying((f"{self._who(payload['user_id'])} types in {where}: {typed}",), is_deed=True)
        who = self._who(payload["user"]["id"])
        match payload["type"]:
            case "block_actions":
                return self._clicked(who, payload)
            case "view_submission":
                view = payload["view"]
                return Saying((f"{who} fills in “{view['title']['text']}”: {_entered(view)}",), is_deed=True)
            case _:
                return None

    def _clicked(self, who: str, payload: JsonObject) -> Saying:
        action = payload["actions"][0]
        under = self._under(payload)
        if action["type"] == "button":
            label = f"[{action['text']['text']}]"
            echo = Echo(f"press {label}{under}", who, f"{{names}} press{{es}} {label} too.")
            return Saying((f"{who} presses {label}{self._beside(payload)}{under}",), echo=echo, is_deed=True)
        menu = f"[{action['placeholder']['text']}]"
        chosen = action.get("selected_option", {}).get("text", {}).get("text")
        chosen = chosen or self._who(str(action.get("selected_user")))
        return Saying((f"{who} chooses “{chosen}” from {menu}{self._beside(payload)}{under}",), is_deed=True)

    def _beside(self, payload: JsonObject) -> str:
        """Which line of a list a button or menu stands beside, by what is most its own: the address in it."""
        if "message" not in payload:
            return ""
        pressed = payload["actions"][0]
        section: JsonObject = {}
        for block in payload["message"]["blocks"]:
            if block.get("block_id") == pressed["block_id"]:
                section = block if "accessory" in block else section
                break
            section = block if block["type"] == "section" else {}
        found = _CODE_SPAN.search(str(section.get("text", {}).get("text", "")))
        has_rows = Message.read(payload["message"], "").kind in _LISTS
        return f" beside {found[0].strip('`')}" if found and has_rows else ""

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
            entries = (_TRAIL_TIME.sub("", entry) for entry in self.plain(message).split("\n"))
            return Saying(("The trail:", *entries), is_aside=True)
        whole = self._whole(self._speaker(message), message)
        if message.kind == "checklist":
            return replace(whole, echo=self._echo(message, "The bot asks the same of {names}.", lasts=True))
        if message.kind == "reminder":
            return replace(whole, echo=self._echo(message, "The bot says the same to {names}."))
        return whole

    def _answered(self, who: str, message: Message) -> Saying:
        whole = self._whole(f"The bot, to {who} alone", message)
        return replace(whole, echo=Echo(f"answer {message.words}", who, "The bot answers the same to {names}."))

    def _echo(self, message: Message, words: str, *, lasts: bool = False) -> Echo:
        """People are told the same but for their addresses."""
        texts = [text for block in message.blocks for text in (block.get("text"), *block.get("elements", ()))]
        said = "".join(str((text or {}).get("text")) for text in texts)
        whom = self._slack.workspace.channels[message.channel].im_with
        return Echo(f"{message.kind} {_CODE_SPAN.sub('', said)}", self._who(str(whom)), words, lasts)

    def _redrawn(self, message: Message) -> Saying | None:
        if not self._note(message):
            return None
        points = [line for line in self.plain(message).split("\n") if line.startswith(("• ", "☐ "))]
        to_copy = [line for block in message.blocks for text in pasted(block) for line in text]
        now = unmarked(message.text, self._slack.names())
        # What is left of a person's message or of a list was told when it was posted.
        buttons = () if message.kind in ("checklist", *_LISTS) else _buttons(message)
        lines = (f"{self._speaker(message)}, now: {now}", *_shortened(points), *(f"| {line}" for line in to_copy))
        whom = self._slack.workspace.channels[message.channel].im_with
        echo = Echo(f"now {now}", self._who(whom), f"The bot, to {{names}}, now: {now}") if whom else None
        return Saying((*lines, *buttons), echo=echo)

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


def _buttons(message: Message) -> tuple[str, ...]:
    """What can be pressed and chosen; in a list, what stands beside each line once."""
    labels = [f"[{button.label}]" for button in message.buttons] + [f"[{menu.label} ▾]" for menu in message.menus]
    return ("  ".join(dict.fromkeys(labels)),) if labels else ()


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


def counted(lines: Iterable[str]) -> list[str]:
    """The lines; those that follow one another and are the same as one, with their number."""
    groups = [(line, sum(1 for _ in same)) for line, same in itertools.groupby(lines)]
    return [line if many == 1 else f"{line} ({many} times)" for line, many in groups]


def _entered(view: JsonObject) -> str:
    values = view["state"]["values"]
    return "; ".join(str(field["value"]) for block in values.values() for field in block.values())
