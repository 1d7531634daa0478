"""What the message for Mailgun Support, and its long version, are made of: read in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from recovery.board import read_board
from recovery.isolation import checks_of
from recovery.policy import Policy
from recovery.report import Noted, Report
from recovery.scanning import scan_of
from recovery.state import Incident
from recovery.step import Step, notes
from recovery.store import Transaction
from recovery.support_message import support_message


def read_message(tx: Transaction, steps: Sequence[Step], incident: Incident, policy: Policy) -> str:
    """The message to be pasted into the ticket, as it is now."""
    board = read_board(tx, steps, incident.id, policy)
    summaries = {each.kind: each.summary(tx, incident, view.state) for each, view in board.views}
    entries, findings = tx.audit.entries(incident.id), tx.findings.of(incident.id)
    return support_message(board.incident, board.views, entries, summaries, findings)


def read_report(tx: Transaction, steps: Sequence[Step], incident: Incident, policy: Policy, now: datetime) -> Report:
    """Its long version, without the names of Slack users."""
    states = {state.kind: state for state in tx.steps.of(incident.id)}
    noted: list[Noted] = []
    for step in steps:
        written = notes(states[step.kind]) if step.topics and step.kind in states else {}
        noted += [Noted(step.topics[topic], one["text"], one["by"], one["at"]) for topic, one in written.items()]
    return Report(
        incident,
        now,
        read_message(tx, steps, incident, policy),
        tx.findings.of(incident.id),
        [result for state in states.values() for result in scan_of(state).results],
        [check for state in states.values() for check in checks_of(state).values()],
        noted,
    )
