"""When the people are written to: decided at a tick, in one transaction; what is sent then is `recovery.messages`'."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from recovery.people import awaited, by_person, lane_of
from recovery.policy import ReminderHours
from recovery.polling import poll_task
from recovery.reminders import first_allowed
from recovery.state import Incident, Json, NewTask, Obligation, Person
from recovery.store import Transaction
from recovery.tools import Tools

TELL = "people.tell"
MORE = "people.more"
REMIND = "people.remind"


def plan_messages(tx: Transaction, tools: Tools, incident: Incident, now: datetime) -> None:
    """Plan what is due: first messages at once, reminders in each person's own hours, once Mailgun was asked.

    People of one Slack user are reminded together, so that nobody gets two reminders at once.
    """
    people, obligations = tx.people.due_together(incident.id, now)
    theirs = by_person(obligations)
    due = [person for person in people if person.next_message_at is not None and person.next_message_at <= now]
    by_slack: dict[str, list[Person]] = {}
    for person in people:
        by_slack.setdefault(person.slack_id or "", []).append(person)
    moved: dict[int, Person] = {}
    tasks: list[NewTask] = []
    for person in due:
        if person.id in moved:
            continue
        waits = awaited(theirs.get(person.id, []))
        if not waits or person.slack_id is None:
            moved[person.id] = replace(person, next_message_at=None, urged_by=None)
        elif person.message_ts is None:
            moved[person.id] = replace(person, next_message_at=None)
            tasks.append(_task(TELL, str(person.id), person, {"person": person.id}))
        elif untold := [one.id for one in waits if one.told_at is None]:
            moved[person.id] = replace(person, next_message_at=None)
            key = f"{person.id}:{'-'.join(map(str, untold))}"
            tasks.append(_task(MORE, key, person, {"person": person.id, "obligations": [*untold]}))
        else:
            same = [other for other in by_slack[person.slack_id] if other.id != person.id]
            together = [person, *(other for other in same if _was_told_all(other, theirs.get(other.id, [])))]
            allowed = may_be_reminded_at(together, now, tools.policy.reminders)
            if allowed > now:
                moved[person.id] = replace(person, next_message_at=allowed)
            elif _must_poll(incident, together):
                tasks.append(poll_task(incident))
            else:
                tasks.append(_reminder(together))
                moved |= {one.id: replace(one, next_message_at=None) for one in together}
    tx.people.save(list(moved.values()))
    # The poll among them is planned once, whoever waits for it.
    tx.tasks.add({task.key: task for task in tasks}.values())


def _was_told_all(person: Person, obligations: Sequence[Obligation]) -> bool:
    """Whether this person has been told of something that is left, and of all of it."""
    waits = awaited(obligations)
    return person.message_ts is not None and bool(waits) and all(one.told_at is not None for one in waits)


def _must_poll(incident: Incident, together: Sequence[Person]) -> bool:
    """Whether Mailgun was not asked since they are due: they may have done it since."""
    due = min(person.next_message_at for person in together if person.next_message_at is not None)
    return incident.polled_at is None or incident.polled_at < due


def may_be_reminded_at(together: Sequence[Person], now: datetime, hours: ReminderHours) -> datetime:
    """The first moment from now on at which the people of one Slack user may be reminded: at once where somebody urges,
    else in their hours, and not before the first of them, who is due, may be."""
    first = together[0]
    if any(person.urged_by for person in together):
        return now
    return first_allowed(max(now, first.quiet_until or now), first.slack_tz, hours)


def _reminder(together: Sequence[Person]) -> NewTask:
    """One reminder for the people of one Slack user. When the next is due is counted from when it is sent, so that
    there are never two on the way."""
    first, people = together[0], [person.id for person in together]
    number = first.reminders + 1
    return _task(REMIND, f"{first.id}:{number}", first, {"people": [*people], "number": number})


def _task(kind: str, key: str, person: Person, payload: dict[str, Json]) -> NewTask:
    lane = lane_of(person.slack_id or "")
    return NewTask(kind, f"{kind}:{key}", person.incident_id, lane=lane, priority=4, payload=payload)
