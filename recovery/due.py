"""What has become due: reminders, polls, wipes, audit entries, redrawings. Asked at every tick.

The scheduler's jobs hold no state; this asks the database and plans tasks, whose keys keep two processes
from planning the same thing twice.
"""

from collections.abc import Sequence
from datetime import datetime

from recovery.audit import Action, Actor, AuditFacts
from recovery.content import Card, Marker, MarkerKind, Place
from recovery.errors import Refused
from recovery.handover_messages import handover_name
from recovery.handover_upkeep import REMIND as REMIND_HANDOVER
from recovery.handover_upkeep import REMINDERS, plan_wipe
from recovery.jobs import Job, TaskKind
from recovery.people import PeopleStep, needs_voucher, step_of
from recovery.polling import begun, poll_task
from recovery.posting import begun_before, post_once, posted_before
from recovery.progress import settle_incident
from recovery.reminders import first_allowed, next_reminder
from recovery.state import (
    Handover,
    HandoverStatus,
    Incident,
    NewTask,
    Obligation,
    ObligationStatus,
)
from recovery.step import Step, steps_of
from recovery.store import Transaction
from recovery.text import line, plain
from recovery.thread import has_news, plan_redraw, plan_trail
from recovery.tools import Tools

REMIND_PERSON = "people.remind"


def plan_due(tools: Tools, steps: Sequence[Step]) -> None:
    """Plan everything that is due now, for every incident that is not finished.

    Reads first, and writes only where something is due: most ticks find nothing.
    """
    with tools.store.read() as tx:
        incidents = tx.incidents.unsettled()
    for incident in incidents:
        settle_incident(tools, steps, incident.id)
    now = tools.clock.now()
    with tools.store.read() as tx:
        due = incidents_due(tx, tools, steps, now)
    if not due:
        return
    with tools.store.write() as tx:
        # In one order for everybody. What is due is read again under the locks: another process may just have
        # done the same.
        for incident_id in sorted(due):
            tx.incidents.get(incident_id, lock=True)
        for handover in tx.handovers.due(now):
            if handover.incident_id in due:
                remind_or_expire(tx, tools, handover, now)
        for obligation in tx.people.due(now):
            if obligation.incident_id in due:
                remind_or_poll(tx, tools, obligation, now)
        for incident_id in sorted(due):
            # As it is by now: what was just reminded of is told in the trail too.
            look_after(tx, tools, steps, tx.incidents.get(incident_id), now)
    tools.wake()


def incidents_due(tx: Transaction, tools: Tools, steps: Sequence[Step], now: datetime) -> set[int]:
    """The ids of the incidents in which something has to be planned."""
    due = {handover.incident_id for handover in tx.handovers.due(now)}
    due |= {obligation.incident_id for obligation in tx.people.due(now)}
    return due | {each.id for each in tx.incidents.unsettled() if needs_a_look(tx, tools, steps, each, now)}


def needs_a_look(tx: Transaction, tools: Tools, steps: Sequence[Step], incident: Incident, now: datetime) -> bool:
    """Whether `look_after` would find anything to do."""
    return has_news(incident, tools.policy.audit_channel) or poll_is_due(tx, steps, incident, now)


def look_after(tx: Transaction, tools: Tools, steps: Sequence[Step], incident: Incident, now: datetime) -> None:
    """One incident: its polls, and its thread."""
    if poll_is_due(tx, steps, incident, now):
        tx.tasks.add([poll_task(incident)])
    plan_trail(tx, incident, tools.policy.audit_channel)
    plan_redraw(tx, incident)


def poll_is_due(tx: Transaction, steps: Sequence[Step], incident: Incident, now: datetime) -> bool:
    """Whether it is time to ask Mailgun about people."""
    if not incident.is_alive or (incident.next_poll_at is not None and incident.next_poll_at > now):
        return False
    return any(begun(state) for step, state in steps_of(tx, steps, incident) if isinstance(step, PeopleStep))


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


# --- People ---------------------------------------------------------------------------------------------


def remind_or_poll(tx: Transaction, tools: Tools, obligation: Obligation, now: datetime) -> None:
    """Mailgun is asked before anybody is reminded: a poll since the reminder became due, then the reminder."""
    incident = tx.incidents.get(obligation.incident_id)
    person = tx.people.get(obligation.person_id)
    due = obligation.next_reminder_at or now
    polled = incident.next_poll_at - tools.policy.poll_every if incident.next_poll_at else None
    if polled is None or polled < due:
        tx.tasks.add([poll_task(incident)])
        return
    if person.slack_id is None or person.channel_id is None:
        tx.people.set_obligation(obligation.id, next_reminder_at=None)
        return
    allowed = first_allowed(now, person.slack_tz, tools.policy.reminders)
    if allowed > now:
        tx.people.set_obligation(obligation.id, next_reminder_at=allowed)
        return
    number = obligation.reminders + 1
    again = next_reminder(now, person.slack_tz, tools.policy.reminders)
    tx.people.set_obligation(obligation.id, reminders=number, next_reminder_at=again)
    tx.tasks.add(
        [
            NewTask(
                REMIND_PERSON,
                f"{REMIND_PERSON}:{obligation.id}:{number}",
                incident.id,
                lane=f"person:{person.slack_id}",
                priority=4,
                payload={"obligation": obligation.id, "number": number},
            )
        ]
    )


def remind_person(job: Job, steps: Sequence[Step]) -> None:
    """A short reply under the person's message that says what is left."""
    tools = job.tools
    with tools.store.read() as tx:
        obligation = tx.people.obligation(int(str(job.task.payload["obligation"])))
        person = tx.people.get(obligation.person_id)
    if person.channel_id is None or not (obligation.is_open or begun_before(job)):
        return
    step = step_of(steps, obligation)
    number = int(str(job.task.payload["number"]))
    asked = obligation.status is ObligationStatus.QUESTIONED
    text = (
        line("Please answer the question above: was that change at Mailgun yours?") if asked else step.reminder(person)
    )
    marker = Marker(MarkerKind.REMINDER, f"{tools.store.identity()}:{obligation.id}:{number}")
    button = () if needs_voucher(person) else (line("The button is in the message above."),)
    card = Card(notification=plain(text), lines=(text, *button))
    place = Place(person.channel_id, obligation.message_ts)
    try:
        if obligation.is_open:
            post_once(job, place, card, marker)
        elif posted_before(job, place, marker) is None:
            # Done meanwhile, and the reminder never went out.
            return
    except Refused as error:
        with job.record() as tx:
            facts = AuditFacts(Actor.BOT, Action.NOT_REACHED, f"reminding {person.email}", str(error), private=True)
            tx.audit.append(obligation.incident_id, tools.clock.now(), facts)
            job.done(tx, job.task)
        return
    with job.record() as tx:
        facts = AuditFacts(
            Actor.BOT,
            Action.PERSON_REMINDED,
            f"{step.title}: {person.email}",
            f"reminder {number}",
            private=True,
        )
        tx.audit.append(obligation.incident_id, tools.clock.now(), facts)
        job.done(tx, job.task)


def due_kinds(steps: Sequence[Step]) -> tuple[TaskKind, ...]:
    """The kinds of this file, bound to the steps."""
    return (TaskKind(REMIND_PERSON, lambda job: remind_person(job, steps), "reminding a person"),)
