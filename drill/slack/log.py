"""The log: every Web API call in order, and every event that the app was to get, with its acknowledgement."""

from collections.abc import Callable
from dataclasses import dataclass

from drill.slack.errors import SlackError
from drill.slack.model import Clock, JsonObject

_TOLD_OF_AN_ANSWER = ("channel", "ts", "message_ts", "user")


@dataclass
class CallEntry:
    """One call of the Web API, or one use of a `response_url` (whose method is `response_url`)."""

    seq: int
    at: float
    method: str
    body: JsonObject
    ok: bool | None = None
    error: str | None = None
    answer: JsonObject | None = None

    def succeed(self, answer: JsonObject) -> None:
        """Note that it was done, and where and for whom, if it said something."""
        self.ok = True
        self.answer = {name: answer[name] for name in _TOLD_OF_AN_ANSWER if name in answer}

    def fail(self, error: SlackError) -> None:
        """Note that it was refused."""
        self.ok, self.error = False, error.code

    def as_json(self) -> JsonObject:
        """The entry as `GET /_drill/log` shows it."""
        return {
            "seq": self.seq,
            "kind": "call",
            "at": self.at,
            "method": self.method,
            "body": self.body,
            "ok": self.ok,
            "error": self.error,
            "answer": self.answer,
        }


class Log:
    """What happened, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[Callable[[], JsonObject]] = []

    def call(self, method: str, body: JsonObject) -> CallEntry:
        """Note a call as it arrives; its entry is told how it ended."""
        entry = CallEntry(len(self._entries) + 1, self._clock(), method, body)
        self._entries.append(entry.as_json)
        return entry

    def event(self, told: Callable[[], JsonObject]) -> None:
        """Note something sent to the app; `told` gives its state whenever somebody reads the log."""
        seq = len(self._entries) + 1
        self._entries.append(lambda: {"seq": seq, "kind": "event", **told()})

    def as_json(self, after: int = 0) -> list[JsonObject]:
        """The entries after that number."""
        return [told() for told in self._entries[after:]]
