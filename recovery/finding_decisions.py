"""Decisions about findings: expected, remove, put back. Each happens once, in one transaction.

Every function here runs inside a transaction and answers with a sentence for whoever asked.
"""

from recovery.audit import Action, AuditFacts
from recovery.decisions import By
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
from recovery.investigating import go_on
from recovery.progress import state_of
from recovery.removing import may_be_own_key, owner_of, removal
from recovery.state import Incident, StepState, StepStatus
from recovery.steps import STEPS
from recovery.store import Transaction
from recovery.strangers import investigation
from recovery.text import Line, Who, line, sentence
from recovery.things import kept

RECEIVES_IT = line(
    "Two people are needed here: its new secret would be yours. Ask another approver. Nothing was changed."
)

S = FindingStatus


def expected(tx: Transaction, incident: Incident, by: By, finding: Finding, *, is_own: bool) -> Line:
    """Somebody says that it is theirs; of an allowlist entry perhaps that it is the bot's own address."""
    is_own = is_own and finding.trace is Trace.ADDRESS
    moved = _move(tx, by, finding, (S.OPEN, S.LEFT), S.EXPECTED, is_own=is_own)
    if moved is None:
        return _too_late(tx, finding)
    result = "it is the bot's own address" if is_own else ""
    _record(tx, incident, by, Action.EXPECTED, finding, result)
    go_on(tx, incident, _state(tx, incident))
    return line(f"{sentence(finding.called)} counts as expected.")


def attack(tx: Transaction, incident: Incident, by: By, finding: Finding) -> Line:
    """Somebody says that it was the attack itself."""
    if finding.trace not in CAN_BE_CONFIRMED:
        return line(f"{sentence(finding.called)} is something that can be removed. Nothing was changed.")
    if _move(tx, by, finding, (S.OPEN, S.EXPECTED, S.LEFT), S.CONFIRMED) is None:
        return _too_late(tx, finding)
    _record(tx, incident, by, Action.CONFIRMED_ATTACK, finding, "")
    go_on(tx, incident, _state(tx, incident))
    return line(f"{sentence(finding.called)} counts as the attack. Mailgun Support is told so.")


def remove(tx: Transaction, incident: Incident, by: By, finding: Finding, *, in_use: str | None) -> Line:
    """Have it removed. `in_use` is the id of the key that the bot works with, None where it does not know that: then an
    account key waits until it works with one of its own."""
    if finding.trace not in CAN_BE_REMOVED:
        return line(
            f"The bot cannot remove {finding.called}. Remove it in Mailgun's control panel: the bot looks there, and "
            "sees that it is gone. Nothing was changed."
        )
    if finding.is_own or (finding.trace is Trace.KEY and finding.subject == in_use):
        return line(
            f"The bot {'works with that key' if finding.trace is Trace.KEY else 'calls from that address'}: without it "
            "it could do nothing more. Nothing was changed."
        )
    moved = _move(tx, by, finding, (S.OPEN, S.EXPECTED, S.RESTORED, S.LEFT), S.REMOVING)
    if moved is None:
        return _too_late(tx, finding)
    _record(tx, incident, by, Action.REMOVAL_APPROVED, finding, "")
    _plan(tx, incident, moved, back=False)
    if in_use is None and may_be_own_key(finding):
        return line(
            f"{sentence(finding.called)} may be the key that the bot works with: Mailgun does not tell. It is removed, "
            "without a replacement, as soon as the bot has a key of its own: approve resetting the API keys."
        )
    return line(f"{sentence(finding.called)} is being removed.")


def put_back(tx: Transaction, incident: Incident, by: By, finding: Finding, *, two_person: bool) -> Line:
    """Have it put back as it was; of a key or a login, have another made and handed over: where two people are needed
    for a secret, not by whoever receives it."""
    if finding.trace not in CAN_BE_PUT_BACK | MADE_ANEW:
        return line(f"The bot did not remove {finding.called}. Nothing was changed.")
    if finding.trace in MADE_ANEW:
        if two_person and by.user_id == incident.requester_id:
            return RECEIVES_IT
        return _make_anew(tx, incident, by, finding)
    moved = _move(tx, by, finding, (S.REMOVED,), S.RESTORING)
    if moved is None:
        return _too_late(tx, finding)
    _record(tx, incident, by, Action.PUT_BACK_APPROVED, finding, kept(finding.thing))
    _plan(tx, incident, moved, back=True)
    return line(f"{sentence(finding.called)} is being put back.")


def _make_anew(tx: Transaction, incident: Incident, by: By, finding: Finding) -> Line:
    if finding.status is not S.REMOVED or by.is_late(finding.version):
        return _too_late(tx, finding)
    step = next(step for step in STEPS if step.makes is finding.trace)
    state = state_of(tx, incident, step)
    problem = step.make_anew(tx, incident, state, finding.subject, finding.thing, owner_of(finding))
    if problem is not None:
        return problem
    _move(tx, by, finding, (S.REMOVED,), S.RESTORED)
    _record(tx, incident, by, Action.MADE_ANEW, finding, "")
    return line("Another one is being made. Its secret goes to ", Who(incident.requester_id), ", in a direct message.")


def _plan(tx: Transaction, incident: Incident, finding: Finding, *, back: bool) -> None:
    """The step runs for as long as that takes."""
    state = _state(tx, incident)
    sources = (StepStatus.WAITING, StepStatus.DONE, StepStatus.SKIPPED, StepStatus.NEEDS_ATTENTION)
    state = tx.steps.move(state, sources, StepStatus.RUNNING) or state
    tx.tasks.add([removal(incident, state, finding, back=back)])


def _move(
    tx: Transaction,
    by: By,
    finding: Finding,
    sources: tuple[FindingStatus, ...],
    to: FindingStatus,
    **fields: object,
) -> Finding | None:
    if by.is_late(finding.version):
        return None
    return tx.findings.move(finding, sources, to, decided_by=by.user_id, decided_at=by.at, **fields)


def _record(tx: Transaction, incident: Incident, by: By, action: Action, finding: Finding, result: str) -> None:
    tx.audit.append(incident.id, by.at, AuditFacts(by.user_id, action, finding.called, result))


def _too_late(tx: Transaction, finding: Finding) -> Line:
    """It stands otherwise by now: how, and by whom."""
    now = tx.findings.get(finding.id)
    under_way = " That is under way." if now.status in UNDER_WAY else ""
    by = (" by ", Who(now.decided_by)) if now.decided_by else ()
    return line(f"{sentence(now.called)} is {now.status}", *by, f".{under_way} Nothing was changed.")


def _state(tx: Transaction, incident: Incident) -> StepState:
    state = investigation(tx, incident.id)
    assert state is not None  # it has findings
    return state
