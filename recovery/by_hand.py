"""A step by hand: while Mailgun refuses the bot's key, people do in its control panel what the bot cannot.

What is left of the step becomes items, each a task of the step that no worker claims: it waits, through restarts too,
until somebody says that it is done. What the bot did before stays done. With a fresh key the bot does the rest.

Every function that decides runs inside a transaction that has locked the incident, and answers with a sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from recovery import troubles
from recovery.audit import Action, AuditFacts
from recovery.board import read_board
from recovery.decisions import By, decided, too_late
from recovery.hand import HAND_SINCE, TAKEN_BY_HAND, HandItem, is_by_hand
from recovery.handovers import CHANGED
from recovery.jobs import merged
from recovery.leaving_out import everything_is_left_out, nothing_is_left
from recovery.policy import Policy
from recovery.progress import open_last, state_of
from recovery.state import Incident, IncidentStatus, NewTask, StepState, StepStatus, Task, TaskStatus
from recovery.step import Step, scope_of, scope_of_beginning
from recovery.steps import STEPS
from recovery.steps.tell_support import declare_recovered
from recovery.store import Transaction
from recovery.text import Line, When, Who, count, line, sentence
from recovery.tools import Tools

DONE_BY, NAME, IS_WHOLE = "by", "name", "is_whole"
"""In an item's payload: the Slack user id of whoever did it; how people call it; `HandItem.is_whole`."""

NOT_REFUSED = line("Mailgun takes the bot's key: there is no need to go on by hand. Nothing was changed.")


# --- Going on by hand -------------------------------------------------------------------------------------


def go_by_hand(tx: Transaction, incident: Incident, step: Step, by: By, policy: Policy) -> Line:
    """What failed or was not begun becomes items for people; the bot leaves the step alone from here on."""
    # As its card was drawn.
    view = next(view for each, view in read_board(tx, STEPS, incident.id, policy).views if each.kind == step.kind)
    state, failed = view.state, view.failures
    if not step.may_go_by_hand(view):
        return too_late(tx, incident, step) if view.is_refused else NOT_REFUSED
    if state.status is StepStatus.WAITING and nothing_is_left(step, state) and not by.is_late(state.version):
        return everything_is_left_out(step)
    items = items_left(tx, incident, step, state, failed)
    changed = {task.subject for task in failed if task.payload.get(CHANGED)}
    facts = {HAND_SINCE: by.at.isoformat(), **state.facts}
    sources = (StepStatus.WAITING, StepStatus.NEEDS_ATTENTION, StepStatus.RUNNING)
    moved = decided(tx, state, by, sources, StepStatus.RUNNING, TAKEN_BY_HAND, facts=facts)
    if moved is None:
        return too_late(tx, incident, step)
    for task in failed:
        tx.tasks.end(task, TaskStatus.DROPPED, by.at, task.failure)
    tx.tasks.add(_item_task(step, moved, item, changed=item.subject in changed) for item in items)
    many = count(len(items), "item") if items else ""
    tx.audit.append(incident.id, by.at, AuditFacts(by.user_id, Action.BY_HAND_BEGUN, step.label, many))
    step.on_by_hand(tx, incident, moved)
    return line(f"{sentence(step.label)} goes on by hand: its message says what to do in Mailgun's control panel.")


def items_left(
    tx: Transaction, incident: Incident, step: Step, state: StepState, failed: Sequence[Task]
) -> list[HandItem]:
    """What is left of a step: what failed, and all of what was not begun."""
    found = [HandItem(t.subject, str(t.payload.get(NAME) or t.subject)) for t in failed if t.kind != step.begin_kind]
    unbegun = [scope_of_beginning(task) for task in failed if task.kind == step.begin_kind]
    for scope in unbegun if failed else [scope_of(state)]:
        if scope is not None:
            found += [HandItem(subject, subject) for subject in scope]
        else:
            found += [replace(item, is_whole=True) for item in step.hand_items(tx, incident, state)]
    return list({item.subject: item for item in found}.values())


def _item_task(step: Step, state: StepState, item: HandItem, *, changed: bool) -> NewTask:
    return NewTask(
        kind=step.hand_kind,
        key=f"{step.hand_kind}:{state.id}:{item.subject}",
        incident_id=state.incident_id,
        step_id=state.id,
        subject=item.subject,
        # What the bot had begun to change is in nobody's hands until somebody has done it.
        payload={NAME: item.name, CHANGED: changed, IS_WHOLE: item.is_whole},
    )


# --- Doing it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """Which items of a step somebody did: one by its task's id, all of a group, or what they typed."""

    item: str = ""
    group: str = ""
    target: str = ""

    def holds(self, step: Step, task: Task) -> bool:
        """Whether this item is among them."""
        if self.item:
            return self.item == str(task.id)
        if self.group:
            return step.hand_group(task.subject) == self.group
        subjects = (task.subject, step.hand_group(task.subject))
        # A login or a domain may be typed without what it is in.
        names = {str(task.payload.get(NAME, "")), *subjects, *(subject.rpartition("/")[2] for subject in subjects)}
        return self.target.lower() == "all" or typed(self.target) in {typed(name) for name in names if name}


def typed(name: str) -> str:
    """A name as people may type it: its case does not matter, nor whether words are joined by hyphens."""
    return name.lower().replace("-", " ")


def did_by_hand(tx: Transaction, incident: Incident, step: Step, by: By, chosen: Chosen) -> Line:
    """Somebody did items in the control panel: recorded with their name and the time."""
    state = state_of(tx, incident, step)
    items = tx.tasks.of_step(state.id, kind=step.hand_kind)
    meant = [task for task in items if chosen.holds(step, task)]
    left = [task for task in meant if task.status is TaskStatus.READY]
    if not left:
        return _not_left(meant)
    for task in left:
        task = tx.tasks.note(task, merged(task.payload, {DONE_BY: by.user_id, CHANGED: False}))
        tx.tasks.end(task, TaskStatus.DONE, by.at)
    name = str(left[0].payload.get(NAME) or left[0].subject)
    said = name if len(left) == 1 else f"{count(len(left), 'item')} ({chosen.group or chosen.target}), from {name} on"
    facts = AuditFacts(by.user_id, Action.DID_BY_HAND, f"{step.label}: {said}", private=step.asks_people)
    tx.audit.append(incident.id, by.at, facts)
    return line(f"Noted, with your name: {said}.")


def _not_left(meant: Sequence[Task]) -> Line:
    """Why there is nothing to note: somebody was faster, or the bot does it."""
    done = [task for task in meant if task.status is TaskStatus.DONE and task.finished_at is not None]
    if done:
        task = done[-1]
        at = task.finished_at
        assert at is not None
        return line("That was done already, by ", Who(str(task.payload.get(DONE_BY))), " at ", When(at), ".")
    if meant:
        return line("That is no longer to be done by hand. Nothing was changed.")
    return line("Nothing of that name is to be done by hand. Nothing was changed.")


def let_bot(tx: Transaction, incident: Incident, step: Step, by: By, *, two_person: bool) -> Line:
    """The bot does what is left; what people did stays done. Where two people are needed, it is an approval."""
    state = state_of(tx, incident, step)
    if two_person and step.hands_over and by.user_id == incident.requester_id:
        return line("Whoever is handed the secrets may not have the bot make them alone. Ask another approver.")
    if not is_by_hand(state):
        return too_late(tx, incident, step)
    items = tx.tasks.of_step(state.id, TaskStatus.READY, kind=step.hand_kind)
    moved = decided(tx, state, by, (StepStatus.RUNNING,), StepStatus.RUNNING, "given back to the bot")
    if moved is None:
        return too_late(tx, incident, step)
    for task in items:
        tx.tasks.end(task, TaskStatus.DROPPED, by.at)
    _begin_rest(tx, incident, step, moved, items)
    facts = AuditFacts(by.user_id, Action.LET_BOT, step.label, f"{count(len(items), 'item')} left")
    tx.audit.append(incident.id, by.at, facts)
    return line(f"The bot goes on with {step.label}. What was done by hand stays as it is.")


def _begin_rest(tx: Transaction, incident: Incident, step: Step, state: StepState, items: Sequence[Task]) -> None:
    """Plan that the bot does what these items stand for. The step leaves out what was done by hand."""
    if not items:
        return
    is_whole = any(task.payload.get(IS_WHOLE) for task in items)
    begin = step.beginning(incident, state, f"rest-{state.version}", None if is_whole else [t.subject for t in items])
    changed = any(task.payload.get(CHANGED) for task in items)
    begin = replace(begin, payload=merged(begin.payload, {CHANGED: changed}))
    tx.tasks.add([step.with_parts(state, begin)])


# --- The last step ----------------------------------------------------------------------------------------


def looked_by_hand(tx: Transaction, tools: Tools, incident: Incident, step: Step, by: By) -> Line:
    """The bot cannot list what is left, and somebody has looked instead: the last step opens."""
    state = state_of(tx, incident, step)
    if troubles.key_refused(incident) is None:
        return NOT_REFUSED
    if state.status is not StepStatus.LOCKED or by.is_late(state.version):
        return too_late(tx, incident, step)
    if any(not other.settled for other in tx.steps.of(incident.id) if other.kind != step.kind):
        return line("Another step is not settled yet; see the board. Look through the account once all of it is done.")
    tx.audit.append(incident.id, by.at, AuditFacts(by.user_id, Action.LOOKED_BY_HAND))
    open_last(tx, tools, STEPS, incident)
    return line(f"Noted, with your name. {sentence(step.label)} is open.")


def works_again(tx: Transaction, incident: Incident, step: Step, by: By) -> Line:
    """An approver has seen that the account works, which the bot cannot: the incident is recovered by their word."""
    state = state_of(tx, incident, step)
    if troubles.key_refused(incident) is None:
        return line("Mailgun takes the bot's key: the bot sees by itself when the account works. Nothing was changed.")
    told = state.status in (StepStatus.RUNNING, StepStatus.SKIPPED)
    if incident.status is not IncidentStatus.OPEN or not told or by.is_late(state.version):
        return too_late(tx, incident, step)
    tx.audit.append(incident.id, by.at, AuditFacts(by.user_id, Action.SAID_WORKS, "", "seen in the control panel"))
    for task in tx.tasks.of_step(state.id, TaskStatus.READY):
        # What would still look for that. One that looks at this moment finds the incident recovered.
        tx.tasks.end(task, TaskStatus.DROPPED, by.at)
    declare_recovered(tx, incident, by.at, "by the word of whoever looked")
    return line("Noted, with your name. The incident is recovered.")
