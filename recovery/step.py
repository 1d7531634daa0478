"""What a step of Mailgun's procedure is, to everyone who does not care which one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from recovery.account import Inventory
from recovery.actions import Ask
from recovery.content import Button, Confirm, Row, Style
from recovery.hand import CONTROL_PANEL, HandItem, as_ended, hand_kind
from recovery.holdings import Holdings, Trace
from recovery.inventory import Owner
from recovery.jobs import Job, TaskKind
from recovery.state import (
    Facts,
    Incident,
    IncidentStatus,
    Json,
    NewTask,
    StepState,
    StepStatus,
    Task,
    TaskStatus,
    as_strings,
)
from recovery.step_view import StepView, Tally
from recovery.store import Transaction
from recovery.text import Line, Link, Who, line
from recovery.tools import Tools

OLD_KEY_WARNING = "an old key could undo this"


class Step(ABC):
    """One item of the procedure. A subclass is one file; it says what it touches, does, and when it is done."""

    kind: ClassVar[str]
    number: ClassVar[int]
    title: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()
    """What it may be called in a typed command, beside its number and its kind."""
    destructive: ClassVar[bool] = False
    hands_over: ClassVar[bool] = False
    """Whether the requester is handed secrets: their direct message is opened before anything is changed."""
    opens_last: ClassVar[bool] = False
    """Whether it stays locked until every other step is settled."""
    may_keep_reminding: ClassVar[bool] = False
    asks_people: ClassVar[bool] = False
    topics: ClassVar[Mapping[str, str]] = {}
    """What it wants written down, by topic, each with its title. With all of them it is done."""
    makes: ClassVar[Trace | None] = None
    """What it makes and hands over, and so can make anew where a finding of that kind was removed."""
    decided_by_approval: ClassVar[bool] = True
    """Whether Approve starts it. A step without it is settled by its own buttons."""
    begins_at_once: ClassVar[bool] = False
    """Whether it runs from the incident's opening on, without anybody's decision."""
    idle: ClassVar[StepStatus] = StepStatus.RUNNING
    """Where it stands while nothing is at work in it and it is not complete."""

    @property
    def label(self) -> str:
        """How the trail and the answers call it."""
        return f"step {self.number} ({self.title})"

    @property
    def begin_kind(self) -> str:
        """The kind of the task that lists what is there and plans the rest."""
        return f"{self.kind}.begin"

    def task_kinds(self) -> tuple[TaskKind, ...]:
        """The kinds of tasks that this step runs, the beginning included."""
        return ()

    def count(self, inventory: Inventory, incident: Incident) -> Facts:
        """The numbers for the card, from what Mailgun lists. Kept in `facts`."""
        return {}

    def parts(self, state: StepState) -> Mapping[str, str]:
        """What it would touch, part by part: how each is called, by its key. Each can be left out before the step is
        approved."""
        return {}

    def part_says(self, state: StepState, part: str) -> str:
        """What its checklist says of a part, as far as it was counted."""
        return self.parts(state)[part]

    @abstractmethod
    def explain(self, view: StepView) -> list[Line]:
        """What it will touch (counted), what will break for whom, who receives what. Shown before the decision."""

    @abstractmethod
    def progress(self, view: StepView) -> str:
        """How far it is, in a few words, for the board and the card; empty when there is nothing to say."""

    def plan_begin(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        """Plan the first task after an approval, inside its transaction. It keeps which parts were approved."""
        begin = self.beginning(incident, state, f"round-{state.version}", scope_of(state))
        tx.tasks.add([self.with_parts(state, begin)])

    def with_parts(self, state: StepState, begin: NewTask) -> NewTask:
        """The beginning, keeping which parts of the step were approved with it."""
        if not self.parts(state):
            return begin
        approved: list[Json] = [*chosen_parts(self, state)]
        return replace(begin, payload={**begin.payload, "parts": approved})

    def beginning(
        self, incident: Incident, state: StepState, why: str, scope: Sequence[str] | None, *, anew: bool = False
    ) -> NewTask:
        """The task that begins a round; `scope` narrows it to these subjects.

        `anew` marks one that sets right what was begun before, which a cancelled incident does as well.
        """
        payload: dict[str, Json] = {"approved_at": (state.decided_at or incident.opened_at).isoformat()}
        if scope is not None:
            payload |= {"scope": list(scope), "anew": anew}
        return NewTask(
            kind=self.begin_kind,
            key=f"{self.begin_kind}:{state.id}:{why}",
            incident_id=incident.id,
            step_id=state.id,
            subject=self.label,
            # Two beginnings at once would both greet the requester.
            lane=f"begin:{incident.id}" if self.hands_over else None,
            payload=payload,
        )

    def next_tasks(self, tx: Transaction, incident: Incident, state: StepState) -> list[NewTask]:
        """What must follow once none of its tasks is unfinished or failed; without any, it is done."""
        return []

    def is_complete(self, tx: Transaction, incident: Incident, state: StepState) -> bool:
        """Whether it is done, once none of its tasks is unfinished or failed."""
        return True

    def on_done(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        """What else becomes true with it, in the same transaction."""

    def on_other_done(self, tx: Transaction, incident: Incident, state: StepState, at: datetime) -> None:
        """What follows here from another step's end, in the same transaction."""

    def on_skipped(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        """What must happen although it is skipped, in the same transaction."""

    def on_cancelled(self, tx: Transaction, incident: Incident, state: StepState, by: str, at: datetime) -> None:
        """What else ends with the incident, in the same transaction: its tasks that never began are dropped by then."""

    def on_sent(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        """What must happen once somebody said that its message was sent, in the same transaction."""

    def outdated(self, tx: Transaction, incident: Incident, state: StepState) -> list[str]:
        """Subjects that were dealt with too early and should be dealt with again, from what we know ourselves."""
        return []

    def on_look(self, tx: Transaction, tools: Tools, incident: Incident, state: StepState, holdings: Holdings) -> None:
        """What it makes of a look through the whole account, in the same transaction: at the opening, at the last look
        before Support is told, and whenever its own tasks look."""

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, holdings: Holdings) -> list[str]:
        """Subjects that Mailgun lists and that still need this step, at the last look before Support is told."""
        return []

    def make_anew(
        self, tx: Transaction, incident: Incident, state: StepState, subject: str, thing: Facts, owner: Owner
    ) -> Line | None:
        """Plan that what was removed is made anew and handed over; or say why that cannot be done yet."""
        return line(f"The bot cannot make that anew: {self.label} does not.")

    def summary(self, tx: Transaction, incident: Incident, state: StepState) -> str | None:
        """What became of it over all its rounds, for Mailgun Support; None where its progress says that as well."""
        return None

    def subject_matches(self, subject: str, target: str) -> bool:
        """Whether a typed word (a login, a domain) means this subject."""
        return False

    def rows(self, view: StepView) -> list[Row]:
        """Lines with buttons of their own, on its card."""
        return []

    # By hand, while Mailgun refuses the bot's key

    @property
    def hand_kind(self) -> str:
        """The kind of the tasks that people do. No worker claims them: they wait until somebody says that they are
        done."""
        return hand_kind(self.kind)

    def may_go_by_hand(self, view: StepView) -> bool:
        """Whether people may do it in Mailgun's control panel, as it stands now."""
        stuck = view.state.status is StepStatus.NEEDS_ATTENTION
        waits = view.state.status is StepStatus.WAITING and self.decided_by_approval
        return view.is_refused and (stuck or waits)

    def hand_instructions(self) -> list[Line]:
        """How people do its work in Mailgun's control panel, in Mailgun's own words."""
        return [line("Do this step in ", Link(CONTROL_PANEL, "Mailgun's control panel"), ".")]

    def hand_items(self, tx: Transaction, incident: Incident, state: StepState) -> list[HandItem]:
        """What people do, one by one, where the step was not begun: as far as it is known what there is."""
        return [HandItem(self.kind, self.title)]

    def hand_group(self, subject: str) -> str:
        """What an item belongs to, where one click may say that all of that is done; empty for none."""
        return ""

    def on_by_hand(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        """What else begins with going on by hand, in the same transaction."""

    def buttons(self, view: StepView) -> list[Button]:
        """The buttons under its card, as it stands now."""
        return decision_buttons(self, view.state)

    def confirmation(self, state: StepState) -> Confirm | None:
        """The question before Approve, on a step that cannot be taken back."""
        return None

    def about(self, state: StepState) -> dict[str, str]:
        """What each of its buttons carries."""
        return {"incident": str(state.incident_id), "step": self.kind, "version": str(state.version)}


def left_out(state: StepState) -> frozenset[str]:
    """The keys of the parts that an approver has left out."""
    return frozenset(as_strings(state.facts.get("left_out")))


def chosen_parts(step: Step, state: StepState) -> list[str]:
    """The keys of the parts that are not left out, in the order of the step's checklist."""
    return [part for part in step.parts(state) if part not in left_out(state)]


def left_by_decision(state: StepState) -> set[str]:
    """Subjects that were skipped with a reason, and not taken up again since: they are not offered anew."""
    return set(as_strings(state.facts.get("left")))


def facts_with_left(state: StepState, left: Set[str]) -> dict[str, Json]:
    """The step's facts with these subjects left by decision, and no others."""
    kept: list[Json] = [*sorted(left)]
    return {**state.facts, "left": kept}


def begin_anew(
    tx: Transaction, step: Step, state: StepState, why: str, subjects: Sequence[str], **payload: Json
) -> None:
    """Plan that these subjects are set and handed over anew; `why` tells one such plan from another.

    A step that had ended runs again until that is done.
    """
    state = run_again(tx, state, subjects)
    begin = step.beginning(tx.incidents.get(state.incident_id), state, why, subjects, anew=True)
    tx.tasks.add([replace(begin, payload={**begin.payload, **payload})])


def run_again(tx: Transaction, state: StepState, subjects: Sequence[str]) -> StepState:
    """Have a step that had ended run again, about these subjects, which nobody has left as they are any more; the
    state as it was, where it had not."""
    tx.steps.set(state.id, facts=facts_with_left(state, left_by_decision(state) - set(subjects)))
    state = tx.steps.get(state.id)
    earlier = {**state.facts, "earlier": tally_facts(tx.tasks.tally(state.id))}
    ended = (StepStatus.DONE, StepStatus.NEEDS_ATTENTION, StepStatus.SKIPPED)
    return tx.steps.move(state, ended, StepStatus.RUNNING, facts=earlier, decision=as_ended(state)) or state


def begins_nothing(tx: Transaction, task: Task) -> bool:
    """Whether the incident was cancelled while Mailgun was being asked: then nothing new begins."""
    incident = tx.incidents.get(task.incident_id or 0)
    return incident.status is IncidentStatus.CANCELLED and not task.payload.get("anew")


def called_off(job: Job) -> bool:
    """Whether the incident was cancelled before its task began; the task is done then."""
    with job.record() as tx:
        if not begins_nothing(tx, job.task):
            return False
        job.done(tx, job.task)
    return True


def forget_failures(tx: Transaction, job: Job, begin: Task, kind: str, subjects: Set[str]) -> None:
    """Failures of an earlier round whose subjects are planned anew are nobody's any more."""
    for task in tx.tasks.of_step(begin.step_id or 0, TaskStatus.FAILED, kind=kind):
        if task.subject in subjects:
            tx.tasks.end(task, TaskStatus.DROPPED, job.tools.clock.now(), task.failure)


def scope_of(state: StepState) -> list[str] | None:
    """The subjects that this round is about, or None for all."""
    scope = state.facts.get("scope")
    return [str(subject) for subject in scope] if isinstance(scope, list) else None


def scope_of_beginning(task: Task) -> list[str] | None:
    """The subjects that a beginning was narrowed to, or None for all."""
    scope = task.payload.get("scope")
    return [str(subject) for subject in scope] if isinstance(scope, list) else None


def steps_of(tx: Transaction, steps: Sequence[Step], incident: Incident) -> list[tuple[Step, StepState]]:
    """The steps with their states, in order."""
    states = {state.kind: state for state in tx.steps.of(incident.id)}
    return [(step, states[step.kind]) for step in steps if step.kind in states]


def tally_facts(tally: Tally) -> Facts:
    """A tally in the form that facts keep, ended tasks alone: the others still belong to the round to come."""
    ended = (TaskStatus.DONE, TaskStatus.DROPPED)
    return {
        kind: {str(status): many for status, many in counts.items() if status in ended}
        for kind, counts in tally.items()
    }


def notes(state: StepState) -> dict[str, dict[str, str]]:
    """What was noted so far, by topic: `text`, `by` (a Slack user id) and `at`."""
    # An incident that was opened by an earlier version has them under the name that they had then.
    noted = state.facts.get("notes", state.facts.get("findings"))
    if not isinstance(noted, dict):
        return {}
    return {
        topic: {key: str(value) for key, value in entry.items()}
        for topic, entry in noted.items()
        if isinstance(entry, dict)
    }


OPEN_TO_NOTES = (StepStatus.WAITING, StepStatus.SKIPPED, StepStatus.DONE)
"""Where a step that is settled by notes may stand for something beside them to be added, also afterwards."""


def number(facts: Facts, name: str) -> int:
    """A count from a step's facts, 0 when it is not there."""
    value = facts.get(name, 0)
    return value if isinstance(value, int) else 0


def decision_buttons(step: Step, state: StepState) -> list[Button]:
    """Approve, Skip and Retry, where the status allows them."""
    buttons: list[Button] = []
    about = step.about(state)
    if state.status in (StepStatus.WAITING, StepStatus.SKIPPED) and step.decided_by_approval:
        style = Style.DANGER if step.destructive else Style.PRIMARY
        buttons.append(Button(Ask.APPROVE, "Approve", about, style, step.confirmation(state)))
    if state.status is StepStatus.NEEDS_ATTENTION:
        buttons.append(Button(Ask.RETRY, "Retry what failed", about, Style.PRIMARY))
    if state.status in (StepStatus.WAITING, StepStatus.NEEDS_ATTENTION):
        buttons.append(Button(Ask.SKIP, "Skip, with a reason", about))
    return buttons


def recipient_line(incident: Incident) -> Line:
    """Who will be handed the secrets."""
    return line("New secrets go to ", Who(incident.requester_id), ", in a direct message from this bot, once.")
