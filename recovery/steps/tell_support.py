"""Step 5: tell Mailgun Support once all of it is done, and watch until the account works again."""

from datetime import datetime

from recovery.account import watched_domains
from recovery.actions import Ask
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Button, Style
from recovery.inventory import list_domains, list_owners
from recovery.jobs import Job, TaskKind
from recovery.state import Incident, IncidentStatus, NewTask, StepState, StepStatus
from recovery.step import Step, decision_buttons
from recovery.step_view import StepView
from recovery.store import Transaction
from recovery.text import Bold, Line, Link, line, listing
from recovery.troubles import key_refused

WATCH = "tell_support.watch"
SUPPORT_PAGE = "https://app.mailgun.com/support"


class TellSupport(Step):
    kind = "tell_support"
    number = 5
    title = "Tell Mailgun Support"
    names = ("support", "tell", "tell-support", "ticket")
    opens_last = True
    decided_by_approval = False

    def task_kinds(self) -> tuple[TaskKind, ...]:
        return (TaskKind(WATCH, watch, "watching the domains at Mailgun", most_attempts=None),)

    def explain(self, view: StepView) -> list[Line]:
        match view.state.status:
            case StepStatus.LOCKED if view.is_refused:
                return [
                    line("Opens when the other steps are done, or skipped with a reason."),
                    line("Before that, the whole account has to be looked through once more."),
                    line("The bot cannot, for Mailgun refuses its key: an approver looks, then presses the button."),
                ]
            case StepStatus.LOCKED:
                return [
                    line("Opens when the other steps are done, or skipped with a reason."),
                    line("Before that, the whole account is looked through once more; what is left is offered again."),
                ]
            case StepStatus.WAITING | StepStatus.SKIPPED:
                return [
                    line("1. Copy the message below."),
                    line("2. Paste it into a new ticket at ", Link(SUPPORT_PAGE, "Mailgun Support"), "."),
                    line(
                        "3. Attach the long version, if you like: ", Bold("Bring the long version"), " shares it here."
                    ),
                    line("4. Press ", Bold("Sent"), " and enter the ticket number."),
                ]
            case _:
                ticket = view.incident.ticket
                sent: Line = line(f"Support was told, ticket {ticket}. ") if ticket else ()
                if view.incident.recovered_at:
                    return [(*sent, "The account works.")]
                if view.is_refused:
                    return [
                        (*sent, "The bot cannot watch the domains, for Mailgun refuses its key."),
                        line("Once they work again, an approver says so with the button."),
                    ]
                return [(*sent, "The bot watches the domains until they work again.")]

    def progress(self, view: StepView) -> str:
        if view.incident.recovered_at:
            return "the account works"
        if view.state.status is StepStatus.RUNNING:
            return "waiting for Mailgun to re-enable the domains"
        return ""

    def is_complete(self, tx: Transaction, incident: Incident, state: StepState) -> bool:
        return incident.recovered_at is not None

    def on_skipped(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        tx.tasks.add([watch_task(incident, None)])

    def on_sent(self, tx: Transaction, incident: Incident, state: StepState) -> None:
        tx.tasks.add([watch_task(incident, state)])

    def may_go_by_hand(self, view: StepView) -> bool:
        return view.is_refused and view.state.status is StepStatus.LOCKED

    def buttons(self, view: StepView) -> list[Button]:
        buttons: list[Button] = []
        if view.state.status in (StepStatus.WAITING, StepStatus.SKIPPED):
            buttons.append(Button(Ask.SENT, "Sent", self.about(view.state), Style.PRIMARY))
            about = {"incident": str(view.incident.id), "form": "report"}
            buttons.append(Button(Ask.EXPORT, "Bring the long version", about))
        told = view.state.status in (StepStatus.RUNNING, StepStatus.SKIPPED)
        if told and key_refused(view.incident) is not None and view.incident.status is IncidentStatus.OPEN:
            buttons.append(Button(Ask.WORKS_AGAIN, "The account works again", self.about(view.state)))
        return buttons + decision_buttons(self, view.state)


def watch_task(incident: Incident, state: StepState | None) -> NewTask:
    """The task that looks at the domains until they work."""
    step_id = state.id if state else None
    return NewTask(WATCH, f"{WATCH}:{incident.id}", incident.id, step_id, "watching the domains at Mailgun")


def watch(job: Job) -> None:
    """Declare the account recovered once no watched domain is disabled; until then, look again at `POLL_EVERY`."""
    with job.tools.store.read() as tx:
        if tx.incidents.get(job.task.incident_id or 0).status is not IncidentStatus.OPEN:
            return
    domains = {domain.subject: domain for domain in list_domains(job, list_owners(job))}
    with job.record() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0, lock=True)
        if incident.status is not IncidentStatus.OPEN:
            job.done(tx, job.task)
            return
        # Where the account could not be counted at the start, what it looks like now must do.
        watched, disabled = incident.watched, incident.was_disabled
        if not watched:
            watched, disabled = watched_domains(list(domains.values()))
            tx.incidents.set(incident.id, watched=watched, was_disabled=disabled)
        # A domain that was deleted meanwhile is not waited for.
        waiting = [s for s in watched if s in domains and domains[s].is_disabled]
        if waiting:
            seconds = job.tools.policy.poll_every.total_seconds()
            job.defer(tx, job.task, f"{listing(waiting, 3)} still disabled at Mailgun", seconds)
        else:
            result = "its domains work again" if incident.was_disabled else "it never was disabled"
            declare_recovered(tx, incident, job.tools.clock.now(), result)
            job.done(tx, job.task)


def declare_recovered(tx: Transaction, incident: Incident, at: datetime, result: str) -> None:
    """The account works: the incident is recovered, though people may be left to remind."""
    tx.incidents.set(incident.id, status=IncidentStatus.RECOVERED, recovered_at=at)
    tx.audit.append(incident.id, at, AuditFacts(Actor.BOT, Action.RECOVERED, "", result))
