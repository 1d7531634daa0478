"""What has become due: reminders, polls, wipes, audit entries, redrawings. Asked at every tick.

The scheduler's jobs hold no state; this asks the database and plans tasks, whose keys keep two processes
from planning the same thing twice.
"""

from collections.abc import Sequence
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.handover_messages import handover_name
from recovery.handover_upkeep import REMIND as REMIND_HANDOVER
from recovery.handover_upkeep import REMINDERS, plan_wipe
from recovery.message_plan import plan_messages
from recovery.polling import begun_steps, poll_task
from recovery.progress import REVIEW, may_move, settle_incident
from recovery.state import Handover, HandoverStatus, Incident, NewTask, StepState
from recovery.step import Step
from recovery.store import Glance, Transaction
from recovery.summary import summary_task
from recovery.thread import has_news, plan_redraw, plan_trail
from recovery.tools import Tools


def plan_due(tools: Tools, steps: Sequence[Step]) -> None:
    """Plan everything that is due now, for every incident that is not finished.

    One question to the database where nothing is due, which is what most ticks find.
    """
    now = tools.clock.now()
    with tools.store.read() as tx:
        seen = tx.glance(now, REVIEW)
    for glance in seen:
        if may_move(steps, glance):
            settle_incident(tools, steps, glance.incident.id)
    due = sorted(each.incident.id for each in seen if needs_a_look(tools, steps, each, now))
    if not due:
        return
    with tools.store.write() as tx:
        # In one order for everybody. What is due is read again under the locks: another process may just have
        # done the same.
        for incident_id in due:
            tx.incidents.get(incident_id, lock=True)
        for handover in tx.handovers.due(now):
            if handover.incident_id in due:
                remind_or_expire(tx, tools, handover, now)
        with_people = tx.people.due(now)
        for incident_id in due:
            if incident_id in with_people:
                plan_messages(tx, tools, tx.incidents.get(incident_id), now)
            # As it is by now: what was just reminded of is told in the trail too.
            look_after(tx, tools, steps, tx.incidents.get(incident_id), now)
    tools.wake()


def needs_a_look(tools: Tools, steps: Sequence[Step], glance: Glance, now: datetime) -> bool:
    """Whether something in this incident has to be planned."""
    incident = glance.incident
    polls = poll_is_due(incident, glance.steps, steps, now)
    return glance.is_due or polls or has_news(incident, tools.policy.audit_channel)


def look_after(tx: Transaction, tools: Tools, steps: Sequence[Step], incident: Incident, now: datetime) -> None:
    """One incident: its polls, its summary, and its thread."""
    if poll_is_due(incident, tx.steps.of(incident.id), steps, now):
        tx.tasks.add([poll_task(incident)])
    if incident.is_alive and incident.next_summary_at is not None and incident.next_summary_at <= now:
        tx.tasks.add([summary_task(incident)])
    plan_trail(tx, incident, tools.policy.audit_channel)
    plan_redraw(tx, incident)


def poll_is_due(incident: Incident, states: Sequence[StepState], steps: Sequence[Step], now: datetime) -> bool:
    """Whether it is time to ask Mailgun about people."""
    if not incident.is_alive or (incident.next_poll_at is not None and incident.next_poll_at > now):
        return False
    return bool(begun_steps(steps, states))


# --- Handovers ------------------------------------------------------------------------------------------


def remind_or_expire(tx: Transaction, tools: Tools, handover: Handover, now: datetime) -> None:
    """A handover nobody saved: a reminder, twice; then it is wiped."""
    if handover.expires_at is not None and handover.expires_at <= now:
        if tx.handovers.move(handover, [HandoverStatus.SENT], HandoverStatus.EXPIRED, ended_at=now):
            facts = AuditFacts(Actor.BOT, Action.HANDOVER_EXPIRED, handover_name(handover))
            tx.audit.append(handover.incident_id, now, facts)
            plan_wipe(tx, tx.handovers.get(handover.id))
        return
    number = handover.reminders + 1
    again = now + tools.policy.handover_ttl / (REMINDERS + 1) if number < REMINDERS else None
    tx.handovers.set(handover.id, reminders=number, next_reminder_at=again)
    tx.tasks.add(
        [
            NewTask(
                REMIND_HANDOVER.name,
                f"{REMIND_HANDOVER.name}:{handover.id}:{number}",
                handover.incident_id,
                lane=f"channel:{handover.channel_id}",
                priority=4,
                payload={"handover": handover.id, "number": number},
            )
        ]
    )
