"""How steps end, open and come back, and how an incident closes: looked at after each request and each job that may
have moved something, and at every tick, from the database alone."""

from collections.abc import Callable, Sequence

from recovery import troubles
from recovery.audit import Action, Actor, AuditFacts
from recovery.errors import Missing
from recovery.holdings import Holdings
from recovery.jobs import Job, TaskKind
from recovery.looking import look_through
from recovery.reporting import read_message
from recovery.state import Incident, IncidentStatus, NewTask, StepState, StepStatus, TaskStatus
from recovery.step import Step, steps_of, tally_facts
from recovery.store import Glance, Transaction
from recovery.text import count
from recovery.tools import Tools

REVIEW = "review"
"""The last look through the account before Support is told."""

T = TaskStatus


def settle_incident(tools: Tools, steps: Sequence[Step], incident_id: int) -> None:
    """Move the incident and its steps to where their tasks and people have brought them.

    Reads first and writes only where something moves; every move is a compare-and-set, so any number of
    processes may do this at once.
    """
    with tools.store.read() as tx:
        incident, states = tx.incidents.get(incident_id), tx.steps.of(incident_id)
        if not due_moves(tx, steps, incident, states) and not must_go_on(tx, steps, incident, states):
            return
    with tools.store.write() as tx:
        incident = tx.incidents.get(incident_id, lock=True)
        for step in due_moves(tx, steps, incident, tx.steps.of(incident_id)):
            move(tx, tools, steps, incident, step)
        go_on(tx, tools, steps, tx.incidents.get(incident_id))
    tools.wake()


def may_move(steps: Sequence[Step], glance: Glance) -> bool:
    """Whether `settle_incident` may find anything to do, from what a tick sees."""
    incident, states = glance.incident, glance.steps
    return (
        bool(glance.stalled)
        or (waits_for_people_alone(incident, states) and not glance.somebody_is_left)
        or bool(opened_too_early(steps, incident, states))
        or (wants_review(steps, incident, states) and not glance.is_reviewed)
    )


def settle_after(tools: Tools, steps: Sequence[Step]) -> Callable[[Job], None]:
    """What a worker does after each job: settle the job's incident, so that nothing waits for a tick.

    A request is of no incident before it is judged, and may have moved any that is alive.
    """

    def settle(job: Job) -> None:
        if job.kind.draws:
            return
        if job.incident_id is not None:
            settle_incident(tools, steps, job.incident_id)
            return
        with tools.store.read() as tx:
            incidents = tx.incidents.in_status(IncidentStatus.OPEN, IncidentStatus.RECOVERED)
        for incident in incidents:
            settle_incident(tools, steps, incident.id)

    return settle


def due_moves(tx: Transaction, steps: Sequence[Step], incident: Incident, states: Sequence[StepState]) -> list[Step]:
    """The steps that are not where they should be."""
    running = {state.kind: state for state in states if state.status is StepStatus.RUNNING}
    return [
        step
        for step in steps
        if step.kind in running and verdict(tx, step, incident, running[step.kind]) is not StepStatus.RUNNING
    ]


def verdict(tx: Transaction, step: Step, incident: Incident, state: StepState) -> StepStatus:
    """Where a running step stands, by its tasks and what it knows itself."""
    tally = tx.tasks.tally(state.id)
    many = {status: sum(counts.get(status, 0) for counts in tally.values()) for status in T}
    if many[T.READY] or many[T.RUNNING]:
        return StepStatus.RUNNING
    if many[T.FAILED]:
        return StepStatus.NEEDS_ATTENTION
    return StepStatus.DONE if step.is_complete(tx, incident, state) else step.idle


def move(tx: Transaction, tools: Tools, steps: Sequence[Step], incident: Incident, step: Step) -> None:
    """Carry out one due move, with its audit entry and what follows from it."""
    state = state_of(tx, incident, step)
    now = tools.clock.now()
    to = verdict(tx, step, incident, state)
    if to is StepStatus.DONE and (more := step.next_tasks(tx, incident, state)):
        tx.tasks.add(more)
        return
    moved = tx.steps.move(state, [StepStatus.RUNNING], to, finished_at=now)
    if moved is None or to is step.idle:
        return
    if to is StepStatus.NEEDS_ATTENTION:
        failed = len(tx.tasks.of_step(state.id, T.FAILED))
        facts = AuditFacts(Actor.BOT, Action.STEP_STUCK, step.label, f"{count(failed, 'failure')}")
        tx.audit.append(incident.id, now, facts)
        troubles.plan_look(tx, incident.id)
        return
    tx.audit.append(incident.id, now, AuditFacts(Actor.BOT, Action.STEP_DONE, step.label))
    step.on_done(tx, incident, moved)
    for other, its_state in steps_of(tx, steps, incident):
        if other.kind != step.kind:
            other.on_other_done(tx, incident, its_state, now)
    incident = tx.incidents.get(incident.id)
    if incident.status is IncidentStatus.OPEN:
        offer_outdated(tx, tools, steps, incident)


def offer_outdated(tx: Transaction, tools: Tools, steps: Sequence[Step], incident: Incident) -> None:
    """What was done too early, seen from what is done by now, is offered for another round."""
    for step, state in steps_of(tx, steps, incident):
        if state.status in ENDED and (subjects := step.outdated(tx, incident, state)):
            offer(tx, tools, incident, step, state, subjects, "set before the last old key died")


def offer(
    tx: Transaction,
    tools: Tools,
    incident: Incident,
    step: Step,
    state: StepState,
    subjects: list[str],
    why: str,
) -> None:
    """Another round of a step, about these subjects: it waits for a decision again."""
    facts = {**state.facts, "scope": list(subjects), "earlier": tally_facts(tx.tasks.tally(state.id))}
    moved = tx.steps.move(
        state,
        [StepStatus.DONE, StepStatus.SKIPPED],
        StepStatus.WAITING,
        facts=facts,
        round=state.round + 1,
        decision=None,
        decided_by=None,
        decided_at=None,
        reason=None,
        finished_at=None,
    )
    if moved is not None:
        result = f"{count(len(subjects), 'item')}: {why}"
        entry = AuditFacts(Actor.BOT, Action.STEP_OFFERED, step.label, result)
        tx.audit.append(incident.id, tools.clock.now(), entry)


def state_of(tx: Transaction, incident: Incident, step: Step) -> StepState:
    """The step's state in this incident. Raises `Missing` where an earlier version opened it without that step."""
    for state in tx.steps.of(incident.id):
        if state.kind == step.kind:
            return state
    raise Missing(f"incident {incident.id} was opened by an earlier version, which had no {step.label}")


# --- What follows from where the steps stand --------------------------------------------------------------


def must_go_on(tx: Transaction, steps: Sequence[Step], incident: Incident, states: Sequence[StepState]) -> bool:
    """Whether `go_on` would find anything to do."""
    return (
        bool(opened_too_early(steps, incident, states))
        or (wants_review(steps, incident, states) and not tx.tasks.is_planned(review_key(incident)))
        or nobody_is_left(tx, incident, states)
    )


def go_on(tx: Transaction, tools: Tools, steps: Sequence[Step], incident: Incident) -> None:
    """Plan the last look once it is its turn, and close the incident once nobody is left in it.

    Where another step was taken up again after the last one opened, that is locked again: the next look writes its
    message anew.
    """
    states = tx.steps.of(incident.id)
    for state in opened_too_early(steps, incident, states):
        tx.steps.move(state, [StepStatus.WAITING], StepStatus.LOCKED)
    if wants_review(steps, incident, states):
        tx.tasks.add([NewTask(REVIEW, review_key(incident), incident.id, priority=3)])
    if nobody_is_left(tx, incident, states):
        close(tx, tools, incident)


def opened_too_early(steps: Sequence[Step], incident: Incident, states: Sequence[StepState]) -> list[StepState]:
    """The last step, where it waits for a decision although another one was taken up again."""
    last, others = apart(steps, states)
    if not incident.is_alive or all(state.settled for state in others):
        return []
    return [state for state in last if state.status is StepStatus.WAITING]


def wants_review(steps: Sequence[Step], incident: Incident, states: Sequence[StepState]) -> bool:
    """Whether the locked step could open, if the last look finds nothing."""
    last, others = apart(steps, states)
    locked = any(state.status is StepStatus.LOCKED for state in last)
    return incident.status is IncidentStatus.OPEN and locked and all(state.settled for state in others)


def apart(steps: Sequence[Step], states: Sequence[StepState]) -> tuple[list[StepState], list[StepState]]:
    """The steps that open last, and all others."""
    kinds = {step.kind for step in steps if step.opens_last}
    return [s for s in states if s.kind in kinds], [s for s in states if s.kind not in kinds]


# --- The last look --------------------------------------------------------------------------------------


def review_key(incident: Incident) -> str:
    """The key of the incident's last look: there is never more than one unfinished."""
    return f"{REVIEW}:{incident.id}"


def review(job: Job, steps: Sequence[Step]) -> None:
    """Look through the account once more; offer what is left for another round, or open the last step.

    What seems left is looked at twice, `SETTLE` apart: Mailgun lists for a moment what was deleted just now.
    """
    tools = job.tools
    with tools.store.read() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        if incident.status is not IncidentStatus.OPEN:
            return
    holdings = look_through(job)
    with tools.store.read() as tx:
        found = leftovers(tx, steps, incident, holdings)
    if found:
        job.look_again("looking once more at what is left")
    with job.record() as tx:
        incident = tx.incidents.get(incident.id)
        job.done(tx, job.task)
        troubles.clear(tx, incident.id, troubles.COUNT)
        if not wants_review(steps, incident, tx.steps.of(incident.id)):
            return
        for step, state in steps_of(tx, steps, incident):
            step.on_look(tx, tools, incident, state, holdings)
        found = leftovers(tx, steps, incident, holdings)
        for step, state, subjects in found:
            offer(tx, tools, incident, step, state, subjects, "new since, or set before the last old key died")
        # A step may have taken itself up again by what the look told it.
        if not found and wants_review(steps, incident, tx.steps.of(incident.id)):
            open_last(tx, tools, steps, incident)


def leftovers(
    tx: Transaction, steps: Sequence[Step], incident: Incident, holdings: Holdings
) -> list[tuple[Step, StepState, list[str]]]:
    """The steps that ended and of which Mailgun lists something all the same, with what that is."""
    ended = [(step, state) for step, state in steps_of(tx, steps, incident) if state.status in ENDED]
    found = [(step, state, step.leftover(tx, incident, state, holdings)) for step, state in ended]
    return [(step, state, subjects) for step, state, subjects in found if subjects]


ENDED = (StepStatus.DONE, StepStatus.SKIPPED)


def open_last(tx: Transaction, tools: Tools, steps: Sequence[Step], incident: Incident) -> None:
    """Everything else is settled and nothing is left over: the locked step may be decided."""
    for step in steps:
        if step.opens_last:
            state = state_of(tx, incident, step)
            facts = {**state.facts, "paste": read_message(tx, steps, incident, tools.policy)}
            if tx.steps.move(state, [StepStatus.LOCKED], StepStatus.WAITING, facts=facts):
                entry = AuditFacts(Actor.BOT, Action.STEP_OPENED, step.label)
                tx.audit.append(incident.id, tools.clock.now(), entry)


def nobody_is_left(tx: Transaction, incident: Incident, states: Sequence[StepState]) -> bool:
    """Whether a recovered incident can be closed: nobody has anything left to do."""
    if not waits_for_people_alone(incident, states):
        return False
    return not any(o.is_open for o in tx.people.obligations(incident.id))


def waits_for_people_alone(incident: Incident, states: Sequence[StepState]) -> bool:
    """Whether a recovered incident has no step at work any more."""
    at_work = (StepStatus.RUNNING, StepStatus.NEEDS_ATTENTION)
    return incident.status is IncidentStatus.RECOVERED and not any(state.status in at_work for state in states)


def close(tx: Transaction, tools: Tools, incident: Incident) -> None:
    """The end of an incident in which nobody is left."""
    now = tools.clock.now()
    tx.incidents.set(incident.id, status=IncidentStatus.CLOSED, ended_at=now, troubles={})
    tx.audit.append(incident.id, now, AuditFacts(Actor.BOT, Action.CLOSED, "", "nobody is left to remind"))


def review_kind(steps: Sequence[Step]) -> TaskKind:
    """The kind of the last look, tried until Mailgun answers."""
    return TaskKind(REVIEW, lambda job: review(job, steps), "the last look at the account", most_attempts=None)
