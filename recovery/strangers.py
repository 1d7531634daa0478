"""Users of the account whom nobody in Slack is known to be: each is a finding until somebody knows them, or they are
gone."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.findings import AGAIN, Finding, FindingStatus, found, is_about_people
from recovery.holdings import Trace
from recovery.looking import LEAST_APART, look_task
from recovery.state import Person, Standing, StepState, StepStatus
from recovery.store import Transaction
from recovery.suspicion import user_title

INVESTIGATE = "investigate"
"""The kind of the step that findings belong to."""

STRANGE = frozenset({Standing.NOT_FOUND, Standing.NO_EMAIL})
KNOWN = frozenset({Standing.FOUND, Standing.NAMED, Standing.BY_HAND})
NOBODY = "nobody in Slack is known to be them"

S = FindingStatus


def investigation(tx: Transaction, incident_id: int) -> StepState | None:
    """The step that findings belong to; None where an earlier version of the bot opened the incident."""
    return next((state for state in tx.steps.of(incident_id) if state.kind == INVESTIGATE), None)


def settle_strangers(
    tx: Transaction, incident_id: int, people: Sequence[Person], now: datetime, listed: Set[str] | None = None
) -> None:
    """Bring the findings to what is known of the people by now. An incident without an investigation has none.

    `listed` are the ids of the users as Mailgun lists them now, where it was just asked: nobody else may have been
    asked of them. Whoever was said to have left stays a finding until Mailgun lists them no more.
    """
    state = investigation(tx, incident_id)
    if state is None:
        return
    findings = {finding.subject: finding for finding in tx.findings.of(incident_id) if finding.trace is Trace.USER}
    new: list[Finding] = []
    settled: list[tuple[Finding, AuditFacts]] = []
    back: list[tuple[Finding, AuditFacts]] = []
    for person in people:
        is_there = person.left_at is None if listed is None else person.mailgun_id in listed
        finding = findings.get(person.mailgun_id)
        if finding is None:
            new += [_as_finding(person, now)] if is_there and person.standing in STRANGE else []
        elif not is_about_people(finding):
            continue
        elif finding.status is S.OPEN:
            settled += _settled(finding, person, now, is_there=is_there)
        elif finding.status is S.GONE and is_there and person.standing in STRANGE:
            again = replace(finding.moved(S.OPEN), reasons=(NOBODY, AGAIN))
            back.append((again, found(again)))
    tx.findings.save([finding for finding, _ in (*settled, *back)])
    facts = [found(finding) for finding in tx.findings.add(incident_id, new)]
    tx.audit.append_all(incident_id, now, facts + [entry for _, entry in (*settled, *back)])
    _move_step(tx, state, now, is_open=bool(new or back), is_settled=bool(settled))


def _settled(finding: Finding, person: Person, now: datetime, *, is_there: bool) -> list[tuple[Finding, AuditFacts]]:
    """The finding as it stands now, with the trail's entry; nothing where nothing has changed."""
    if not is_there:
        return [(finding.moved(S.GONE), AuditFacts(Actor.BOT, Action.FINDING_GONE, finding.called))]
    if person.standing in KNOWN:
        by = person.standing_by or Actor.BOT
        known = AuditFacts(by, Action.EXPECTED, finding.called, "it is known now who that is")
        return [(finding.moved(S.EXPECTED, person.standing_by, now), known)]
    return []


def _move_step(tx: Transaction, state: StepState, now: datetime, *, is_open: bool, is_settled: bool) -> None:
    """A stranger who turns up later opens the step again, and is looked after; with the last of them it may be done."""
    if is_open:
        tx.steps.move(state, [StepStatus.DONE], StepStatus.WAITING)
        tx.tasks.add([look_task(state.incident_id, now + LEAST_APART)])
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
