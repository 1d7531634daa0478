"""Text as data: what a message says, before anybody decides how Slack writes it.

A line is a tuple of parts. A plain `str` came from us or from outside and is always escaped by whoever
renders it; a person, a link or a code span is its own part, so that nothing from outside can become one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Who:
    """A Slack user, shown as a mention."""

    user_id: str


@dataclass(frozen=True)
class Channel:
    """A Slack channel, shown as a link to it."""

    channel_id: str


@dataclass(frozen=True)
class Link:
    """A web address with a label."""

    url: str
    label: str


@dataclass(frozen=True)
class Code:
    """Something to be typed or recognised letter by letter: a login, a domain, a command."""

    value: str


@dataclass(frozen=True)
class Bold:
    """A word that the eye should find."""

    value: str


@dataclass(frozen=True)
class When:
    """A moment, shown in the reader's own time zone where Slack can, and in UTC elsewhere."""

    at: datetime


Part = str | Who | Channel | Link | Code | Bold | When
Line = tuple[Part, ...]


def line(*parts: Part) -> Line:
    """One line of text."""
    return parts


def plain(parts: Line) -> str:
    """The line as plain text, for logs, exports and notifications. Mentions become Slack user ids."""
    return "".join(_plain(part) for part in parts)


def _plain(part: Part) -> str:
    match part:
        case str():
            return part
        case Who(user_id):
            return user_id
        case Channel():
            return "the channel"
        case Link(url, label):
            return f"{label} ({url})"
        case When(at):
            return f"{at:%Y-%m-%d %H:%M} UTC"
        case Code(value) | Bold(value):
            return value


def count(number: int, one: str, many: str | None = None) -> str:
    """`count(1, "key")` is "1 key", `count(2, "key")` is "2 keys"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


BAR = 10
"""How many characters a bar has."""


def bar(done: int, total: int) -> str:
    """How far something is, as a bar. Only what is all done looks full."""
    filled = BAR * done // total if total else BAR
    return "█" * filled + "░" * (BAR - filled)


def sentence(words: str) -> str:
    """The words with a capital first letter, the rest as it is."""
    return words[:1].upper() + words[1:]


def shortened(words: str, most: int = 60) -> str:
    """What came from outside, on one line and no longer than that: it can neither begin a line of its own nor push
    aside what stands after it."""
    words = " ".join(words.split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def decapitalised(words: str) -> str:
    """The words with a small first letter, for the middle of a sentence."""
    return words[:1].lower() + words[1:]


def listing(names: Iterable[str], most: int = 10) -> str:
    """Names in a row, "a, b, c and 4 more"."""
    names = list(names)
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"
