"""Audit entries as Slack blocks: small print, one line each, in order."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from handlers.blocks import limits
from handlers.blocks.limits import Block
from handlers.blocks.text import mrkdwn, paragraphs
from recovery.audit import ENTRIES_A_MESSAGE, Actor, AuditEntry
from recovery.content import Trail
from recovery.text import Line, Part, When, Who, count

_ENTRY = limits.CHARACTERS // ENTRIES_A_MESSAGE - 1
_CODE = r":[\w+'-]++:"
"""What Slack makes of an emoji."""
_ALSO_EMOJI = "‼⁉〰"
"""Punctuation by Unicode's reckoning."""
_NAMES = {Actor.BOT: "The bot", Actor.MAILGUN: "Mailgun", Actor.PERSON: "A person"}


def trail_blocks(content: Trail) -> list[Block]:
    """One line an entry; whatever concerns a person's password or 2FA without saying whose."""
    lines = [_drawn(entry) for entry in content.entries]
    return [{"type": "context", "elements": [limits.mrkdwn_text(text)]} for text in paragraphs(lines)]


def notification(content: Trail) -> str:
    """The first entry and how many follow."""
    if not content.entries:
        return "…"
    first = mrkdwn(sentence(content.entries[0]), limits.NOTIFICATION)
    more = len(content.entries) - 1
    return f"{first} (and {count(more, 'entry', 'entries')} more)" if more else first


def sentence(entry: AuditEntry) -> Line:
    """Who did what to what, and what came of it."""
    facts = entry.facts
    parts: list[Part] = [_who(facts.actor), f" {facts.action}"]
    if facts.subject and not facts.private:
        parts.append(f" {facts.subject}")
    if facts.whom and not facts.private:
        parts += [" to " if facts.subject else " ", Who(facts.whom)]
    if facts.result:
        parts.append(f" — {facts.result}")
    return tuple(parts)


def _drawn(entry: AuditEntry) -> str:
    """The entry's line. `audit verify` holds what stands in Slack against this: entries that were posted by an
    earlier version must be drawn as they were then."""
    return mrkdwn((When(entry.at), "  ", *sentence(entry)), _ENTRY)


def _who(actor: str) -> Part:
    for kind, name in _NAMES.items():
        if actor == kind:
            return name
    return Who(actor)


# --- What stands in Slack -------------------------------------------------------------------------------


def as_shown(message: Mapping[str, Any]) -> str:
    """The words of a trail message as Slack has it now: the text of its blocks, and whatever else is on it.

    Its `text` is left out: there Slack makes links of its own out of what looks like one, so that comparing it
    would raise false alarms. In blocks marked `verbatim` it does not.
    """
    shown: list[str] = []
    for block in message.get("blocks") or ():
        elements = block.get("elements") or () if block.get("type") == "context" else ()
        texts = [element.get("text") for element in elements if element.get("type") == "mrkdwn"]
        shown += map(str, texts) if texts and len(texts) == len(elements) else [json.dumps(block)]
    if message.get("attachments"):
        shown.append(json.dumps(message["attachments"]))
    return "\n".join(shown)


def unlike(shown: str, entries: Sequence[AuditEntry]) -> AuditEntry | None:
    """The first entry whose line is not where it should be in `shown`, the last if more follows it; or None.

    White space may differ, and what is no letter, digit or ASCII may be gone or be a code between colons: that is
    what Slack makes of emoji.
    """
    shown, position = unicodedata.normalize("NFC", shown).strip(), 0
    for entry in entries:
        found = re.compile(_pattern(_drawn(entry))).match(shown, position)
        if found is None:
            return entry
        position = found.end()
    return entries[-1] if position < len(shown) and entries else None


def _pattern(line: str) -> str:
    first, *words = unicodedata.normalize("NFC", line).split()
    return _word(first) + "".join(_next(word) for word in words) + r"(?:\s+|$)"


# Nothing here can match in more than one way: a text made for it must not keep the check busy for ever.


def _next(word: str) -> str:
    if any(map(_stays, word)):
        return rf"\s++{_word(word)}"
    return rf"(?:\s++(?:[{re.escape(word)}]|{_CODE})++)?+"


def _word(word: str) -> str:
    return "".join(re.escape(c) if _stays(c) else f"(?:{re.escape(c)}|{_CODE})?+" for c in word)


@cache
def _stays(character: str) -> bool:
    """Whether Slack leaves this character as it is."""
    if character.isascii():
        return character.isprintable()
    return unicodedata.category(character)[0] in "LNP" and character not in _ALSO_EMOJI
