"""The message for Mailgun Support: what was done, when, how many; no secret, no name of a person."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recovery.audit import Action, AuditEntry
from recovery.findings import Finding, FindingStatus
from recovery.holdings import Trace
from recovery.leaving_out import left_out_titles
from recovery.state import Incident, ObligationStatus, StepStatus, TaskStatus
from recovery.step import OLD_KEY_WARNING, Step
from recovery.step_view import StepView
from recovery.text import count, listing

MOST_FOUND = 12
LONGEST_TITLE = 160
"""What is pasted must fit beside the card's other lines; the long version has all of it."""

OURS = (FindingStatus.EXPECTED, FindingStatus.RESTORED)


def support_message(
    incident: Incident,
    views: Sequence[tuple[Step, StepView]],
    entries: Sequence[AuditEntry],
    summaries: Mapping[str, str | None],
    findings: Sequence[Finding] = (),
) -> str:
    """A message to paste into a ticket. `summaries` has what each step says of itself, by its kind."""

    def many(action: Action) -> int:
        return sum(entry.facts.action is action for entry in entries)

    lines = [
        "Our Mailgun account was compromised. We have followed your recovery procedure for a compromised account:",
        "",
    ]
    for step, view in views:
        if step.opens_last:
            continue
        lines.append(f"{step.number}. {step.title}: {outcome(step, view, summaries.get(step.kind))}")
    replaced, deleted = many(Action.KEY_REPLACED), many(Action.KEY_DELETED)
    lines += [
        "",
        f"In numbers: {count(replaced, 'API key')} replaced, {count(deleted, 'old key')} deleted, "
        f"{count(many(Action.SESSION_DELETED), 'control panel session')} ended.",
        f"The incident was opened at {incident.opened_at:%Y-%m-%d %H:%M} UTC.",
    ]
    if incident.keys_expired_at:
        lines.append(f"The last old API key was deleted at {incident.keys_expired_at:%Y-%m-%d %H:%M} UTC.")
    if many(Action.LOOKED_BY_HAND):
        lines.append("At the end we looked through the account once more by hand, in your control panel.")
    lines += [*found(findings), *where_it_leaked(entries, incident), "", plea(incident)]
    return "\n".join(lines)


def found(findings: Sequence[Finding]) -> list[str]:
    """What the attacker left, and what became of it. What is the company's own is counted; users are not named."""
    own = sum(finding.status in OURS for finding in findings)
    theirs = [finding for finding in findings if finding.status not in OURS]
    lines = ["", "What the attacker has left in the account:"] if theirs else []
    lines += [f"- {_named(finding)}: {finding.status}" for finding in theirs[:MOST_FOUND]]
    if len(theirs) > MOST_FOUND:
        lines.append(f"- and {len(theirs) - MOST_FOUND:,} more, in the long version that we can attach")
    if own:
        more = "more " if theirs else ""
        lines.append(f"{count(own, f'{more}thing', f'{more}things')} looked suspicious and {_are(own)} our own.")
    return lines


def _are(many: int) -> str:
    return "is" if many == 1 else "are"


def _named(finding: Finding) -> str:
    title = "a user who was not known to us" if finding.trace is Trace.USER else finding.title
    words = " ".join(title.split())
    return words if len(words) <= LONGEST_TITLE else f"{words[: LONGEST_TITLE - 1]}…"


def where_it_leaked(entries: Sequence[AuditEntry], incident: Incident) -> list[str]:
    """Support's likely questions: where it leaked, and whether that is closed."""
    is_known = any(entry.facts.action is Action.SOURCE_FOUND for entry in entries)
    where = "Where the key leaked is said above." if is_known else "We have not found where a key or password leaked."
    closed = "Every API key from before the incident is deleted, so what leaked no longer works."
    return ["", where, *([closed] if incident.keys_expired_at else [])]


def plea(incident: Incident) -> str:
    """What Support is asked for: by whether the account was disabled, as far as the count at the start showed that."""
    if incident.was_disabled:
        return "Please re-enable the account, and tell us if anything else is needed."
    look = "look for anything else on your side that the attacker may have done or left behind, and tell us about it."
    if not incident.watched:
        return f"If the account is disabled, please re-enable it. Please also {look}"
    return (
        "With this the account is recovered. It was not disabled when we began, so as far as we can see there is "
        f"nothing to re-enable. Please {look}"
    )


def whole(view: StepView) -> StepView:
    """The same with all its rounds: a card speaks of the last one alone."""
    facts = {name: value for name, value in view.state.facts.items() if name != "earlier"}
    return replace(view, state=replace(view.state, facts=facts))


def outcome(step: Step, view: StepView, summary: str | None = None) -> str:
    """What became of one step, in Support's words."""
    view = whole(view)
    state = view.state
    progress = summary or step.progress(view).removesuffix(f"; {OLD_KEY_WARNING}")
    by_hand = view.tasks(step.hand_kind, TaskStatus.DONE)
    if by_hand:
        progress = f"{progress}; {count(by_hand, 'item')} of it" if progress else count(by_hand, "item")
        progress = f"{progress} by hand, in your control panel"
    if state.status is StepStatus.SKIPPED:
        begun = any(n.get(TaskStatus.DONE) for kind, n in view.tally.items() if kind != step.begin_kind)
        in_part = progress if begun else ""
        return f"{in_part}; the rest was left as it is: {state.reason}" if in_part else f"not done: {state.reason}"
    if titles := left_out_titles(step, state):
        left = f"left as they were by our decision: {listing(titles)}"
        progress = f"{progress}; {left}" if progress else left
    when = f" ({state.finished_at:%Y-%m-%d %H:%M} UTC)" if state.finished_at else ""
    if step.asks_people:
        counted = [o for o, _ in view.obligations if o.status is not ObligationStatus.DROPPED]
        excused = sum(o.status is ObligationStatus.EXCUSED for o in counted)
        met = sum(not o.is_open for o in counted) - excused
        vouched = sum(o.status is ObligationStatus.VOUCHED for o in counted)
        text = f"{met} of {count(len(counted), 'user')}"
        text += f", {vouched} of them confirmed by us" if vouched else ""
        return text + (f", {excused} left out by us, with a reason" if excused else "") + when
    return f"done{when}; {progress}" if progress else f"done{when}"
