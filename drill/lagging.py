"""Lists that lag: what a service shows a moment after a change, when its copies do not know of it yet.

Nothing here asks the server anything, so that its log has the client's calls and no others. A list of Slack's
messages is shown without the youngest. Any other list is shown as the last answer to the same question had it, if
everything that was changed since was changed within the time that the list shall lag: then that answer is how the
list stood just before, and never older than was asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from drill.received import Answer, Received

_MAILGUNS = frozenset({"keys", "credentials", "users", "domains"})
_SLACKS = frozenset({"conversations.history", "conversations.replies"})
"""The lists, by the last part of their path. Slack is asked for its with POST, too."""

_OK = 200
_Question = tuple[str, str, bytes, bytes]
_ON_BEHALF_OF = b"x-mailgun-on-behalf-of"


@dataclass
class _Given:
    """An answer, and when the first change after it was made."""

    body: bytes
    changed_at: float | None = None


class Lists:
    """The lists that one practice server has shown. `now` counts seconds from anywhere, `clock` from 1970."""

    def __init__(self, now: Callable[[], float] = time.monotonic, clock: Callable[[], float] = time.time) -> None:
        self._now = now
        self._clock = clock
        self._given: dict[_Question, _Given] = {}
        self._changes = 0

    def note_change(self) -> None:
        """Something is about to be changed."""
        self._changes += 1
        for given in self._given.values():
            given.changed_at = self._now() if given.changed_at is None else given.changed_at

    def state(self) -> int:
        """What to give `note_answer`, asked before the list was read."""
        return self._changes

    def note_answer(self, request: Received, answer: Answer, state: int) -> None:
        """Keep what a list shows, unless something was changed while it was read."""
        if answer.status == _OK and state == self._changes and not _shows_messages(request):
            self._given[_question(request)] = _Given(answer.body)

    def older(self, request: Received, answer: Answer, seconds: float) -> bytes:
        """The body of the answer as it would have been at most so many seconds ago; the same if nothing differs."""
        if answer.status != _OK:
            return answer.body
        if _shows_messages(request):
            return _without_the_youngest(answer.body, self._clock() - seconds)
        given = self._given.get(_question(request))
        if given is None or given.changed_at is None or given.changed_at < self._now() - seconds:
            return answer.body
        return given.body


def is_list(method: str, path: str) -> bool:
    """Whether a request asks for one of the lists."""
    name = path.rpartition("/")[2]
    return name in _SLACKS or (method == "GET" and name in _MAILGUNS)


def _question(request: Received) -> _Question:
    headers: dict[bytes, bytes] = dict(request.scope["headers"])
    return request.method, request.path, request.scope["query_string"], headers.get(_ON_BEHALF_OF, b"")


def _shows_messages(request: Received) -> bool:
    return request.path.rpartition("/")[2] in _SLACKS


def _without_the_youngest(body: bytes, since: float) -> bytes:
    told = json.loads(body)
    # A refusal shows none. The head of a thread is what was asked about; a thread does not lose it.
    messages = told.get("messages", [])
    standing = [message for message in messages if "reply_count" in message or float(message["ts"]) <= since]
    return body if len(standing) == len(messages) else json.dumps({**told, "messages": standing}).encode()
