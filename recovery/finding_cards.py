"""Findings in words: rows with buttons for the step's card and for lists, and all that is known of one."""

from collections.abc import Mapping, Sequence

from recovery.actions import Ask
from recovery.content import Button, Card, Confirm, Control, Row, Style
from recovery.findings import (
    CAN_BE_CONFIRMED,
    CAN_BE_PUT_BACK,
    CAN_BE_REMOVED,
    MADE_ANEW,
    UNDER_WAY,
    Finding,
    FindingStatus,
)
from recovery.holdings import Trace
from recovery.text import Bold, Code, Line, Link, When, Who, count, line, sentence
from recovery.things import told

S = FindingStatus

PAGE = 12
"""As many as fit into one message with their buttons."""

IN_CARD = 10
"""As many as fit beside what the step's card says of the whole account, each with its buttons and questions."""

KEPT_FOR_REMOVED = 2

USERS_PAGE = Link("https://app.mailgun.com/settings/users", "Mailgun's list of users")
_WORDS = {
    S.OPEN: "to decide",
    S.EXPECTED: "expected",
    S.REMOVING: "being removed",
    S.REMOVED: "removed",
    S.RESTORING: "being put back",
    S.RESTORED: "put back",
    S.CONFIRMED: "confirmed as the attack",
    S.LEFT: "left as they are",
    S.GONE: "gone",
}


def standing(findings: Sequence[Finding]) -> str:
    """How many there are, and what became of them."""
    if not findings:
        return "nothing suspicious"
    many = {status: sum(finding.status is status for finding in findings) for status in S}
    parts = ", ".join(f"{many[status]} {_WORDS[status]}" for status in S if many[status])
    return f"{count(len(findings), 'finding')}: {parts}"


def about(finding: Finding) -> dict[str, str]:
    """What each of its buttons carries."""
    return {"incident": str(finding.incident_id), "finding": str(finding.id), "version": str(finding.version)}


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Those that wait for somebody first, allowlist entries last among them, for one may be the bot's own. Of what was
    removed the latest first: it is what somebody may want back."""
    order = {S.OPEN: 0, S.REMOVING: 1, S.RESTORING: 1, S.REMOVED: 2}

    def place(one: Finding) -> tuple[int, float, bool, int]:
        removed_at = one.decided_at.timestamp() if one.status is S.REMOVED and one.decided_at else 0.0
        return order.get(one.status, 3), -removed_at, one.trace is Trace.ADDRESS, one.number

    return sorted(findings, key=place)


def card_rows(findings: Sequence[Finding]) -> list[Row]:
    """The first findings on the step's card: those that can be decided about, and what can be put back. What was
    removed last keeps its place among however many that wait."""
    shown = _for_card(findings)
    removed = [one for one in shown if one.status is S.REMOVED]
    waiting = [one for one in shown if one.status is not S.REMOVED]
    first = waiting[: IN_CARD - min(len(removed), KEPT_FOR_REMOVED)]
    return [row(finding) for finding in (*first, *removed)[:IN_CARD]]


def not_on_card(findings: Sequence[Finding]) -> Line | None:
    """Where the others are listed, if there are more than the card shows."""
    left = len(_for_card(findings)) - IN_CARD
    if left <= 0:
        return None
    more = count(left, "more is", "more are")
    return line(f"{more} not shown here: ", Code("/mailgun-compromised findings"), " lists them all.")


def _for_card(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in in_order(findings) if one.status in (S.OPEN, *UNDER_WAY, S.REMOVED)]


def row(finding: Finding) -> Row:
    """One of them, with what can be decided about it."""
    of = f" (subaccount {finding.owner_name})" if finding.owner_name else ""
    words: list[Line] = [(Bold(f"{finding.number}."), f" {sentence(finding.title)}{of}")]
    if finding.status is S.OPEN:
        words.append((f": {'; '.join(finding.reasons)}.",))
    else:
        by: Line = (" by ", Who(finding.decided_by)) if finding.decided_by else ()
        words.append((": ", Bold(_ONE[finding.status]), *by, "."))
    return Row(tuple(part for piece in words for part in piece), controls(finding))


_ONE = {**_WORDS, S.LEFT: "left as it is"}


def controls(finding: Finding) -> tuple[Control, ...]:
    """The buttons of one finding, as it stands."""
    more = Button(Ask.MORE, "Tell me more", about(finding))
    if finding.status is S.OPEN:
        buttons = [Button(Ask.EXPECTED, "Expected", about(finding))]
        if finding.trace is Trace.ADDRESS:
            own = {**about(finding), "own": "yes"}
            buttons.append(Button(Ask.EXPECTED, "It is the bot's own", own))
        if finding.trace in CAN_BE_CONFIRMED:
            buttons.append(Button(Ask.ATTACK, "It was the attack", about(finding)))
        if finding.trace in CAN_BE_REMOVED:
            buttons.append(Button(Ask.REMOVE, "Remove it", about(finding), Style.DANGER, removal_question(finding)))
        return (*buttons, more)
    if finding.status is S.REMOVED and finding.trace in CAN_BE_PUT_BACK:
        return (Button(Ask.PUT_BACK, "Put it back", about(finding), confirm=restoring_question(finding)), more)
    if finding.status is S.REMOVED and finding.trace in MADE_ANEW:
        label = "Make it anew and hand it over"
        return (Button(Ask.PUT_BACK, label, about(finding), confirm=restoring_question(finding)), more)
    return (more,)


_BREAKS: Mapping[Trace, str] = {
    Trace.KEY: "The key stops working at once, and gets no replacement. It cannot be put back: it would be made anew "
    "and handed over.",
    Trace.LOGIN: "What sends with this login stops at once. It cannot be put back: it would be made anew and handed "
    "over.",
    Trace.ROUTE: "Incoming mail that it matches is not handled by it any more. It can be put back.",
    Trace.WEBHOOK: "That address gets no more events of the domain. It can be put back.",
    Trace.ARCHIVE: "No more copies of delivered mail go there. It can be put back.",
    Trace.ADDRESS: "Is it the address that the bot calls from? Then answer Not now: without it the bot could do "
    "nothing more. Calls from the address are refused from then on. It can be put back.",
}


def removal_question(finding: Finding) -> Confirm:
    """The question before something is removed."""
    return Confirm("Remove it?", _BREAKS[finding.trace], "Remove it")


def restoring_question(finding: Finding) -> Confirm:
    """The question before something is put back."""
    if finding.trace in MADE_ANEW:
        text = "A new one is made in its place, and its secret is handed to whoever receives the secrets."
        return Confirm("Make it anew?", text, "Make it anew")
    text = "It will be there again as it was."
    if finding.trace is Trace.ADDRESS:
        text += (
            " While the list has entries, Mailgun refuses calls from all other addresses: the bot's, too, if that is "
            "not on it."
        )
    return Confirm("Put it back?", text, "Put it back")


def more_card(finding: Finding) -> Card:
    """All that is known of one finding, for whoever asked."""
    lines: list[Line] = [line("Suspicious because ", f"{'; '.join(finding.reasons)}.")]
    lines += [line(Bold(name), f": {value}") for name, value in told(finding.thing) if name != "stranger"]
    if finding.owner_name:
        lines.append(line(Bold("subaccount"), f": {finding.owner_name} ({finding.owner_id})"))
    lines.append(line("Found at ", When(finding.found_at), "."))
    if finding.decided_by and finding.decided_at:
        lines.append(
            line(
                f"{_ONE[finding.status].capitalize()}: decided by ",
                Who(finding.decided_by),
                " at ",
                When(finding.decided_at),
                ".",
            )
        )
    lines.append(_ADVICE[finding.trace])
    title = f"Finding {finding.number}"
    return Card(notification=title, title=title, lines=(line(sentence(finding.title)), *lines))


_ADVICE: Mapping[Trace, Line] = {
    Trace.KEY: line(
        "Resetting the API keys replaces and deletes it like all others; removing it here gives it no replacement."
    ),
    Trace.LOGIN: line(
        "Resetting the SMTP passwords gives it a new one like all others; removing it here takes it away."
    ),
    Trace.DOMAIN: line("If nobody knows it, delete it in Mailgun's control panel, under Sending, Domains."),
    Trace.ROUTE: line("A route says what becomes of incoming mail. An attacker uses one to read it."),
    Trace.WEBHOOK: line("A webhook tells an address what becomes of your mail, with whom it went to."),
    Trace.ARCHIVE: line("Whoever has that address gets a copy of every message that the domain delivers."),
    Trace.ADDRESS: line("While the list has entries, Mailgun refuses calls from all other addresses."),
    Trace.ALERT: line(
        "It says whom Mailgun warns. If nobody knows it, delete it in Mailgun's control panel, under Alerts."
    ),
    Trace.SUBACCOUNT: line("If nobody knows it, disable it in Mailgun's control panel, under Subaccounts."),
    Trace.USER: line(
        "If nobody knows them, remove them at ", USERS_PAGE, ". The bot looks there, and sees that they are gone."
    ),
    Trace.SENDING: line(
        "New keys and passwords end it, and what is queued can be deleted. Expected says that your company sent this."
    ),
}


def findings_card(findings: Sequence[Finding], page: int) -> Card:
    """A page of all findings, for whoever asked."""
    pages = max(1, -(-len(findings) // PAGE))
    page = min(max(page, 1), pages)
    shown = in_order(findings)[(page - 1) * PAGE : page * PAGE]
    lines = [line(f"{standing(findings)}.".capitalize())]
    if pages > 1:
        lines.append(line(f"Page {page} of {pages}: ", Code(f"/mailgun-compromised findings {page % pages + 1}")))
    return Card("Findings", "Findings", tuple(lines), rows=tuple(map(row, shown)))
