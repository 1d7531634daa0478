"""The checklist in a step's message: leaving a part of a step out, and including it again."""

from collections.abc import Callable, Mapping

from recovery.actions import Ask
from recovery.audit import Action, AuditFacts
from recovery.content import Card
from recovery.decisions import By, too_late
from recovery.progress import state_of
from recovery.sheet import Sheet, decides
from recovery.state import Incident, Json
from recovery.step import MAY_BE_CHOSEN, Step, left_out
from recovery.steps import step_of_kind
from recovery.store import Transaction
from recovery.text import Line, line, sentence


def choose(tx: Transaction, incident: Incident, step: Step, by: By, part: str, *, out: bool) -> Line:
    """Leave a part of a step out, or include it again, while nobody has decided on the step.

    The version grows with it: whoever approves has seen what they approve.
    """
    title = step.parts.get(part)
    if title is None:
        return line(f"{sentence(step.label)} has no such part. Nothing was changed.")
    state = state_of(tx, incident, step)
    left = left_out(state)
    if state.status not in MAY_BE_CHOSEN or by.version not in (None, state.version):
        return too_late(tx, incident, step)
    if (part in left) is out:
        return line(f"{title}: {'left out' if out else 'included'} already.")
    kept: list[Json] = [*sorted(left | {part} if out else left - {part})]
    if tx.steps.move(state, [state.status], state.status, facts={**state.facts, "left_out": kept}) is None:
        return too_late(tx, incident, step)
    action = Action.LEFT_OUT if out else Action.INCLUDED
    tx.audit.append(incident.id, by.at, AuditFacts(by.user_id, action, f"{title}, of {step.label}"))
    return line(f"{title}: {'left out' if out else 'included again'}. Nothing happens before the step is approved.")


def leave_out(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return choose(tx, incident, step_of(sheet), sheet.by, sheet.about.get("part", ""), out=True)


def include(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    return choose(tx, incident, step_of(sheet), sheet.by, sheet.about.get("part", ""), out=False)


def step_of(sheet: Sheet) -> Step:
    """The step that the request names. Raises `Missing` for one that this version does not have."""
    return step_of_kind(sheet.about.get("step", ""))


PART_ASKS: Mapping[Ask, Callable[[Sheet], Card | None]] = {
    Ask.LEAVE_OUT: decides(leave_out),
    Ask.INCLUDE: decides(include),
}
