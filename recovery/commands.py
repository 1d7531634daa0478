"""What a typed `/mailgun-compromised …` means. Pure: text in, an ask or a question back out."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from recovery.actions import Ask
from recovery.export import Form
from recovery.reminders import WISHES
from recovery.steps import STEPS, near_steps, step_called

SHORT = 3
NEAR = 0.75
"""How much the first word of a text of at most `SHORT` words must look like a command for it to ask back."""
SURELY_NEAR = 0.86
"""The same for a longer text. A little less would take “not sure what happened” for a `note`."""

ASKING = [step for step in STEPS if step.asks_people]
LAST = next(step for step in STEPS if step.opens_last)
REMINDED = next(step for step in STEPS if step.may_keep_reminding)


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


@dataclass(frozen=True)
class _Command:
    usage: str
    does: str
    parse: Callable[[str, str], Typed | Unclear]


def parse(text: str) -> Typed | Unclear:
    """What the text asks for.

    Nothing: open an incident. A command with what it needs: that. A single word or a near miss of a command:
    a question back. Anything longer: the description of what happened.
    """
    text = text.strip()
    if not text:
        return Typed(Ask.OPEN)
    if _SINCE.match(text):
        return _open(COMMANDS["open"].usage, text)
    first, _, rest = text.partition(" ")
    command = COMMANDS.get(_bare(first))
    if command is not None:
        return command.parse(command.usage, rest.strip())
    words = text.split()
    near = _almost([_bare(word) for word in words])
    if near:
        return Unclear(
            f"Did you mean `{near}`? Nothing was done. Usage: `/mailgun-compromised {COMMANDS[near].usage}`. "
            "To open an incident with these words, put `open` before them."
        )
    if len(words) == 1:
        return Unclear(
            f"“{first}” is not a command. Nothing was done. `/mailgun-compromised help` lists the commands; to open an "
            f"incident, type `/mailgun-compromised` alone, or say in a few words what happened."
        )
    return Typed(Ask.OPEN, text=text)


_SINCE = re.compile(r"since:\s*(\S*)\s*", re.IGNORECASE)
WHEN = "since:2026-11-20 or since:2026-11-20T14:30, in UTC"


def _open(usage: str, rest: str) -> Typed | Unclear:
    """What happened, after the moment from which on the account is suspect, where one is given."""
    found = _SINCE.match(rest)
    if found is None:
        return Typed(Ask.OPEN, text=rest)
    try:
        since = datetime.fromisoformat(found[1])
    except ValueError:
        return Unclear(f"“{found[1]}” is no moment that the bot can read. Nothing was done. Write {WHEN}.")
    since = since.replace(tzinfo=UTC) if since.tzinfo is None else since.astimezone(UTC)
    return Typed(Ask.OPEN, {"since": since.isoformat()}, rest[found.end() :])


def _bare(word: str) -> str:
    return word.lower().strip(":.,")


def _almost(words: Sequence[str]) -> str | None:
    """The command that a text almost begins with; the longer the text, the more it must look like one."""
    first, second = words[0], words[1] if len(words) > 1 else ""
    for command in COMMANDS:
        if command in ("-".join(words[:2]), "".join(words[:2])) or _swapped(first, command):
            return command
    goes_on_like_one = step_called(second) is not None or second in ("step", "all")
    cutoff = NEAR if len(words) <= SHORT or goes_on_like_one else SURELY_NEAR
    return next(iter(difflib.get_close_matches(first, list(COMMANDS), n=1, cutoff=cutoff)), None)


def _swapped(word: str, command: str) -> bool:
    """Whether two neighbouring letters are the wrong way round: the commonest slip, and far off by the ratio."""
    return any(word[:i] + word[i + 1 : i + 2] + word[i] + word[i + 2 :] == command for i in range(len(word)))


def usage_lines() -> list[tuple[str, str]]:
    """Every command with what it does, for `help`."""
    rows = [("", "open an incident; any longer text is the description of what happened")]
    return rows + [(command.usage, command.does) for command in COMMANDS.values()]


def _alone(ask: Ask) -> Callable[[str, str], Typed | Unclear]:
    def parse_alone(usage: str, rest: str) -> Typed | Unclear:
        if rest:
            return Unclear(
                f"`{usage}` takes nothing after it. Nothing was done. If this was the description of what happened, "
                "put `open` before it."
            )
        return Typed(ask)

    return parse_alone


def _step(ask: Ask, *, reason: str | None) -> Callable[[str, str], Typed | Unclear]:
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
                f"Which step? Usage: `/mailgun-compromised {usage}`, with a step number from 1 to {len(STEPS)}.{hint}"
            )
        if reason == "required" and not why:
            return Unclear(f"Please give a reason; it is recorded. Usage: `/mailgun-compromised {usage}`.")
        if reason is None and why:
            return Unclear(f"Nothing goes after the step. Usage: `/mailgun-compromised {usage}`.")
        return Typed(ask, {"step": step.kind}, why)

    return parse_step


def _part(ask: Ask) -> Callable[[str, str], Typed | Unclear]:
    """A command about a part of a step, as its message calls it."""

    def parse_part(usage: str, rest: str) -> Typed | Unclear:
        word, _, part = re.sub(r"^step\s+", "", rest, flags=re.IGNORECASE).partition(" ")
        step = step_called(word) if word else None
        if step is None or not part.strip():
            return Unclear(f"Of which step, and which part of it? Usage: `/mailgun-compromised {usage}`.")
        return Typed(ask, {"step": step.kind, "part": part.strip()})

    return parse_part


def _words(ask: Ask, missing: str) -> Callable[[str, str], Typed | Unclear]:
    def parse_words(usage: str, rest: str) -> Typed | Unclear:
        return Typed(ask, text=rest) if rest else Unclear(f"{missing} Usage: `/mailgun-compromised {usage}`.")

    return parse_words


def _one_word(ask: Ask, name: str, missing: str) -> Callable[[str, str], Typed | Unclear]:
    def parse_word(usage: str, rest: str) -> Typed | Unclear:
        if len(rest.split()) != 1:
            return Unclear(f"{missing} Usage: `/mailgun-compromised {usage}`.")
        return Typed(ask, {name: rest})

    return parse_word


def _confirm(usage: str, rest: str) -> Typed | Unclear:
    words = rest.split()
    step = step_called(words[1]) if len(words) == 2 else None
    is_somebody = bool(words) and ("@" in words[0] or _MAILGUN_ID.fullmatch(words[0]) is not None)
    if step is None or not step.asks_people or not is_somebody:
        return Unclear(
            f"Whose, and for which step: {' or '.join(f'{step.number} ({step.title})' for step in ASKING)}? "
            f"Usage: `/mailgun-compromised {usage}`."
        )
    return Typed(Ask.CONFIRM, {"email": _address(words[0]), "step": step.kind})


_MAILTO = re.compile(r"<mailto:([^|>]*)[^>]*>")
_MAILGUN_ID = re.compile(r"[0-9a-f]{12,}", re.IGNORECASE)
"""How Mailgun numbers its users; for those who have no address."""
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>|([UW][A-Z0-9]{2,})")


def _address(word: str) -> str:
    """A typed address, which Slack may have made a link of."""
    found = _MAILTO.fullmatch(word)
    return found[1] if found else word


def _of_person(ask: Ask, *, reason: bool = False) -> Callable[[str, str], Typed | Unclear]:
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
        return Typed(ask, {"email": _address(who)}, why.strip())

    return parse_person


def _identify(usage: str, rest: str) -> Typed | Unclear:
    who, _, slack = rest.partition(" ")
    mention = _MENTION.fullmatch(slack.strip())
    if not who or mention is None:
        return Unclear(
            f"Which Mailgun user, and who in Slack? Usage: `/mailgun-compromised {usage}`. Choose the person from what "
            "Slack offers after the @, or give their member id."
        )
    return Typed(Ask.IDENTIFY, {"email": _address(who), "chosen": mention[1] or mention[2]})


def _done(usage: str, rest: str) -> Typed | Unclear:
    step = step_called(rest) if rest else None
    if rest and (step is None or not step.asks_people):
        return Unclear(
            f"Which step? Usage: `/mailgun-compromised {usage}`; without one it is all that is asked of you."
        )
    return Typed(Ask.DONE, {"step": step.kind} if step else {})


def _later(usage: str, rest: str) -> Typed | Unclear:
    wish = rest.lower().removeprefix("in an ").removeprefix("this ")
    if wish not in WISHES:
        return Unclear(f"Until when? Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.LATER, {"chosen": wish})


def _people(usage: str, rest: str) -> Typed | Unclear:
    page = rest.lower().removeprefix("page").strip()
    if page and not page.isdigit():
        return Unclear(
            f"`{usage}` takes the number of a page or nothing. Nothing was done. If this was the description of what "
            "happened, put `open` before it."
        )
    return Typed(Ask.PEOPLE, {"page": page} if page else {})


def _note(usage: str, rest: str) -> Typed | Unclear:
    topic, _, found = rest.partition(" ")
    topic = topic.lower().strip(":")
    if not any(topic in step.topics for step in STEPS) or not found.strip():
        return Unclear(f"What about, and what was found? Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.NOTE, {"topic": topic}, found.strip())


def _scan(usage: str, rest: str) -> Typed | Unclear:
    if rest.lower() not in ("", "note"):
        return Unclear(f"`{usage}` takes nothing or the word note after it. Nothing was done.")
    return Typed(Ask.NOTE_SCAN if rest else Ask.SCAN)


def _checked(usage: str, rest: str) -> Typed | Unclear:
    number, _, found = rest.partition(" ")
    number = number.strip(".:")
    if not number.isdecimal():
        return Unclear(f"Which item? The card has their numbers. Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.CHECKED, {"item": str(int(number))}, found.strip())


def _mine(usage: str, rest: str) -> Typed | Unclear:
    if rest.lower() not in ("yes", "no"):
        return Unclear(f"Yes or no? Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.MINE, {"answer": rest.lower()})


def _saved(usage: str, rest: str) -> Typed | Unclear:
    number = rest.lower().removeprefix("handover").strip()
    if number != "all" and not number.isdigit():
        return Unclear(f"Which handover? Its number is in its title. Usage: `/mailgun-compromised {usage}`.")
    return Typed(Ask.SAVED, {"number": number})


def _finding(ask: Ask) -> Callable[[str, str], Typed | Unclear]:
    """A command about one finding, by its number."""

    def parse_finding(usage: str, rest: str) -> Typed | Unclear:
        number = rest.lower().removeprefix("finding").strip()
        if not number.isdigit():
            return Unclear(
                f"Which finding? Its number is on the card of step 0. Usage: `/mailgun-compromised {usage}`."
            )
        return Typed(ask, {"number": number})

    return parse_finding


def _findings(usage: str, rest: str) -> Typed | Unclear:
    page = rest.lower().removeprefix("page").strip()
    if page and not page.isdigit():
        return Unclear(f"`{usage}` takes the number of a page or nothing. Nothing was done.")
    return Typed(Ask.FINDINGS, {"page": page} if page else {})


def _did_by_hand(usage: str, rest: str) -> Typed | Unclear:
    typed = _step(Ask.DID_BY_HAND, reason="optional")(usage, rest)
    if isinstance(typed, Typed) and not typed.text:
        return Unclear(f"Which item, or all? Usage: `/mailgun-compromised {usage}`; the step's card names the items.")
    if isinstance(typed, Typed):
        return Typed(typed.ask, {**typed.about, "target": _address(typed.text)})
    return typed


def _export(usage: str, rest: str) -> Typed | Unclear:
    form = rest.lower() or str(Form.CSV)
    if form not in {str(one) for one in Form}:
        return Unclear(f"In which form? Usage: `/mailgun-compromised {usage}`; without one it is a CSV file.")
    return Typed(Ask.EXPORT, {"form": form})


COMMANDS: Mapping[str, _Command] = {
    "status": _Command("status", "how the incident stands, for you alone", _alone(Ask.STATUS)),
    "help": _Command("help", "this list", _alone(Ask.HELP)),
    "open": _Command(
        "open [since:<date>] <what happened>",
        "open an incident with this description; what came after the date is suspect",
        _open,
    ),
    "approve": _Command(
        "approve <step> [reason]",
        "approve a step (a reason breaks the glass where two people are needed)",
        _step(Ask.APPROVE, reason="optional"),
    ),
    "skip": _Command("skip <step> <reason>", "skip a step, with a reason", _step(Ask.SKIP, reason="required")),
    "retry": _Command("retry <step>", "repeat what failed in a step", _step(Ask.RETRY, reason=None)),
    "findings": _Command("findings [page]", "what looks like an attacker's doing", _findings),
    "more": _Command("more <finding>", "all that is known of a finding", _finding(Ask.MORE)),
    "expected": _Command("expected <finding>", "what a finding is about is yours", _finding(Ask.EXPECTED)),
    "attack": _Command("attack <finding>", "what a finding is about was the attack itself", _finding(Ask.ATTACK)),
    "remove": _Command("remove <finding>", "remove what a finding is about", _finding(Ask.REMOVE)),
    "put-back": _Command(
        "put-back <finding>", "put back what was removed, or make another and hand it over", _finding(Ask.PUT_BACK)
    ),
    "look": _Command("look", "look through the account once more", _alone(Ask.LOOK_AGAIN)),
    "leave-out": _Command(
        "leave-out <step> <part>",
        "leave a part of a step out before it is approved, such as a domain; its message names the parts",
        _part(Ask.LEAVE_OUT),
    ),
    "include": _Command("include <step> <part>", "take in again what was left out", _part(Ask.INCLUDE)),
    "make-room": _Command(
        "make-room <key id>",
        "at the plan's key limit: delete that key before its replacement",
        _one_word(Ask.MAKE_ROOM, "chosen", "Which key? Its id is on the step's card."),
    ),
    "own-key": _Command(
        "own-key <key id>",
        "at the plan's key limit: which key the bot works with",
        _one_word(Ask.OWN_KEY, "chosen", "Which key? Its id is on the step's card."),
    ),
    "reissue": _Command(
        "reissue <login|domain|all>",
        "set and hand over anew: a login, a domain's logins, or all that nobody saved",
        _one_word(Ask.REISSUE, "target", "Which login or domain, or all that nobody saved?"),
    ),
    "take-over": _Command(
        "take-over [reason]",
        "for approvers: from now on, secrets are handed to you (a reason breaks the glass where two people are needed)",
        lambda usage, rest: Typed(Ask.TAKE_OVER, text=rest),
    ),
    "saved": _Command("saved <handover number|all>", "you saved a handover: wipe it", _saved),
    "check": _Command("check", "ask Mailgun whether your password and 2FA are done", _alone(Ask.CHECK)),
    "mine": _Command("mine <yes|no>", "whether a change that you were asked about was yours", _mine),
    "done": _Command(
        f"done [{'|'.join(str(step.number) for step in ASKING)}]",
        "you did your part where Mailgun cannot show it; an approver confirms it",
        _done,
    ),
    "later": _Command(f"later <{'|'.join(WISHES)}>", "remind you later, at most three times", _later),
    "cannot": _Command(
        "cannot <what keeps you>",
        "you cannot do your part: whoever leads the recovery hears of it",
        _words(Ask.CANNOT, "What keeps you from it?"),
    ),
    "people": _Command("people [page]", "for approvers: everybody, and who is left", _people),
    "identify": _Command("identify <e-mail> <@person>", "who a Mailgun user is in Slack", _identify),
    "by-hand": _Command("by-hand <e-mail>", "you tell that Mailgun user yourself", _of_person(Ask.BY_HAND)),
    "has-left": _Command(
        "has-left <e-mail>", "that user has left the company, to be removed at Mailgun", _of_person(Ask.HAS_LEFT)
    ),
    "remind": _Command("remind <e-mail>", "remind that user now", _of_person(Ask.REMIND_NOW)),
    "stop": _Command("stop <e-mail> <reason>", "stop reminding that user", _of_person(Ask.STOP, reason=True)),
    "confirm": _Command(
        f"confirm <e-mail> <{'|'.join(str(step.number) for step in ASKING)}>",
        "confirm for somebody whom Mailgun cannot show",
        _confirm,
    ),
    "new-key": _Command(
        "new-key", "for approvers: a form for a new Mailgun key for the bot; never type the key", _alone(Ask.GIVE_KEY)
    ),
    "go-by-hand": _Command(
        "go-by-hand <step>",
        "while Mailgun refuses the bot's key: do that step in Mailgun's control panel",
        _step(Ask.GO_BY_HAND, reason=None),
    ),
    "done-by-hand": _Command(
        "done-by-hand <step> <item|domain|all>", "you did that item of a step in Mailgun's control panel", _did_by_hand
    ),
    "let-bot": _Command(
        "let-bot <step>", "the bot does the rest of a step that is done by hand", _step(Ask.LET_BOT, reason=None)
    ),
    "works-again": _Command(
        "works-again",
        "for approvers, while Mailgun refuses the bot's key: the account works again",
        _alone(Ask.WORKS_AGAIN),
    ),
    "keep-reminding": _Command(
        "keep-reminding",
        f"let step {LAST.number} open while the reminders of step {REMINDED.number} go on",
        _alone(Ask.KEEP_REMINDING),
    ),
    "note": _Command(
        f"note <{'|'.join(topic for step in STEPS for topic in step.topics)}> <what was found>",
        "fill in the note",
        _note,
    ),
    "scan": _Command("scan [note]", "scan the public repositories; with note: write down what that came to", _scan),
    "checked": _Command(
        "checked <number> [what was found]", "something on the checklist for hosting is checked", _checked
    ),
    "sent": _Command(
        "sent <ticket number>", "you told Mailgun Support", _words(Ask.SENT, "What is the ticket number?")
    ),
    "export": _Command(
        f"export [{'|'.join(Form)}]",
        "for approvers: the trail as a file in the thread, without the names that the thread hides",
        _export,
    ),
    "cancel": _Command(
        "cancel <reason>",
        "cancel the incident; what was begun is finished and handed over",
        _words(Ask.CANCEL, "Please give a reason; it is recorded."),
    ),
}
