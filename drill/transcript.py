"""The transcript: who says what to whom in the practice Slack, printed as it happens, without secrets.

It reads the practice Slack's own log. A message is told in full once; of what is redrawn later, only that the
message says something else now. Whatever is a secret is shown as `••••••••`.
"""

import itertools
import json
import re
import time
from collections.abc import Iterable

from rich.console import Console
from rich.status import Status
from rich.text import Text

from drill.actors import Slack
from drill.messages import Message
from drill.ordering import JsonObject
from drill.plain import pasted, plain, unmarked

MASK = "••••••••"
INDENT = " " * 6
_SHOWN_OF_A_LIST = 3
_TRAIL_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC\s+")
_STEP_DONE = re.compile(r"Step (\d+), .*: (.*)\.")
_SENTENCE_END = re.compile(r"[.?:](?: |$)")
_SPAN = re.compile(r"`[^`]*`")
STEPS = 6


class Transcript:
    """Prints what happens. `secrets` are those that exist from the start; handovers are known by their form."""

    def __init__(self, slack: Slack, console: Console, secrets: Iterable[str] = ()) -> None:
        self._slack = slack
        self._console = console
        self._secrets = [secret for secret in secrets if secret]
        self._began = time.monotonic()
        self._read = 0
        self._texts: dict[tuple[str, str], str] = {}
        self._asked: set[str] = set()
        self._steps: dict[str, str] = {}
        self._status: Status | None = None

    # While it runs

    def __enter__(self) -> "Transcript":
        if self._console.is_terminal:
            self._status = self._console.status(self.progress)
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    @property
    def progress(self) -> str:
        """How many steps are done, and the time since the beginning."""
        settled = sum(status in ("done", "skipped") for status in self._steps.values())
        return f"{settled} of {STEPS} steps settled, {_clock(self.seconds)}"

    def catch_up(self) -> None:
        """Print what was said since the last time."""
        for entry in self._slack.log(self._read):
            self._read = int(entry["seq"])
            if entry["kind"] == "event":
                self._tell_deed(entry)
            elif entry["ok"]:
                self._tell_words(entry)
        if self._status is not None:
            self._status.update(self.progress)

    def heading(self, words: str) -> None:
        """Print what the next part is about."""
        self.catch_up()
        self._console.print()
        self._console.print(Text(words, style="bold"))

    def narrate(self, words: str) -> None:
        """Print something that happens outside Slack."""
        self.catch_up()
        self._print([f"({words})"], "italic")

    def show(self, message: Message) -> None:
        """Print a message as it stands now."""
        self._console.print()
        self._console.print(Text(self._masked(plain(message.blocks, self._slack.names()))))

    # What people do

    def _tell_deed(self, event: JsonObject) -> None:
        payload = event["payload"]
        if event["type"] == "slash_commands":
            typed = f"{payload['command']} {payload['text']}".strip()
            self._print([f"{self._who(payload['user_id'])} types in #{payload['channel_name']}: {typed}"])
            return
        who = self._who(payload["user"]["id"])
        if payload["type"] == "block_actions":
            pressed = payload["actions"][0]["text"]["text"]
            self._print([f"{who} presses [{pressed}]{self._under(payload)}"])
        elif payload["type"] == "view_submission":
            title = payload["view"]["title"]["text"]
            self._print([f"{who} fills in “{title}”: {_entered(payload['view'])}"])

    def _under(self, payload: JsonObject) -> str:
        message = Message.read(payload.get("message") or {"ts": "0"}, payload["channel"]["id"])
        if message.kind in ("step", "obligation"):
            return f" under “{message.title.rpartition(': ')[0] or message.title}”"
        first = plain(message.blocks, self._slack.names()).partition("\n")[0]
        return f" under “{_SENTENCE_END.split(first)[0]}”" if first else ""

    # What the bot says

    def _tell_words(self, call: JsonObject) -> None:
        method, body = call["method"], call["body"]
        if method == "response_url":
            answer = call["answer"]
            shown = Message.read({**body, "ts": "0"}, answer["channel"])
            self._print_message(f"The bot, to {self._who(answer['user'])} alone", shown)
        elif method == "chat.postMessage":
            message = _carried(body, call["answer"])
            self._texts[(message.channel, message.ts)] = message.text
            self._note_step(message)
            self._tell_new(message)
        elif method == "chat.update":
            message = _carried(body, call["answer"])
            before = self._texts.get((message.channel, message.ts))
            self._texts[(message.channel, message.ts)] = message.text
            self._note_step(message)
            if message.text != before:
                stuck = _shortened([line for line in message.words.split("\n") if line.startswith("• ")])
                said = unmarked(message.text, self._slack.names())
                self._print([f"{self._from(message)}, now: {said}", *stuck], buttons=message)

    def _tell_new(self, message: Message) -> None:
        if message.kind == "audit":
            entries = plain(message.blocks, self._slack.names()).split("\n")
            self._print(["The trail:", *_counted(_TRAIL_TIME.sub("", entry) for entry in entries)], "dim")
        elif message.kind == "obligation" and (form := _SPAN.sub("", _raw(message))) in self._asked:
            self._print([f"{self._from(message)}: {message.title}"], buttons=message)
        else:
            if message.kind == "obligation":
                self._asked.add(form)
            self._print_message(self._from(message), message)

    def _from(self, message: Message) -> str:
        channel = self._slack.workspace.channels[message.channel]
        if channel.im_with is not None:
            return f"The bot, to {self._who(channel.im_with)}"
        return f"The bot, in #{channel.name}" + (", in the thread" if message.thread_ts else "")

    def _print_message(self, speaker: str, message: Message) -> None:
        lines = self._lines(message)
        self._print([f"{speaker}: {lines[0]}", *lines[1:]], buttons=message)

    def _lines(self, message: Message) -> list[str]:
        lines: list[str] = []
        for block in message.blocks:
            copied = pasted(block)
            if not copied:
                lines += plain([block], self._slack.names()).split("\n") if plain([block]) else []
            elif message.kind == "handover":
                lines += _handed_over(block)
            else:
                lines += [f"| {line}" for text in copied for line in text]
        return lines or [unmarked(message.text, self._slack.names())]

    def _note_step(self, message: Message) -> None:
        if message.kind == "step" and (found := _STEP_DONE.match(message.text)):
            self._steps[found[1]] = found[2]

    # Printing

    def _print(self, lines: list[str], style: str = "", buttons: Message | None = None) -> None:
        drawn = "  ".join(f"[{button.label}]" for button in buttons.buttons) if buttons else ""
        first, *rest = [*lines, drawn] if drawn else lines
        text = "\n".join([f"{_clock(self.seconds):>4}  {first}", *(f"{INDENT}{line}" for line in rest)])
        self._console.print(Text(self._masked(text), style=style))

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _who(self, user_id: str) -> str:
        return self._slack.names().get(user_id, user_id)


def console_for(width: int = 110) -> Console:
    """A console whose lines are wrapped only where somebody looks at them."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=width, soft_wrap=True)


def _carried(body: JsonObject, answer: JsonObject) -> Message:
    return Message.read({**body, "ts": answer["ts"], **_structured(body)}, answer["channel"])


def _structured(body: JsonObject) -> JsonObject:
    """What clients send as JSON text, read."""
    return {name: _json(body[name]) for name in ("blocks", "metadata") if body.get(name)}


def _json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


def _handed_over(block: JsonObject) -> list[str]:
    """A handover's groups: each heading, and its first lines with their secrets hidden."""
    lines: list[str] = []
    for element in block["elements"]:
        text = "".join(str(part.get("text", "")) for part in element["elements"])
        if element["type"] != "rich_text_preformatted":
            lines.append(text)
            continue
        items = text.split("\n")
        hidden = [f"{item.rpartition('  ')[0]}  {MASK}" for item in items]
        lines += [f"| {item}" for item in _shortened(hidden)]
    return lines


def _shortened(items: list[str]) -> list[str]:
    more = len(items) - _SHOWN_OF_A_LIST
    return items if more <= 0 else [*items[:_SHOWN_OF_A_LIST], f"and {more} more"]


def _counted(lines: Iterable[str]) -> list[str]:
    """The lines, those that follow one another and are the same as one with their number."""
    groups = [(line, sum(1 for _ in same)) for line, same in itertools.groupby(lines)]
    return [line if many == 1 else f"{line} ({many} times)" for line, many in groups]


def _entered(view: JsonObject) -> str:
    values = view["state"]["values"]
    return "; ".join(str(one["value"]) for block in values.values() for one in block.values())


def _raw(message: Message) -> str:
    return "\n".join(str(block.get("text", {}).get("text", "")) for block in message.blocks)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
