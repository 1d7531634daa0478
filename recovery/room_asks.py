"""At the plan's key limit: which key an approver lets go first, and which one is the bot's."""

from collections.abc import Callable, Mapping

from recovery.actions import Ask
from recovery.audit import Action, AuditFacts
from recovery.content import Card
from recovery.decisions import By, decided, too_late
from recovery.handovers import count_anew
from recovery.jobs import merged
from recovery.key_plans import FIRST, KNOWN_BY, REPLACE, replace_task_of
from recovery.key_room import ASKS, Asked, Question, asked
from recovery.room_rows import described
from recovery.secret import fingerprint
from recovery.sheet import Sheet, decides
from recovery.state import Facts, Incident, Json, StepState, StepStatus, TaskStatus
from recovery.step import Step, steps_of
from recovery.steps import STEPS
from recovery.store import Transaction
from recovery.text import Line, Who, line

NOT_ASKED = line("Nobody is asked that now: the plan's key limit stops nothing at the moment. Nothing was changed.")


def make_room(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    """An approver names the key that is deleted before its replacement. That is planned here, before it is deleted."""
    known_by = fingerprint(sheet.job.tools.vault.current())
    found = open_question(tx, incident, Question.WHICH_GOES)
    if found is None:
        return NOT_ASKED
    step, state, question = found
    key_id = sheet.about.get("chosen", "")
    key = question.keys.get(key_id)
    if key is None:
        return unknown_key(question)
    if not go_on(tx, sheet.by, state, {}):
        return too_late(tx, incident, step)
    name = described(key_id, key)
    tx.audit.append(incident.id, sheet.by.at, AuditFacts(sheet.by.user_id, Action.ROOM_CHOSEN, name))
    first: dict[str, object] = {FIRST: True, KNOWN_BY: known_by, ASKS: None}
    failed = [task for task in tx.tasks.of_step(state.id, TaskStatus.FAILED, kind=REPLACE) if task.subject == key_id]
    for task in failed:
        tx.tasks.note(task, merged(task.payload, first))
    if not failed:
        tx.tasks.add([replace_task_of(incident.id, state.id, key_id, merged(key, first))])
    retry_failed(tx, sheet.by, state)
    return line(
        f"The key “{name}” is deleted now. The applications that use it have no key until its replacement is handed "
        "over to ",
        Who(incident.requester_id),
        ".",
    )


def own_key(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
    """An approver says which of the listed keys the bot works with: that one is not offered for deletion."""
    found = open_question(tx, incident, Question.WHICH_IS_OWN)
    if found is None:
        return NOT_ASKED
    step, state, question = found
    key_id = sheet.about.get("chosen", "")
    key = question.keys.get(key_id)
    if key is None:
        return unknown_key(question)
    own: dict[str, Json] = {"id": key_id, "fingerprint": fingerprint(sheet.job.tools.vault.current())}
    if not go_on(tx, sheet.by, state, {"own_key": own}):
        return too_late(tx, incident, step)
    name = described(key_id, key)
    tx.audit.append(incident.id, sheet.by.at, AuditFacts(sheet.by.user_id, Action.OWN_KEY_NAMED, name))
    retry_failed(tx, sheet.by, state)
    return line(f"The bot takes “{name}” for its own key and goes on.")


def open_question(tx: Transaction, incident: Incident, wanted: Question) -> tuple[Step, StepState, Asked] | None:
    """The step that asks this now, and what may be the answer."""
    for step, state in steps_of(tx, STEPS, incident):
        question = asked(tx.tasks.of_step(state.id, TaskStatus.FAILED))
        if state.status is StepStatus.NEEDS_ATTENTION and question is not None and question.question is wanted:
            return step, state, question
    return None


def go_on(tx: Transaction, by: By, state: StepState, more: Facts) -> bool:
    """The step runs again, if nobody has decided since the button was drawn."""
    facts = {**state.facts, **more}
    sources = (StepStatus.NEEDS_ATTENTION,)
    return decided(tx, state, by, sources, StepStatus.RUNNING, "continued", facts=facts) is not None


def retry_failed(tx: Transaction, by: By, state: StepState) -> None:
    """Have all that failed tried again."""
    tx.tasks.retry_failed(state.id, by.at)
    count_anew(tx, state)


def unknown_key(question: Asked) -> Line:
    """The answer to a key that is none of those that may be chosen."""
    names = ", ".join(question.keys) or "none"
    return line(f"That is none of the keys that can be chosen: {names}. Nothing was changed.")


ROOM_ASKS: Mapping[Ask, Callable[[Sheet], Card | None]] = {
    Ask.MAKE_ROOM: decides(make_room, ended_too=True),
    Ask.OWN_KEY: decides(own_key, ended_too=True),
}
