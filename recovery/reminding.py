"""Reminding: a short reply under somebody's message that says what is left, for all Mailgun users that they are."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from recovery.audit import Action, Actor, AuditFacts
from recovery.checklist import Conversation, items_left, reminder_card
from recovery.content import Marker, Place
from recovery.errors import Unreachable
from recovery.jobs import Job, TaskKind
from recovery.message_plan import REMIND, was_told_all
from recovery.messages import is_still_there, left_alone, read_talk, replied, reply_marker
from recovery.people import PeopleStep, people_steps
from recovery.posting import begun_before, forget_attempt, posted_before
from recovery.reminders import may_be_reminded_at
from recovery.state import Json, Person
from recovery.step import Step
from recovery.store import Transaction
from recovery.weighing import scheduled

logger = logging.getLogger(__name__)

_PLACE, _KEY, _MENTIONED = "place", "key", "mentioned"
"""In the task's payload, once the reminder is about to be posted: under which message, by which key it is found again,
and the users of which it speaks."""


@dataclass(frozen=True)
class _Mentioned:
    """A user of whom the reminder speaks: how often they had put it off, and who had urged, when it was posted."""

    put_off: int
    urged_by: str | None


def remind(job: Job, steps: Sequence[PeopleStep]) -> None:
    """Remind one Slack user of all that is left, as it stands now: unless nothing is, or they may not be reminded now.

    After a crash, or a timeout, that may have been done before; if it was not, all this is looked at anew.
    """
    if _has_arrived(job):
        _record(job, steps)
        return
    with job.tools.store.read() as tx:
        users = _users_in(tx, job)
    if not is_still_there(job, users):
        _leave_it(job)
        return
    with job.tools.store.read() as tx:
        # As they are by now: their time zone may be another one.
        users = _users_in(tx, job)
        talks = [read_talk(tx, user.id) for user in users]
    left = [talk for talk in talks if was_told_all(talk.person, talk.obligations)]
    now = job.tools.clock.now()
    if not left or may_be_reminded_at(users, now, job.tools.policy.reminders) > now:
        _leave_it(job)
        return
    _remember(job, [talk.person for talk in left])
    if replied(job, left[0].person, reminder_card(steps, left), _marker(job)):
        _record(job, steps)
    else:
        _leave_it(job)


def _users_in(tx: Transaction, job: Job) -> list[Person]:
    """The Mailgun users that this Slack user is."""
    return tx.people.in_slack(job.task.incident_id or 0, str(job.task.payload["slack"]))


def _marker(job: Job) -> Marker:
    return reply_marker(job, str(job.task.payload[_KEY]))


def _remember(job: Job, mentioned: Sequence[Person]) -> None:
    """What the record needs to know, whatever changes while it is posted or looked for."""
    first = mentioned[0]
    stands: dict[str, Json] = {str(one.id): {"put_off": one.put_off, "urged_by": one.urged_by} for one in mentioned}
    place, key = [first.channel_id, first.message_ts], f"{first.id}:{first.reminders + 1}"
    job.remember(**{_PLACE: place, _KEY: key, _MENTIONED: stands})


def _mentioned(job: Job) -> dict[int, _Mentioned]:
    stands = job.task.payload.get(_MENTIONED)
    found: dict[int, _Mentioned] = {}
    for person_id, stand in stands.items() if isinstance(stands, dict) else ():
        if isinstance(stand, dict):
            urged_by = stand.get("urged_by")
            found[int(person_id)] = _Mentioned(int(str(stand.get("put_off"))), str(urged_by) if urged_by else None)
    return found


def _has_arrived(job: Job) -> bool:
    """Whether an earlier attempt posted the reminder. One that did not is forgotten: it may be too late by now."""
    place = job.task.payload.get(_PLACE)
    if not begun_before(job) or not isinstance(place, list):
        return False
    channel, thread = map(str, place)
    try:
        if posted_before(job, Place(channel, thread), _marker(job)) is not None:
            return True
    except Unreachable:
        # Nobody can look there any more; whether somebody is to be reminded elsewhere is looked at anew.
        logger.info("a reminder may or may not have arrived: its conversation is closed")
    forget_attempt(job)
    return False


def _record(job: Job, steps: Sequence[PeopleStep]) -> None:
    """Write down that it was sent, and when they may be reminded again: whichever of their users has something left
    then. Who has urged, or asked for later, since it was posted is heard."""
    hours, mentioned = job.tools.policy.reminders, _mentioned(job)
    with job.record() as tx:
        now = job.tools.clock.now()
        talks = [read_talk(tx, person_id) for person_id in mentioned]
        for talk in talks:
            tx.people.save([_counted(tx, job, steps, talk, mentioned[talk.person.id].urged_by)])
        is_promised = any(talk.person.put_off > mentioned[talk.person.id].put_off for talk in talks)
        for user in _users_in(tx, job):
            if not is_promised:
                user = left_alone(user, max(now + hours.every, user.quiet_until or now), hours)
            tx.people.save([scheduled(user, tx.people.obligations_of(user.id), now)])
        job.done(tx, job.task)


def _counted(
    tx: Transaction, job: Job, steps: Sequence[PeopleStep], talk: Conversation, urged_by: str | None
) -> Person:
    person = talk.person
    if person.slack_id == job.task.payload["slack"]:
        # Otherwise somebody has just said that they are another, who was not reminded yet.
        is_heard = person.urged_by == urged_by
        person = replace(person, reminders=person.reminders + 1, urged_by=None if is_heard else person.urged_by)
    subject = f"{person.called}: {items_left(steps, talk.obligations) or 'done meanwhile'}"
    number = f"reminder {talk.person.reminders + 1}"
    facts = AuditFacts(Actor.BOT, Action.PERSON_REMINDED, subject, number, private=True)
    tx.audit.append(person.incident_id, job.tools.clock.now(), facts)
    return person


def _leave_it(job: Job) -> None:
    """Nothing went out: whichever of their users has something left is due again."""
    with job.record() as tx:
        now, users = job.tools.clock.now(), _users_in(tx, job)
        again = may_be_reminded_at(users, now, job.tools.policy.reminders) if users else now
        waiting = [user for user in users if user.next_message_at is None]
        tx.people.save([scheduled(user, tx.people.obligations_of(user.id), again) for user in waiting])
        job.done(tx, job.task)


def reminding_kind(steps: Sequence[Step]) -> TaskKind:
    """The kind of this file, bound to the steps."""
    asked = people_steps(steps)
    return TaskKind(REMIND, lambda job: remind(job, asked), "reminding a person", most_attempts=None)
