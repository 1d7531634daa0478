"""At the plan's key limit: which key an approver lets go first, and which one is the bot's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recovery.actions import Ask
from recovery.audit import Action, AuditFacts
from recovery.content import Card
from recovery.decisions import By, decided, too_late
from recovery.doubts import count_anew
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


@dataclass(frozen=True)
class Chosen:
    """The key that was chosen as the answer, and the step that asks."""

    step: Step
    state: StepState
    key_id: str
    key: Facts

    @property
    def name(self) -> str:
        """How people call the key."""
        return described(self.key_id, self.key)


def answers(
    wanted: Question, act: Callable[[Sheet, Transaction, Incident, Chosen], Line]
) -> Callable[[Sheet, Transaction, Incident], Line]:
    """A decision that answers this question by one of the keys that it offers."""

    def decision(sheet: Sheet, tx: Transaction, incident: Incident) -> Line:
        found = open_question(tx, incident, wanted)
        if found is None:
            return NOT_ASKED
        step, state, question = found
        key_id = sheet.about.get("chosen", "")
        if key_id not in question.keys:
            return unknown_key(question)
        return act(sheet, tx, incident, Chosen(step, state, key_id, question.keys[key_id]))

    return decision


def make_room(sheet: Sheet, tx: Transaction, incident: Incident, chosen: Chosen) -> Line:
    """An approver names the key that is deleted before its replacement. That is planned here, before it is deleted."""
    known_by = fingerprint(sheet.job.tools.vault.current())
    state, key_id = chosen.state, chosen.key_id
    if not go_on(tx, sheet.by, state, {}):
        return too_late(tx, incident, chosen.step)
    tx.audit.append(incident.id, sheet.by.at, AuditFacts(sheet.by.user_id, Action.ROOM_CHOSEN, chosen.name))
    first: dict[str, object] = {FIRST: True, KNOWN_BY: known_by, ASKS: None}
    failed = [task for task in tx.tasks.of_step(state.id, TaskStatus.FAILED, kind=REPLACE) if task.subject == key_id]
    for task in failed:
        tx.tasks.note(task, merged(task.payload, first))
    if not failed:
        tx.tasks.add([replace_task_of(incident.id, state.id, key_id, merged(chosen.key, first))])
    retry_failed(tx, sheet.by, state)
    return line(
        f"The key “{chosen.name}” is deleted now. The applications that use it have no key until its replacement is "
        "handed over to ",
        Who(incident.requester_id),
        ".",
    )


def own_key(sheet: Sheet, tx: Transaction, incident: Incident, chosen: Chosen) -> Line:
    """An approver says which of the listed keys the bot works with: that one is not offered for deletion."""
    own: dict[str, Json] = {"id": chosen.key_id, "fingerprint": fingerprint(sheet.job.tools.vault.current())}
    if not go_on(tx, sheet.by, chosen.state, {"own_key": own}):
        return too_late(tx, incident, chosen.step)
    tx.audit.append(incident.id, sheet.by.at, AuditFacts(sheet.by.user_id, Action.OWN_KEY_NAMED, chosen.name))
    retry_failed(tx, sheet.by, chosen.state)
    return line(f"The bot takes “{chosen.name}” for its own key and goes on.")


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
    Ask.MAKE_ROOM: decides(answers(Question.WHICH_GOES, make_room), ended_too=True),
    Ask.OWN_KEY: decides(answers(Question.WHICH_IS_OWN, own_key), ended_too=True),
}
