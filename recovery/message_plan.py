"""When the people are written to: decided at a tick, in one transaction; what is sent then is `recovery.messages`'."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from recovery.people import awaited, by_person, lane_of
from recovery.polling import poll_task
from recovery.reminders import may_be_reminded_at
from recovery.state import Incident, Json, NewTask, Obligation, Person
from recovery.store import Transaction
from recovery.tools import Tools

TELL = "people.tell"
MORE = "people.more"
REMIND = "people.remind"


def plan_messages(tx: Transaction, tools: Tools, incident: Incident, now: datetime) -> None:
    """Plan what is due: first messages at once, reminders in each person's own hours, once Mailgun was asked.

    The users of one Slack user are reminded together, so that nobody gets two reminders at once.
    """
    people, obligations = tx.people.due_together(incident.id, now)
    theirs = by_person(obligations)
    by_slack: dict[str, list[Person]] = {}
    for person in people:
        by_slack.setdefault(person.slack_id or "", []).append(person)
    moved: dict[int, Person] = {}
    tasks: list[NewTask] = []
    for slack_id, users in by_slack.items():
        due = [user for user in users if user.next_message_at is not None and user.next_message_at <= now]
        to_remind = []
        for user in due:
            waits = awaited(theirs.get(user.id, []))
            if not waits or not slack_id:
                moved[user.id] = replace(user, next_message_at=None, urged_by=None)
            elif was_told_all(user, waits):
                to_remind.append(user)
            else:
                moved[user.id] = replace(user, next_message_at=None)
                tasks.append(_telling(user, waits))
        if to_remind:
            moved |= _plan_reminder(tools, incident, users, to_remind, now, tasks)
    tx.people.save(list(moved.values()))
    # The poll among them is planned once, whoever waits for it.
    tx.tasks.add({task.key: task for task in tasks}.values())


def was_told_all(person: Person, obligations: Sequence[Obligation]) -> bool:
    """Whether something is left of which this person was told, and nothing of which they were not."""
    waits = awaited(obligations)
    return person.message_ts is not None and bool(waits) and all(one.told_at is not None for one in waits)


def _plan_reminder(
    tools: Tools,
    incident: Incident,
    users: Sequence[Person],
    due: Sequence[Person],
    now: datetime,
    tasks: list[NewTask],
) -> dict[int, Person]:
    """One reminder for a Slack user of whose users these are due; those whose next moment it changes, by their id.

    When the next is due is counted from when it is sent, and there is never more than one unfinished, so that there
    are never two on the way.
    """
    allowed = may_be_reminded_at(users, now, tools.policy.reminders)
    if allowed > now:
        return {user.id: replace(user, next_message_at=allowed) for user in due}
    if _must_poll(incident, due):
        tasks.append(poll_task(incident))
        return {}
    slack_id = due[0].slack_id or ""
    tasks.append(_task(REMIND, f"{incident.id}:{slack_id}", due[0], {"slack": slack_id}))
    return {user.id: replace(user, next_message_at=None) for user in due}


def _must_poll(incident: Incident, due: Sequence[Person]) -> bool:
    """Whether Mailgun was not asked since they are due: they may have done it since."""
    since = min(person.next_message_at for person in due if person.next_message_at is not None)
    return incident.polled_at is None or incident.polled_at < since


def _telling(person: Person, waits: Sequence[Obligation]) -> NewTask:
    """Their first message, or a word about what was added to it."""
    if person.message_ts is None:
        return _task(TELL, str(person.id), person, {"person": person.id})
    untold = [one.id for one in waits if one.told_at is None]
    payload: dict[str, Json] = {"person": person.id, "obligations": [*untold]}
    return _task(MORE, f"{person.id}:{'-'.join(map(str, untold))}", person, payload)


def _task(kind: str, key: str, person: Person, payload: dict[str, Json]) -> NewTask:
    lane = lane_of(person.slack_id or "")
    return NewTask(kind, f"{kind}:{key}", person.incident_id, lane=lane, priority=4, payload=payload)
