"""Decisions about the note: what the hosting provider said, what was found in public repositories."""

from recovery.audit import Action, AuditFacts
from recovery.decisions import By, too_late
from recovery.leaks import in_words
from recovery.progress import state_of
from recovery.scanning import scan_of
from recovery.state import Incident, Json, StepStatus
from recovery.step import Step, notes
from recovery.steps import STEPS
from recovery.store import Transaction
from recovery.text import Line, Who, line


def note(tx: Transaction, incident: Incident, by: By, topic: str, found: str) -> Line:
    """Write down what was found for one topic of the note; with both, it is done."""
    step = next((step for step in STEPS if topic in step.topics), None)
    if step is None:
        return line("That is not a topic of the note.")
    title = step.topics[topic]
    state = state_of(tx, incident, step)
    known = notes(state)
    if topic in known:
        return line(f"{title}: noted already, by ", Who(known[topic]["by"]), ".")
    if state.status not in (StepStatus.WAITING, StepStatus.SKIPPED):
        return too_late(tx, incident, step)
    noted: dict[str, Json] = {name: dict(entry) for name, entry in known.items()}
    noted[topic] = {"text": found, "by": by.user_id, "at": by.at.isoformat()}
    tx.steps.set(state.id, facts={**state.facts, "notes": noted})
    tx.audit.append(incident.id, by.at, AuditFacts(by.user_id, Action.NOTED, title, found))
    state = state_of(tx, incident, step)
    if step.is_complete(tx, incident, state):
        tx.steps.move(
            state,
            [StepStatus.WAITING, StepStatus.SKIPPED],
            StepStatus.DONE,
            finished_at=by.at,
            decision=None,
            decided_by=None,
            decided_at=None,
            reason=None,
        )
    return line(f"{title}: noted.")


def note_scan(tx: Transaction, incident: Incident, by: By, step: Step, drawn: str | None) -> Line:
    """Write down, as the note about repositories, what the scan came to."""
    scan = scan_of(state_of(tx, incident, step))
    if not scan.is_over:
        return line("There is no finished scan whose result could be noted. Nothing was changed.")
    if drawn is not None and drawn != str(scan.number):
        return line("The repositories were scanned once more meanwhile. Nothing was noted.")
    return note(tx, incident, by, "repositories", f"{in_words(scan.results)}.")
