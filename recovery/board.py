"""The board and the steps' cards: what the thread shows, from the database alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from recovery.actions import Ask
from recovery.content import Button, Card, Row, Style
from recovery.hand import is_by_hand
from recovery.hand_cards import (
    give_key_button,
    hand_buttons,
    hand_lines,
    hand_progress,
    hand_rows,
    more_by_hand,
    refusal_buttons,
    refusal_lines,
)
from recovery.leaving_out import CHOOSABLE, left_out_titles, part_rows
from recovery.people import may_be_confirmed
from recovery.policy import Policy
from recovery.refusals import REFUSED, helps
from recovery.state import (
    Handover,
    HandoverStatus,
    Incident,
    IncidentStatus,
    ObligationStatus,
    StepState,
    StepStatus,
    Task,
)
from recovery.step import Step, steps_of
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Bold, Code, Line, Link, When, Who, count, line, listing
from recovery.troubles import STATUS_PAGE, key_refused

MOST_FAILURES_SHOWN = 25
STATUS_PAGE_URL = "https://status.mailgun.com"
BY_HAND = line("Until then, each step's message in the thread offers to go on by hand.")

STATUS_WORDS = {
    StepStatus.LOCKED: "not open yet",
    StepStatus.WAITING: "waits for a decision",
    StepStatus.RUNNING: "running",
    StepStatus.NEEDS_ATTENTION: "needs attention",
    StepStatus.DONE: "done",
    StepStatus.SKIPPED: "skipped",
    StepStatus.CANCELLED: "cancelled",
}


@dataclass(frozen=True)
class Board:
    """Everything that the thread's cards are made of, read in one transaction."""

    incident: Incident
    views: Sequence[tuple[Step, StepView]]
    handovers: Sequence[Handover]


def read_board(tx: Transaction, steps: Sequence[Step], incident_id: int, policy: Policy) -> Board:
    """The board of an incident. The number of queries is the same for every incident, but for what is done by hand."""
    incident = tx.incidents.get(incident_id)
    people = {person.id: person for person in tx.people.of(incident_id)}
    obligations = tx.people.obligations(incident_id)
    tallies, failed = tx.tasks.tallies(incident_id), tx.tasks.failed(incident_id)
    findings = tx.findings.of(incident_id)
    at_hand = [step.hand_kind for step, state in steps_of(tx, steps, incident) if is_by_hand(state)]
    left = tx.tasks.ready_of_kinds(incident_id, at_hand) if at_hand else []
    views = []
    for step, state in steps_of(tx, steps, incident):
        mine = [(o, people[o.person_id]) for o in obligations if o.step_id == state.id]
        failures = [task for task in failed if task.step_id == state.id]
        by_hand = [task for task in left if task.step_id == state.id]
        tally = tallies.get(state.id, {})
        views.append((step, StepView(incident, state, tally, failures, mine, findings, policy, by_hand)))
    return Board(incident, views, tx.handovers.of(incident_id, HandoverStatus.SENT, HandoverStatus.EXPIRED))


def board_card(board: Board) -> Card:
    """The first message of the thread: the steps, who decided, how far, what is stuck."""
    incident = board.incident
    lines: list[Line] = [
        line(
            "Opened by ",
            Who(incident.opened_by),
            " at ",
            When(incident.opened_at),
            ". ",
            Bold(status_line(board)),
        ),
    ]
    if incident.description:
        lines.append(line("What was said: ", incident.description))
    if incident.requester_id != incident.opened_by:
        lines.append(line("New secrets go to ", Who(incident.requester_id), "."))
    lines.extend(trouble_lines(incident))
    lines.extend(step_line(step, view) for step, view in board.views)
    lines.extend(handover_lines(board))
    return Card(
        notification=f"Mailgun account compromised: incident {incident.id}, {incident.status}.",
        title=f"Mailgun account compromised: incident {incident.id}",
        lines=tuple(lines),
        footer=line(
            "Each step is below, in the thread, with its buttons. ",
            Code("/mailgun-compromised help"),
            " says what can be typed instead.",
        ),
        buttons=(give_key_button(incident),) if key_refused(incident) else (),
    )


def trouble_lines(incident: Incident) -> list[Line]:
    """What keeps the bot from its work, and what helps where Mailgun refuses its key."""
    lines: list[Line] = []
    for source, says in incident.troubles.items():
        page: Line = (" See ", Link(STATUS_PAGE_URL, "status.mailgun.com"), ".") if source == STATUS_PAGE else ()
        lines.append((Bold("Trouble:"), " ", says, *page))
    why = key_refused(incident)
    return lines if why is None else [*lines, *helps(why), BY_HAND]


def status_line(board: Board) -> str:
    """The incident's status in a few words, with how many people are left."""
    left = len(people_left(board))
    waiting = f"; {count(left, 'person', 'people')} still to do their part" if left else ""
    match board.incident.status:
        case IncidentStatus.OPEN:
            return f"Open{waiting}."
        case IncidentStatus.RECOVERED:
            return f"Recovered: the account works{without_two_factor(board) or waiting}."
        case IncidentStatus.CLOSED:
            return "Recovered and closed: nobody is left to remind."
        case IncidentStatus.CANCELLED:
            return "Cancelled."


def without_two_factor(board: Board) -> str:
    """How many people still lack two-factor authentication, as the end of a sentence; empty where nobody does."""
    asked = [
        obligation
        for step, view in board.views
        if step.may_keep_reminding
        for obligation, _ in view.obligations
        if obligation.status is not ObligationStatus.DROPPED
    ]
    left = sum(obligation.is_open or obligation.status is ObligationStatus.EXCUSED for obligation in asked)
    return f"; {left} of {len(asked)} still without 2FA" if left else ""


def people_left(board: Board) -> set[int]:
    """The ids of the people who still have something to do."""
    return {person.id for _, view in board.views for obligation, person in view.obligations if obligation.is_open}


def step_line(step: Step, view: StepView) -> Line:
    """One step on the board."""
    state = view.state
    parts: list[str | Who | Bold] = [f"{step.number}. {step.title}: ", Bold(stands(state))]
    progress, by_hand = step.progress(view), hand_progress(step, view)
    if progress:
        parts.append(f", {progress}")
    if by_hand:
        parts.append(f", by hand {by_hand}")
    if state.decided_by and state.decision:
        parts += [
            f" ({state.decision} by ",
            Who(state.decided_by),
            f": {state.reason})" if state.reason else ")",
        ]
    if view.failures:
        parts.append(f"; {count(len(view.failures), 'failure')}")
    if state.keep_reminding and state.status is StepStatus.RUNNING:
        parts.append("; reminders go on")
    return tuple(parts)


def handover_lines(board: Board) -> list[Line]:
    """Handovers that nobody saved yet, or in time."""
    lines: list[Line] = []
    sent = [h for h in board.handovers if h.status is HandoverStatus.SENT]
    lost = [h for h in board.handovers if h.status is HandoverStatus.EXPIRED]
    if sent:
        numbers = ", ".join(str(handover.number) for handover in sent)
        lines.append(line(f"{count(len(sent), 'handover')} to be saved by the recipient: {numbers}."))
    if lost:
        numbers = ", ".join(str(handover.number) for handover in lost)
        lines.append(line(f"Not saved in time, may be issued anew: handover {numbers}."))
    return lines


def stands(state: StepState) -> str:
    """Where a step stands, in a few words."""
    return "by hand" if is_by_hand(state) else STATUS_WORDS[state.status]


def step_card(step: Step, view: StepView) -> Card:
    """A step's own message in the thread: before, while and after."""
    state = view.state
    lines: list[Line] = []
    if state.decided_by and state.decision and state.status is not StepStatus.WAITING:
        when: Line = (" at ", When(state.decided_at)) if state.decided_at else ()
        reason = f": {state.reason}" if state.reason else "."
        lines.append(line(f"{state.decision.capitalize()} by ", Who(state.decided_by), *when, reason))
    progress = step.progress(view)
    if progress and step.decided_by_approval:
        title = "Result:" if state.status is StepStatus.DONE else "So far:"
        lines.append(line(Bold(title), f" {progress}."))
    if state.status in (StepStatus.LOCKED, StepStatus.WAITING, StepStatus.SKIPPED) or not step.decided_by_approval:
        lines.extend(step.explain(view))
    if state.status not in CHOOSABLE and (titles := left_out_titles(step, state)):
        lines.append(line(Bold("Left out:"), f" {listing(titles)}."))
    if by_hand := hand_progress(step, view):
        lines.append(line(Bold("By hand:"), f" {by_hand}."))
    lines.extend(failure_lines(view.failures))
    lines.extend(refusal_lines(step, view))
    lines.extend([*hand_lines(step, view), *more_by_hand(view.by_hand)])
    at_hand = is_by_hand(state)
    if state.status is StepStatus.RUNNING and any(may_be_confirmed(o, p) for o, p in view.obligations) and not at_hand:
        lines.append(line("Some people cannot be seen at Mailgun or reached in Slack: an approver confirms for them."))
    return Card(
        notification=f"Step {step.number}, {step.title}: {stands(state)}.",
        title=f"{step.number}. {step.title}: {stands(state)}",
        lines=tuple(lines),
        paste=paste_of(step, view),
        rows=rows_of(step, view) if view.incident.status is not IncidentStatus.CANCELLED else (),
        buttons=buttons_of(step, view) if view.incident.status is not IncidentStatus.CANCELLED else (),
    )


def buttons_of(step: Step, view: StepView) -> tuple[Button, ...]:
    """The step's own buttons, with those for a refused key and for what is done by hand."""
    found = [*step.buttons(view), *refusal_buttons(step, view), *hand_buttons(step, view)]
    return tuple({(button.action, tuple(button.about.items())): button for button in found}.values())


def rows_of(step: Step, view: StepView) -> tuple[Row, ...]:
    """The lines with buttons of their own: while people do it by hand, what is left of that."""
    if is_by_hand(view.state):
        return tuple(hand_rows(step, view))
    return (*step.rows(view), *part_rows(step, view.state))


def paste_of(step: Step, view: StepView) -> str | None:
    """The text to be copied, on a step that has one."""
    text = view.state.facts.get("paste")
    return str(text) if text and view.state.status in (StepStatus.WAITING, StepStatus.SKIPPED) else None


def failure_lines(failures: Sequence[Task]) -> list[Line]:
    """The failures, one by one; those of a refused key, which are all alike, by the first of them."""
    refused = [task for task in failures if task.payload.get(REFUSED)]
    others = [task for task in failures if not task.payload.get(REFUSED)]
    lines = [_failure_line(task, "") for task in others[:MOST_FAILURES_SHOWN]]
    if len(others) > MOST_FAILURES_SHOWN:
        lines.append(line(f"and {len(others) - MOST_FAILURES_SHOWN:,} more; Retry takes them all."))
    more = f" and {len(refused) - 1:,} more" if len(refused) > 1 else ""
    return [*lines, *(_failure_line(task, more) for task in refused[:1])]


def _failure_line(task: Task, more: str) -> Line:
    name = str(task.payload.get("name") or task.subject)
    return line("• ", Code(name), f"{more}: {task.failure or 'failed'}")


def report_card(user_id: str, request_id: int, description: str) -> Card:
    """What the channel sees when somebody who may not start an incident reports one."""
    lines: list[Line] = [line(Who(user_id), " reports that the Mailgun account is compromised.")]
    if description:
        lines.append(line("What was said: ", description))
    lines.append(line("Whoever starts the recovery will be handed the new passwords and keys."))
    return Card(
        notification="Somebody reports that the Mailgun account is compromised.",
        lines=tuple(lines),
        buttons=(Button(Ask.OPEN, "Start", {"request": str(request_id)}, Style.DANGER),),
    )
