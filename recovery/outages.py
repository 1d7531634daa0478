"""Mailgun's status page: looked at while something is in trouble or needs attention."""

from recovery.jobs import Job, TaskKind
from recovery.state import Incident, StepStatus
from recovery.store import Transaction
from recovery.troubles import LOOK, clear, show

STATUS_PAGE = "status page"


def look(job: Job) -> None:
    """Put on the board what Mailgun's status page reports, while something is in trouble or needs attention."""
    outage = job.tools.mailgun.outage()
    with job.record() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        if not in_trouble(tx, incident):
            clear(tx, incident.id, STATUS_PAGE)
            job.done(tx, job.task)
            return
        if outage is None:
            clear(tx, incident.id, STATUS_PAGE)
        else:
            show(tx, incident.id, STATUS_PAGE, outage)
        job.defer(tx, job.task, "something is in trouble", job.tools.policy.poll_every.total_seconds())


def in_trouble(tx: Transaction, incident: Incident) -> bool:
    """Whether anything is, in an incident that is alive."""
    if not incident.is_alive:
        return False
    stuck = any(state.status is StepStatus.NEEDS_ATTENTION for state in tx.steps.of(incident.id))
    return stuck or bool(set(incident.troubles) - {STATUS_PAGE})


LOOK_KIND = TaskKind(LOOK, look, "looking at Mailgun's status page")
