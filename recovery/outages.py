"""Mailgun's status page: looked at when an incident opens, and for as long as it reports an outage, or something is in
trouble or needs attention."""

from recovery.jobs import Job, TaskKind
from recovery.state import Incident, StepStatus
from recovery.store import Transaction
from recovery.troubles import LOOK, STATUS_PAGE, clear, show


def look(job: Job) -> None:
    """Put on the board what Mailgun's status page reports, until neither that nor anything else is in the way."""
    outage = job.tools.mailgun.outage()
    with job.record() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        if outage is None or not incident.is_alive:
            clear(tx, incident.id, STATUS_PAGE)
        else:
            show(tx, incident.id, STATUS_PAGE, outage)
        if (outage is None and not in_trouble(tx, incident)) or not incident.is_alive:
            job.done(tx, job.task)
            return
        why = "Mailgun reports an outage" if outage else "something is in trouble"
        job.defer(tx, job.task, why, job.tools.policy.poll_every.total_seconds())


def in_trouble(tx: Transaction, incident: Incident) -> bool:
    """Whether anything is, beside what the status page reports."""
    stuck = any(state.status is StepStatus.NEEDS_ATTENTION for state in tx.steps.of(incident.id))
    return stuck or bool(set(incident.troubles) - {STATUS_PAGE})


LOOK_KIND = TaskKind(LOOK, look, "looking at Mailgun's status page")
