"""Step 0: look through the account for what an attacker may have left. It only reads; people decide about each."""

from datetime import datetime, timedelta

from recovery.actions import Ask
from recovery.content import Button, Row
from recovery.finding_cards import card_rows, not_on_card, standing
from recovery.findings import FindingStatus
from recovery.hand import CONTROL_PANEL, HandItem, hand_done
from recovery.holdings import Holdings
from recovery.investigating import go_on, is_decided, own_keys, record_look, weigh_look
from recovery.jobs import Job, TaskKind
from recovery.looking import LEAST_APART, LOOK, look_task, look_through
from recovery.policy import Policy
from recovery.removing import REMOVE_KIND, RESTORE_KIND, let_go_on_cancel, let_go_on_skip
from recovery.state import Incident, StepState, StepStatus, as_strings
from recovery.step import Step, decision_buttons
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.strangers import INVESTIGATE, investigation
from recovery.text import Bold, Code, Line, Link, When, line, sentence
from recovery.tools import Tools

S = FindingStatus

BY_HAND = {
    "keys": "API keys: each is known, and has a description and an owner",
    "users": "users: each is known; one owner",
    "routes": "routes (Receiving): each leads to an address of yours",
    "webhooks": "webhooks, of each domain: each leads to an address of yours",
    "copies": "copies of delivered mail, in each domain's settings: none, or to an address of yours",
    "logins": "SMTP logins, of each domain: each is known",
    "allowlist": "the IP allowlist: each address is yours",
    "sending": "what each domain sent on the last days (Reporting): no more than usual",
}
"""What people look at by hand, while Mailgun refuses the bot's key."""


class Investigate(Step):
    kind = INVESTIGATE
    number = 0
    title = "Investigate"
    names = ("look", "investigation", "findings")
    decided_by_approval = False
    begins_at_once = True
    idle = StepStatus.WAITING

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (
            TaskKind(LOOK, lambda job: look_again(job, self), "looking through the account", most_attempts=None),
            REMOVE_KIND,
            RESTORE_KIND,
        )

    def explain(self, view: StepView) -> list[Line]:
        facts = view.state.facts
        looked_at = facts.get("looked_at")
        if not isinstance(looked_at, str):
            return [line("Looks through the account for what an attacker may have left. It only reads.")]
        lines = [
            line(
                "Looked through last at ", When(datetime.fromisoformat(looked_at)), ". Nothing is changed by looking."
            ),
            line(Bold("There is")),
            *(line(f"• {said}") for said in as_strings(facts.get("counts"))),
            *(line(said) for said in as_strings(facts.get("unread"))),
        ]
        if sending := as_strings(facts.get("sending")):
            lines += [line(Bold("Sent on each of the last days"), ", today last"), *(line(Code(s)) for s in sending)]
        lines.append(line(Bold(sentence(f"{standing(view.findings)}."))))
        if view.incident.is_alive and (more := not_on_card(view.findings)):
            lines.append(more)
        if any(finding.blocks_support for finding in view.findings):
            lines.append(
                line(
                    "Mailgun Support is not told before each unknown user, and each owner too many, is gone, or "
                    "somebody says that they are expected."
                )
            )
        return lines

    def progress(self, view: StepView) -> str:
        if view.state.status is StepStatus.RUNNING and "looked_at" not in view.state.facts:
            return "looking through the account"
        return standing(view.findings) if "looked_at" in view.state.facts else ""

    def rows(self, view: StepView) -> list[Row]:
        return card_rows(view.findings) if view.incident.is_alive else []

    def buttons(self, view: StepView) -> list[Button]:
        buttons = decision_buttons(self, view.state)
        if view.state.status in (StepStatus.WAITING, StepStatus.DONE, StepStatus.SKIPPED):
            buttons.insert(0, Button(Ask.LOOK_AGAIN, "Look again", self.about(view.state)))
        return buttons

    def is_complete(self, tx: Transaction, incident: Incident, state: StepState) -> bool:
        looked = "looked_at" in state.facts or bool(hand_done(tx, state))
        return looked and is_decided(tx.findings.of(incident.id))

    def hand_instructions(self) -> list[Line]:
        return [
            line(
                "Look through ",
                Link(CONTROL_PANEL, "Mailgun's control panel"),
                ", in both regions and each subaccount.",
            ),
            line("Remove what nobody of you knows, and write down first what it was."),
        ]

    def hand_items(self, tx: Transaction, incident: Incident, state: StepState) -> list[HandItem]:
        return [HandItem(subject, says) for subject, says in BY_HAND.items()]

    def on_look(self, tx: Transaction, tools: Tools, incident: Incident, state: StepState, holdings: Holdings) -> None:
        now = tools.clock.now()
        record_look(tx, incident, state, holdings, own_keys(tx, incident, holdings), now)
        if not is_decided(tx.findings.of(incident.id)):
            tx.tasks.add([look_task(incident.id, now + again_after(tools.policy))])

    def on_skipped(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        let_go_on_skip(tx, incident, state.decided_by, state.decided_at)

    def on_cancelled(self, tx: Transaction, incident: Incident, state: StepState, by: str, at: datetime) -> None:
        let_go_on_cancel(tx, incident, state, by, at)

    def leftover(self, tx: Transaction, incident: Incident, state: StepState, holdings: Holdings) -> list[str]:
        findings = tx.findings.of(incident.id)
        changes = weigh_look(tx, incident, state, holdings, own_keys(tx, incident, holdings))
        gone = {finding.id for finding in changes.gone}
        left = [finding for finding in findings if finding.status is S.OPEN and finding.id not in gone]
        return [finding.subject for finding in (*left, *changes.new, *changes.back)]

    def summary(self, tx: Transaction, incident: Incident, state: StepState) -> str | None:
        return standing(tx.findings.of(incident.id)) if "looked_at" in state.facts else None


def again_after(policy: Policy) -> timedelta:
    """How long after a look the next one follows."""
    return max(policy.poll_every, LEAST_APART)


def look_again(job: Job, step: Step) -> None:
    """Look for as long as anything is open: what people removed at Mailgun counts as gone, what came is found."""
    incident_id = job.task.incident_id or 0
    asked = bool(job.task.payload.get("once"))
    with job.tools.store.read() as tx:
        if not is_worth_a_look(tx, incident_id, asked=asked):
            return
    holdings = look_through(job)
    with job.record() as tx:
        if not is_worth_a_look(tx, incident_id, asked=asked):
            job.done(tx, job.task)
            return
        incident, state = tx.incidents.get(incident_id), state_of(tx, incident_id)
        step.on_look(tx, job.tools, incident, state, holdings)
        decided = is_decided(tx.findings.of(incident_id))
        if decided:
            go_on(tx, incident, tx.steps.get(state.id))
        else:
            tx.steps.move(tx.steps.get(state.id), [StepStatus.DONE], StepStatus.WAITING)
        if asked or decided:
            job.done(tx, job.task)
        else:
            job.defer(tx, job.task, "findings are open", again_after(job.tools.policy).total_seconds())


def state_of(tx: Transaction, incident_id: int) -> StepState:
    """This step's state."""
    state = investigation(tx, incident_id)
    assert state is not None  # a task of its own asks
    return state


def is_worth_a_look(tx: Transaction, incident_id: int, *, asked: bool) -> bool:
    """Whether anything is open in the step; an asked look is worth it whatever is."""
    is_open = state_of(tx, incident_id).status in (StepStatus.WAITING, StepStatus.RUNNING, StepStatus.NEEDS_ATTENTION)
    return tx.incidents.get(incident_id).is_alive and (asked or is_open)
