"""What stands after a command's first word, command by command. Pure: text in, an ask or a question back out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from recovery.actions import Ask
from recovery.export import REPORT, Form
from recovery.reminders import WISHES
from recovery.steps import STEPS, near_steps, step_called

NUMBERS = f"{min(step.number for step in STEPS)} to {max(step.number for step in STEPS)}"
ASKING = [step for step in STEPS if step.asks_people]


@dataclass(frozen=True)
class Typed:
    """An ask, with what it is about and the words that came with it."""

    ask: Ask
    about: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Unclear:
    """Not understood: what to answer. Nothing else happens."""

    question: str


SINCE = re.compile(r"since:\s*(\S*)\s*", re.IGNORECASE)
WHEN = "since:2026-11-20 or since:2026-11-20T14:30, in UTC"


def opened(usage: str, rest: str) -> Typed | Unclear:
    """What happened, after the moment from which on the account is suspect, where one is given."""
    found = SINCE.match(rest)
    if found is None:
        return Typed(Ask.OPEN, text=rest)
    try:
        since = datetime.fromisoformat(found[1])
        since = since.replace(tzinfo=UTC) if since.tzinfo is None else since.astimezone(UTC)
    except (ValueError, OverflowError):
        return Unclear(f"“{found[1]}” is no moment that the bot can read. Nothing was done. Write {WHEN}.")
    return Typed(Ask.OPEN, {"since": since.isoformat()}, rest[found.end() :])


def alone(ask: Ask) -> Callable[[str, str], Typed | Unclear]:
    def parse_alone(usage: str, rest: str) -> Typed | Unclear:
        if rest:
            return Unclear(
                f"`{usage}` takes nothing after it. Nothing was done. If this was the description of what happened, "
                "put `open` before it."
            )
        return Typed(ask)

    return parse_alone


def about_step(ask: Ask, *, reason: str | None) -> Callable[[str, str], Typed | Unclear]:
    """A command about a step; `reason` is "required", "optional" or None."""

    def parse_step(usage: str, rest: str) -> Typed | Unclear:
        # The bot itself says "step 2", so people do.
        word, _, why = re.sub(r"^step\s+", "", rest, flags=re.IGNORECASE).partition(" ")
        step = step_called(word) if word else None
        why = why.strip()
        if step is None:
            near = near_steps(word) if word else []
            hint = f" Did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
            return Unclear(
                f"Which step? Usage: `/mailgun-compromised {usage}`, with a step number from {NUMBERS}.{hint}"
            )
        if reason == "required" and not why:
            return Unclear(f"Please give a reason; it is recorded. Usage: `/mailgun-compromised {usage}`.")
        if reason is None and why:
            return Unclear(f"Nothing goes after the step. Usage: `/mailgun-compromised {usage}`.")
        return Typed(ask, {"step": step.kind}, why)

    return parse_step


def about_part(ask: Ask) -> Callable[[str, str], Typed | Unclear]:
    """A command about a part of a step, as its message calls it."""

    def parse_part(usage: str, rest: str) -> Typed | Unclear:
        word, _, part = re.sub(r"^step\s+", "", rest, flags=re.IGNORECASE).partition(" ")
        step = step_called(word) if word else None
        if step is None or not part.strip():
            return Unclear(f"Of which step, and which part of it? Usage: `/mailgun-compromised {usage}`.")
        return Typed(ask, {"step": step.kind, "part": part.strip()})

    return parse_part


def with_words(ask: Ask, missing: str) -> Callable[[str, str], Typed | Unclear]:
    def parse_words(usage: str, rest: str) -> Typed | Unclear:
        return Typed(ask, text=rest) if rest else Unclear(f"{missing} Usage: `/mailgun-compromised {usage}`.")

    return parse_words


def one_word(ask: Ask, name: str, missing: str) -> Callable[[str, str], Typed | Unclear]:
    def parse_word(usage: str, rest: str) -> Typed | Unclear:
        if len(rest.split()) != 1:
            return Unclear(f"{missing} Usage: `/mailgun-compromised {usage}`.")
        return Typed(ask, {name: rest})

    return parse_word


def confirmed(usage: str, rest: str) -> Typed | Unclear:
    words = rest.split()
    step = step_called(words[1]) if len(words) == 2 else None
    is_somebody = bool(words) and ("@" in words[0] or _MAILGUN_ID.fullmatch(words[0]) is not None)
    if step is None or not step.asks_people or not is_somebody:
        return Unclear(
            f"Whose, and for which step: {' or '.join(f'{step.number} ({step.title})' for step in ASKING)}? "
            f"Usage: `/mailgun-compromised {usage}`."
        )
    return Typed(Ask.CONFIRM, {"email": address(words[0]), "step": step.kind})


_MAILTO = re.compile(r"<mailto:([^|>]*)[^>]*>")
_MAILGUN_ID = re.compile(r"[0-9a-f]{12,}", re.IGNORECASE)
"""How Mailgun numbers its users; for those who have no address."""
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>|([UW][A-Z0-9]{2,})")


def address(word: str) -> str:
    """A typed address, which Slack may have made a link of."""
    found = _MAILTO.fullmatch(word)
    return found[1] if found else word


def about_person(ask: Ask, *, reason: bool = False) -> Callable[[str, str], Typed | Unclear]:
    """A command about one Mailgun user, by their address or Mailgun's id."""

    def parse_person(usage: str, rest: str) -> Typed | Unclear:
        who, _, why = rest.partition(" ")
        if "@" not in who and not _MAILGUN_ID.fullmatch(who):
            return Unclear(
                f"Whom? Usage: `/mailgun-compromised {usage}`. If this was the description of what happened, put "
                "`open` before it."
            )
        if reason and not why.strip():
            return Unclear(f"Please give a reason; it is recorded. Usage: `/mailgun-compromised {usage}`.")
        if why and not reason:
            return Unclear(f"Nothing goes after the address. Usage: `/mailgun-compromised {usage}`.")
        return Typed(ask, {"email": address(who)}, why.strip())

    return parse_person


def identified(usage: str, rest: str) -> Typed | Unclear:
    who, _, slack = rest.partition(" ")
    mention = _MENTION.fullmatch(slack.strip())
    if not who or mention is None:
        return Unclear(
            f"Which Mailgun user, and who in Slack? Usage: `/mailgun-compromised {usage}`. Choose the person from what "
            "Slack offers after the @, or give their member id."
        )
    return Typed(Ask.IDENTIFY, {"email": address(who), "chosen": mention[1] or mention[2]})


def did(usage: str, rest: str) -> Typed | Unclear:
    step = step_called(rest) if rest else None
    if rest and (step is None or not step.asks_people):
        return Unclear(
            f"Which step? Usage: `/mailgun-compromised {usage}`; without one it is all that is asked of you."
        )
    return Typed(Ask.DONE, {"step": step.kind} if step else {})


def put_off(usage: str, rest: str) -> Typed | Unclear:
    wish = rest.lower().removeprefix("in an ").removeprefix("this ")
    if wish not in WISHES:
        return Unclear(f"Until when? Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.LATER, {"chosen": wish})


def people_page(usage: str, rest: str) -> Typed | Unclear:
    page = rest.lower().removeprefix("page").strip()
    if page and not page.isdigit():
        return Unclear(
            f"`{usage}` takes the number of a page or nothing. Nothing was done. If this was the description of what "
            "happened, put `open` before it."
        )
    return Typed(Ask.PEOPLE, {"page": page} if page else {})


def noted(usage: str, rest: str) -> Typed | Unclear:
    topic, _, found = rest.partition(" ")
    topic = topic.lower().strip(":")
    if not any(topic in step.topics for step in STEPS) or not found.strip():
        return Unclear(f"What about, and what was found? Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.NOTE, {"topic": topic}, found.strip())


def scanned(usage: str, rest: str) -> Typed | Unclear:
    if rest.lower() not in ("", "note"):
        return Unclear(f"`{usage}` takes nothing or the word note after it. Nothing was done.")
    return Typed(Ask.NOTE_SCAN if rest else Ask.SCAN)


def checked(usage: str, rest: str) -> Typed | Unclear:
    number, _, found = rest.partition(" ")
    number = number.strip(".:")
    if not number.isdecimal():
        return Unclear(f"Which item? The card has their numbers. Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.CHECKED, {"item": str(int(number))}, found.strip())


def answered(usage: str, rest: str) -> Typed | Unclear:
    if rest.lower() not in ("yes", "no"):
        return Unclear(f"Yes or no? Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.MINE, {"answer": rest.lower()})


def saved_handover(usage: str, rest: str) -> Typed | Unclear:
    number = rest.lower().removeprefix("handover").strip()
    if number != "all" and not number.isdigit():
        return Unclear(f"Which handover? Its number is in its title. Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.SAVED, {"number": number})


def about_finding(ask: Ask) -> Callable[[str, str], Typed | Unclear]:
    """A command about one finding, by its number."""

    def parse_finding(usage: str, rest: str) -> Typed | Unclear:
        number = rest.lower().removeprefix("finding").strip()
        if not number.isdigit():
            return Unclear(
                f"Which finding? Its number is on the card of step 0. Usage: `/mailgun-compromised {usage}`."
            )
        return Typed(ask, {"number": number})

    return parse_finding


def expected_finding(usage: str, rest: str) -> Typed | Unclear:
    """A finding that is expected; of an allowlist entry perhaps because it is the bot's own address."""
    number, _, own = rest.lower().removeprefix("finding").strip().partition(" ")
    typed = about_finding(Ask.EXPECTED)(usage, number if own in ("", "own") else rest)
    if isinstance(typed, Unclear) or not own:
        return typed
    return replace(typed, about={**typed.about, "own": "yes"})


def findings_page(usage: str, rest: str) -> Typed | Unclear:
    page = rest.lower().removeprefix("page").strip()
    if page and not page.isdigit():
        return Unclear(f"`{usage}` takes the number of a page or nothing. Nothing was done.")
    return Typed(Ask.FINDINGS, {"page": page} if page else {})


def done_by_hand(usage: str, rest: str) -> Typed | Unclear:
    typed = about_step(Ask.DID_BY_HAND, reason="optional")(usage, rest)
    if isinstance(typed, Typed) and not typed.text:
        return Unclear(f"Which item, or all? Usage: `/mailgun-compromised {usage}`; the step's card names the items.")
    if isinstance(typed, Typed):
        return Typed(typed.ask, {**typed.about, "target": address(typed.text)})
    return typed


def exported(usage: str, rest: str) -> Typed | Unclear:
    form = rest.lower() or str(Form.CSV)
    if form not in {REPORT, *map(str, Form)}:
        return Unclear(f"In which form? Usage: `/mailgun-compromised {usage}`; without one it is a CSV file.")
    return Typed(Ask.EXPORT, {"form": form})
