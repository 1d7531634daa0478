"""Doing once more what a process may have done over another one's work, after that had taken it over."""

from recovery.audit import Action, Actor, AuditFacts
from recovery.handovers import CHANGED
from recovery.jobs import Job
from recovery.state import UNFINISHED
from recovery.step import Step, begin_anew
from recovery.text import count


def do_again(job: Job, step: Step, kind: str) -> None:
    """Set and hand over anew what this process may have set over another's secret, once that one is finished.

    `kind` is that of the tasks which set it.
    """
    with job.record() as tx:
        state = tx.steps.get(job.task.step_id or 0)
        unfinished = tx.tasks.of_step(state.id, *UNFINISHED, kind=kind)
        busy = {task.subject for task in unfinished}
        for task in [task for task in job.tasks if task.subject in busy]:
            job.defer(tx, task, "another process is still at it", seconds=1)
        if job.tasks:
            subjects = sorted(task.subject for task in job.tasks)
            begin_anew(tx, step, state, f"again-{job.task.id}", subjects, **{CHANGED: True})
            facts = AuditFacts(Actor.BOT, Action.SET_AGAIN, step.label, count(len(subjects), "item"))
            tx.audit.append(state.incident_id, job.tools.clock.now(), facts)
            job.done(tx, *job.tasks)
