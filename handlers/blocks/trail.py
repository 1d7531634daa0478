"""Audit entries as Slack blocks: small print, one line each, in order."""

from handlers.blocks import limits
from handlers.blocks.limits import Block
from handlers.blocks.text import mrkdwn, paragraphs
from recovery.audit import ENTRIES_A_MESSAGE, Actor, AuditEntry
from recovery.content import Trail
from recovery.text import Line, Part, When, Who, count

_ENTRY = limits.CHARACTERS // ENTRIES_A_MESSAGE - 1
_NAMES = {Actor.BOT: "The bot", Actor.MAILGUN: "Mailgun", Actor.PERSON: "A person"}


def trail_blocks(content: Trail) -> list[Block]:
    """One line an entry; whatever concerns a person's password or 2FA without saying whose."""
    lines = [mrkdwn((When(entry.at), "  ", *sentence(entry)), _ENTRY) for entry in content.entries]
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


def _who(actor: str) -> Part:
    for kind, name in _NAMES.items():
        if actor == kind:
            return name
    return Who(actor)
