"""Users of the account whom nobody in Slack is known to be: each is a finding until somebody knows them, or they are
gone."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.findings import Finding, FindingStatus, is_about_people
from recovery.holdings import Trace
from recovery.state import Person, Standing, StepState, StepStatus
from recovery.store import Transaction
from recovery.suspicion import user_title

INVESTIGATE = "investigate"
"""The kind of the step that findings belong to."""

STRANGE = frozenset({Standing.NOT_FOUND, Standing.NO_EMAIL})
KNOWN = frozenset({Standing.FOUND, Standing.NAMED, Standing.BY_HAND})
NOBODY = "nobody in Slack is known to be them"

S = FindingStatus


def settle_strangers(
    tx: Transaction, incident_id: int, people: Sequence[Person], now: datetime, listed: Collection[str] | None = None
) -> None:
    """Bring the findings to what is known of the people by now. An incident without an investigation has none.

    Whoever was said to have left stays a finding until Mailgun lists them no more. `listed` is the ids of the users
    that it lists now; None where it was not asked, and what the people themselves say counts: while nobody is asked for
    anything, they are not held against Mailgun's list otherwise.
    """
    state = next((state for state in tx.steps.of(incident_id) if state.kind == INVESTIGATE), None)
    if state is None:
        return
    gone = {one.mailgun_id for one in people if one.left_at or (listed is not None and one.mailgun_id not in listed)}
    findings = {finding.subject: finding for finding in tx.findings.of(incident_id) if finding.trace is Trace.USER}
    strange = [person for person in people if person.mailgun_id not in gone and person.standing in STRANGE]
    new = tx.findings.add(incident_id, [_as_finding(one, now) for one in strange if one.mailgun_id not in findings])
    settled = [
        pair
        for person in people
        if (finding := findings.get(person.mailgun_id)) is not None
        and is_about_people(finding)
        and finding.status is S.OPEN
        and (pair := _settled(finding, person, now, is_gone=person.mailgun_id in gone)) is not None
    ]
    tx.findings.save([finding for finding, _ in settled])
    facts = [AuditFacts(Actor.BOT, Action.FOUND, finding.called, NOBODY) for finding in new]
    tx.audit.append_all(incident_id, now, facts + [entry for _, entry in settled])
    _move_step(tx, state, is_open=bool(new), is_settled=bool(settled))


def _settled(finding: Finding, person: Person, now: datetime, *, is_gone: bool) -> tuple[Finding, AuditFacts] | None:
    """The finding as it stands now, with the trail's entry; None where nothing has changed."""
    moved = replace(finding, version=finding.version + 1, decided_by=person.standing_by, decided_at=now)
    if is_gone:
        return replace(moved, status=S.GONE), AuditFacts(Actor.BOT, Action.FINDING_GONE, finding.called)
    if person.standing in KNOWN:
        by = person.standing_by or Actor.BOT
        known = AuditFacts(by, Action.EXPECTED, finding.called, "it is known now who that is")
        return replace(moved, status=S.EXPECTED), known
    return None


def _move_step(tx: Transaction, state: StepState, *, is_open: bool, is_settled: bool) -> None:
    """A stranger who turns up later opens the step again; with the last of them it may be done."""
    if is_open:
        tx.steps.move(state, [StepStatus.DONE], StepStatus.WAITING)
    elif is_settled:
        tx.steps.move(state, [StepStatus.WAITING], StepStatus.RUNNING)


def _as_finding(person: Person, now: datetime) -> Finding:
    return Finding(
        id=0,
        incident_id=0,
        number=0,
        trace=Trace.USER,
        subject=person.mailgun_id,
        title=user_title(person.email, person.name, person.mailgun_id, person.role, is_master=person.is_master),
        reasons=(NOBODY,),
        status=S.OPEN,
        found_at=now,
        thing={
            "stranger": True,
            "id": person.mailgun_id,
            "address": person.email,
            "name": person.name,
            "role": person.role,
        },
    )
