"""What a typed `/mailgun-compromised …` means. Pure: text in, an ask or a question back out."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from recovery.actions import Ask
from recovery.export import REPORT, Form
from recovery.reminders import WISHES
from recovery.steps import STEPS, step_called
from recovery.typed import (
    ASKING,
    SINCE,
    Typed,
    Unclear,
    about_finding,
    about_part,
    about_person,
    about_step,
    alone,
    answered,
    checked,
    confirmed,
    did,
    done_by_hand,
    expected_finding,
    exported,
    findings_page,
    identified,
    noted,
    one_word,
    opened,
    people_page,
    put_off,
    saved_handover,
    scanned,
    with_words,
)

SHORT = 3
NEAR = 0.75
"""How much the first word of a text of at most `SHORT` words must look like a command for it to ask back."""
SURELY_NEAR = 0.86
"""The same for a longer text. A little less would take “not sure what happened” for a `note`."""

LAST = next(step for step in STEPS if step.opens_last)
REMINDED = next(step for step in STEPS if step.may_keep_reminding)


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
    if SINCE.match(text):
        return opened(COMMANDS["open"].usage, text)
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


COMMANDS: Mapping[str, _Command] = {
    "status": _Command("status", "how the incident stands, for you alone", alone(Ask.STATUS)),
    "help": _Command("help", "this list", alone(Ask.HELP)),
    "open": _Command(
        "open [since:<date>] <what happened>",
        "open an incident with this description; what came after the date is suspect",
        opened,
    ),
    "approve": _Command(
        "approve <step> [reason]",
        "approve a step (a reason breaks the glass where two people are needed)",
        about_step(Ask.APPROVE, reason="optional"),
    ),
    "skip": _Command("skip <step> <reason>", "skip a step, with a reason", about_step(Ask.SKIP, reason="required")),
    "retry": _Command("retry <step>", "repeat what failed in a step", about_step(Ask.RETRY, reason=None)),
    "findings": _Command("findings [page]", "what looks like an attacker's doing", findings_page),
    "more": _Command("more <finding>", "all that is known of a finding", about_finding(Ask.MORE)),
    "expected": _Command(
        "expected <finding> [own]",
        "what a finding is about is yours (own: that allowed address is the bot's)",
        expected_finding,
    ),
    "attack": _Command("attack <finding>", "what a finding is about was the attack itself", about_finding(Ask.ATTACK)),
    "remove": _Command("remove <finding>", "remove what a finding is about", about_finding(Ask.REMOVE)),
    "put-back": _Command(
        "put-back <finding>", "put back what was removed, or make another and hand it over", about_finding(Ask.PUT_BACK)
    ),
    "look": _Command("look", "look through the account once more", alone(Ask.LOOK_AGAIN)),
    "leave-out": _Command(
        "leave-out <step> <part>",
        "leave a part of a step out before it is approved, such as a domain; its message names the parts",
        about_part(Ask.LEAVE_OUT),
    ),
    "include": _Command("include <step> <part>", "take in again what was left out", about_part(Ask.INCLUDE)),
    "make-room": _Command(
        "make-room <key id>",
        "at the plan's key limit: delete that key before its replacement",
        one_word(Ask.MAKE_ROOM, "chosen", "Which key? Its id is on the step's card."),
    ),
    "own-key": _Command(
        "own-key <key id>",
        "at the plan's key limit: which key the bot works with",
        one_word(Ask.OWN_KEY, "chosen", "Which key? Its id is on the step's card."),
    ),
    "reissue": _Command(
        "reissue <login|domain|all>",
        "set and hand over anew: a login, a domain's logins, or all that nobody saved",
        one_word(Ask.REISSUE, "target", "Which login or domain, or all that nobody saved?"),
    ),
    "take-over": _Command(
        "take-over [reason]",
        "for approvers: from now on, secrets are handed to you (a reason breaks the glass where two people are needed)",
        lambda usage, rest: Typed(Ask.TAKE_OVER, text=rest),
    ),
    "saved": _Command("saved <handover number|all>", "you saved a handover: wipe it", saved_handover),
    "check": _Command("check", "ask Mailgun whether your password and 2FA are done", alone(Ask.CHECK)),
    "mine": _Command("mine <yes|no>", "whether a change that you were asked about was yours", answered),
    "done": _Command(
        f"done [{'|'.join(str(step.number) for step in ASKING)}]",
        "you did your part where Mailgun cannot show it; an approver confirms it",
        did,
    ),
    "later": _Command(f"later <{'|'.join(WISHES)}>", "remind you later, at most three times", put_off),
    "cannot": _Command(
        "cannot <what keeps you>",
        "you cannot do your part: whoever leads the recovery hears of it",
        with_words(Ask.CANNOT, "What keeps you from it?"),
    ),
    "people": _Command("people [page]", "for approvers: everybody, and who is left", people_page),
    "identify": _Command("identify <e-mail> <@person>", "who a Mailgun user is in Slack", identified),
    "by-hand": _Command("by-hand <e-mail>", "you tell that Mailgun user yourself", about_person(Ask.BY_HAND)),
    "has-left": _Command(
        "has-left <e-mail>", "that user has left the company, to be removed at Mailgun", about_person(Ask.HAS_LEFT)
    ),
    "remind": _Command("remind <e-mail>", "remind that user now", about_person(Ask.REMIND_NOW)),
    "stop": _Command("stop <e-mail> <reason>", "stop reminding that user", about_person(Ask.STOP, reason=True)),
    "confirm": _Command(
        f"confirm <e-mail> <{'|'.join(str(step.number) for step in ASKING)}>",
        "confirm for somebody whom Mailgun cannot show",
        confirmed,
    ),
    "new-key": _Command(
        "new-key", "for approvers: a form for a new Mailgun key for the bot; never type the key", alone(Ask.GIVE_KEY)
    ),
    "go-by-hand": _Command(
        "go-by-hand <step>",
        "while Mailgun refuses the bot's key: do that step in Mailgun's control panel",
        about_step(Ask.GO_BY_HAND, reason=None),
    ),
    "done-by-hand": _Command(
        "done-by-hand <step> <item|domain|all>", "you did that item of a step in Mailgun's control panel", done_by_hand
    ),
    "let-bot": _Command(
        "let-bot <step>", "the bot does the rest of a step that is done by hand", about_step(Ask.LET_BOT, reason=None)
    ),
    "works-again": _Command(
        "works-again",
        "for approvers, while Mailgun refuses the bot's key: the account works again",
        alone(Ask.WORKS_AGAIN),
    ),
    "keep-reminding": _Command(
        "keep-reminding",
        f"let step {LAST.number} open while the reminders of step {REMINDED.number} go on",
        alone(Ask.KEEP_REMINDING),
    ),
    "note": _Command(
        f"note <{'|'.join(topic for step in STEPS for topic in step.topics)}> <what was found>",
        "fill in the note",
        noted,
    ),
    "scan": _Command("scan [note]", "scan the public repositories; with note: write down what that came to", scanned),
    "checked": _Command(
        "checked <number> [what was found]", "something on the checklist for hosting is checked", checked
    ),
    "sent": _Command(
        "sent <ticket number>", "you told Mailgun Support", with_words(Ask.SENT, "What is the ticket number?")
    ),
    "export": _Command(
        f"export [{'|'.join((*Form, REPORT))}]",
        "for approvers: the trail as a file in the thread, or the long version of the message for Support",
        exported,
    ),
    "cancel": _Command(
        "cancel <reason>",
        "cancel the incident; what was begun is finished and handed over",
        with_words(Ask.CANCEL, "Please give a reason; it is recorded."),
    ),
}
