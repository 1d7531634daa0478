"""What each ask about steps that people do by hand comes to. Only an approver may."""

from collections.abc import Callable, Mapping

from recovery import by_hand
from recovery.actions import Ask
from recovery.content import Card
from recovery.sheet import Sheet, decides
from recovery.state import Incident
from recovery.steps import STEPS, step_of_kind
from recovery.store import Transaction
from recovery.text import Line


def go_by_hand(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    step = step_of_kind(sheet.about.get("step", ""))
    if step.opens_last:
        return by_hand.looked_by_hand(tx, sheet.job.tools, incident, step, sheet.by)
    return by_hand.go_by_hand(tx, incident, step, sheet.by, sheet.job.tools.policy)


def did_by_hand(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    step = step_of_kind(sheet.about.get("step", ""))
    about = {name: sheet.about.get(name, "") for name in ("item", "group", "target")}
    return by_hand.did_by_hand(tx, incident, step, sheet.by, by_hand.Chosen(**about))


def let_bot(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    two = sheet.job.tools.policy.two_person
    return by_hand.let_bot(tx, incident, step_of_kind(sheet.about.get("step", "")), sheet.by, two_person=two)


def works_again(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    step = next(step for step in STEPS if step.opens_last)
    return by_hand.works_again(tx, incident, step, sheet.by)


HAND_ASKS: Mapping[Ask, Callable[[Sheet], Card | None]] = {
    Ask.GO_BY_HAND: decides(go_by_hand),
    Ask.DID_BY_HAND: decides(did_by_hand),
    Ask.LET_BOT: decides(let_bot),
    Ask.WORKS_AGAIN: decides(works_again),
}
