"""What each ask about findings comes to."""

from collections.abc import Callable, Mapping

from recovery import finding_decisions as decisions
from recovery.access import Right
from recovery.actions import Ask
from recovery.answers import plain_card
from recovery.content import Card
from recovery.finding_cards import findings_card, more_card
from recovery.findings import Finding
from recovery.looking import look_task
from recovery.removing import in_use
from recovery.sheet import Sheet, close, decide, decides, incident_of, refuse
from recovery.state import Incident
from recovery.store import Transaction
from recovery.strangers import investigation
from recovery.text import Line, line

NO_FINDING = line("There is no such finding in this incident. /mailgun-compromised findings lists them.")


def named(sheet: Sheet, tx: Transaction, incident: Incident) -> Finding | None:
    """The finding that the ask is about: by its button's id, or by the number that was typed."""
    chosen, typed = sheet.about.get("finding"), sheet.about.get("number", "")
    for finding in tx.findings.of(incident.id):
        if chosen == str(finding.id) or (chosen is None and typed == str(finding.number)):
            return finding
    return None


def of_finding(
    act: Callable[[Sheet, Transaction, Incident, Finding], Line],
) -> Callable[[Sheet, Transaction, Incident], Line]:
    """A decision about one finding."""

    def decision(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
        finding = named(sheet, tx, incident)
        return NO_FINDING if finding is None else act(sheet, tx, incident, finding)

    return decision


def expected(sheet: Sheet, tx: Transaction, incident: Incident, finding: Finding) -> Line:
    return decisions.expected(tx, incident, sheet.by, finding, is_own=sheet.about.get("own") == "yes")


def attack(sheet: Sheet, tx: Transaction, incident: Incident, finding: Finding) -> Line:
    return decisions.attack(tx, incident, sheet.by, finding)


def put_back(sheet: Sheet, tx: Transaction, incident: Incident, finding: Finding) -> Line:
    two = sheet.job.tools.policy.two_person
    return decisions.put_back(tx, incident, sheet.by, finding, two_person=two)


def remove(sheet: Sheet) -> Card | None:
    """Only an approver may; and never the key or the address that the bot needs."""
    why = sheet.refusal(Right.DECIDE)
    if why:
        return refuse(sheet, why)
    own = in_use(sheet.job)

    def act(tx: Transaction, incident: Incident) -> Line:
        finding = named(sheet, tx, incident)
        return NO_FINDING if finding is None else decisions.remove(tx, incident, sheet.by, finding, in_use=own)

    return decide(sheet, act)


def more(sheet: Sheet) -> Card | None:
    """Anybody may look."""
    with sheet.job.tools.store.read() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=True)
        finding = named(sheet, tx, incident) if incident else None
        card = more_card(finding) if finding else plain_card(NO_FINDING if incident else problem)
    close(sheet.job, sheet.request, card)
    return card


def findings(sheet: Sheet) -> Card | None:
    """Anybody may look."""
    page = sheet.about.get("page", "")
    with sheet.job.tools.store.read() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=True)
        if incident is None:
            card = plain_card(problem)
        else:
            card = findings_card(tx.findings.of(incident.id), int(page) if page.isdigit() else 1)
    close(sheet.job, sheet.request, card)
    return card


def look_again(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    if investigation(tx, incident.id) is None:
        return line("An earlier version opened this incident, without an investigation. Nothing was changed.")
    tx.tasks.add([look_task(incident.id, None, "asked")])
    return line("The account is looked through once more. What is found stands on the card of step 0.")


FINDING_ASKS: Mapping[Ask, Callable[[Sheet], Card | None]] = {
    Ask.EXPECTED: decides(of_finding(expected)),
    Ask.ATTACK: decides(of_finding(attack)),
    Ask.REMOVE: remove,
    Ask.PUT_BACK: decides(of_finding(put_back)),
    Ask.MORE: more,
    Ask.FINDINGS: findings,
    Ask.LOOK_AGAIN: decides(look_again),
}
