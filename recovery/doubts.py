"""Doubtful handovers: nobody knows if they arrived. Their secrets are dead; their message is looked for and wiped."""

from dataclasses import replace

from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Place
from recovery.handover_messages import handover_name, marker_of, stub_card
from recovery.handover_upkeep import handover_of, record_wiped
from recovery.jobs import Job, TaskKind
from recovery.posting import redraw_unless_gone
from recovery.state import Handover, HandoverStatus, NewTask, StepState
from recovery.store import Transaction

LATE = "handover.late"

S = HandoverStatus


def doubt(tx: Transaction, job: Job, handover: Handover) -> bool:
    """A send whose end is not known: its secrets are dead, and its message is wiped if it turns up.

    False if nothing was being sent: it ended before, or somebody has doubted it already.
    """
    now = job.tools.clock.now()
    if not tx.handovers.move(handover, [S.SENDING], S.DOUBTFUL, ended_at=now):
        return False
    facts = AuditFacts(Actor.BOT, Action.HANDOVER_DOUBTFUL, handover_name(handover))
    tx.audit.append(handover.incident_id, now, facts)
    tx.tasks.add([_look_task(handover, f"wipe:{handover.id}")])
    return True


def _look_task(handover: Handover, key: str) -> NewTask:
    return NewTask(WIPE_DOUBTFUL.name, key, handover.incident_id, priority=4, payload={"handover": handover.id})


def count_anew(tx: Transaction, state: StepState) -> None:
    """A person has the step's failed tasks tried again: what was doubtful before that counts no longer."""
    for handover in tx.handovers.of(state.incident_id, S.DOUBTFUL):
        if handover.step_id == state.id:
            tx.handovers.set(handover.id, attempt=0)


def late_task(handover: Handover, ts: str | None) -> NewTask:
    """What follows where a handover is sent although it counts no more: others are sent, and this message is void.

    Another process has taken the job over meanwhile, or the handover was given up.
    """
    return NewTask(
        LATE,
        f"{LATE}:{handover.id}",
        handover.incident_id,
        priority=2,
        payload={"handover": handover.id, "ts": ts},
    )


def void_late(job: Job) -> None:
    """A handover that was sent although it counts no more: doubtful, and wiped."""
    handover, ts = handover_of(job), job.task.payload["ts"]
    if ts:
        stub = stub_card(replace(handover, status=S.DOUBTFUL))
        redraw_unless_gone(job, handover.channel_id, str(ts), stub, marker_of(job.tools.store, handover))
    with job.record() as tx:
        is_new = doubt(tx, job, tx.handovers.get(handover.id))
        if ts:
            record_wiped(tx, job, handover, message_ts=str(ts))
        elif not is_new:
            # Whoever doubted it may have looked before it arrived.
            tx.tasks.add([_look_task(handover, f"wipe:{handover.id}:late")])
        job.done(tx, job.task)


def _wipe_doubtful(job: Job) -> None:
    """Look for a doubtful handover's message, twice, and wipe each copy that turns up."""
    handover = handover_of(job)
    tools = job.tools
    job.hold()
    marker = marker_of(tools.store, handover)
    since = handover.planned_at or tools.clock.now()
    found = tools.messenger.find(Place(handover.channel_id), marker, since)
    for ts in found:
        redraw_unless_gone(job, handover.channel_id, ts, stub_card(handover), marker)
    if found:
        with job.record() as tx:
            record_wiped(tx, job, handover, message_ts=found[0])
            job.done(tx, job.task)
    else:
        job.look_again("looking once more for a doubtful handover")


WIPE_DOUBTFUL = TaskKind(
    "handover.wipe_doubtful", _wipe_doubtful, "looking for a handover that may have arrived", most_attempts=None
)
LATE_KIND = TaskKind(LATE, void_late, "wiping a handover that came too late", most_attempts=None)
DOUBT_KINDS = (WIPE_DOUBTFUL, LATE_KIND)
