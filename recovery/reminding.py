"""Reminding: a short reply under somebody's message that says what is left, for all Mailgun users that they are."""

from collections.abc import Sequence
from dataclasses import replace

from recovery.audit import Action, Actor, AuditFacts
from recovery.checklist import Conversation, items_left, reminder_card
from recovery.content import Marker, Place
from recovery.errors import Unreachable
from recovery.jobs import Job, TaskKind
from recovery.message_plan import REMIND, was_told_all
from recovery.messages import is_still_there, left_alone, lose_touch, read_talk, replied, reply_marker
from recovery.people import PeopleStep, people_steps
from recovery.posting import begun_before, forget_attempt, posted_before
from recovery.reminders import may_be_reminded_at
from recovery.state import Json, Person, Standing
from recovery.step import Step
from recovery.store import Transaction
from recovery.weighing import scheduled

_MENTIONED = "mentioned"
"""In the task's payload: the ids of the people of whom the reminder speaks; it is a reply under the first one's
message."""


def remind(job: Job, steps: Sequence[PeopleStep]) -> None:
    """Remind one Slack user of all that is left, as it stands now: unless nothing is, or they may not be reminded now.

    After a crash, or a timeout, that may have been done before; if it was not, all this is looked at anew.
    """
    if _has_arrived(job):
        _record(job, steps)
        return
    if not is_still_there(job, _users(job)):
        _leave_it(job)
        return
    # As they are by now: their time zone may be another one.
    users = _users(job)
    with job.tools.store.read() as tx:
        talks = [read_talk(tx, user.id) for user in users]
    left = [talk for talk in talks if was_told_all(talk.person, talk.obligations)]
    now = job.tools.clock.now()
    if not left or may_be_reminded_at(users, now, job.tools.policy.reminders) > now:
        _leave_it(job)
        return
    mentioned: list[Json] = [talk.person.id for talk in left]
    job.remember(**{_MENTIONED: mentioned})
    if replied(job, left[0].person, reminder_card(steps, left), _marker(job)):
        _record(job, steps)
    else:
        _leave_it(job)


def _users(job: Job) -> list[Person]:
    """The Mailgun users that this Slack user is."""
    with job.tools.store.read() as tx:
        return _users_in(tx, job)


def _users_in(tx: Transaction, job: Job) -> list[Person]:
    return tx.people.in_slack(job.task.incident_id or 0, str(job.task.payload["slack"]))


def _marker(job: Job) -> Marker:
    return reply_marker(job, f"reminder-{job.task.id}")


def _mentioned(job: Job) -> list[int]:
    ids = job.task.payload.get(_MENTIONED)
    return [int(str(one)) for one in ids] if isinstance(ids, list) else []


def _has_arrived(job: Job) -> bool:
    """Whether an earlier attempt posted the reminder. One that did not is forgotten: it may be too late by now."""
    mentioned = _mentioned(job)
    if not begun_before(job) or not mentioned:
        return False
    with job.tools.store.read() as tx:
        first = tx.people.get(mentioned[0])
    if first.channel_id is not None:
        try:
            if posted_before(job, Place(first.channel_id, first.message_ts), _marker(job)) is not None:
                return True
        except Unreachable as error:
            lose_touch(job, first, Standing.CLOSED, str(error))
    forget_attempt(job)
    return False


def _record(job: Job, steps: Sequence[PeopleStep]) -> None:
    """Write down that it was sent, and when they may be reminded again: whichever of their users has something left
    then."""
    hours, mentioned = job.tools.policy.reminders, _mentioned(job)
    with job.record() as tx:
        now = job.tools.clock.now()
        for person_id in mentioned:
            tx.people.save([_counted(tx, job, steps, read_talk(tx, person_id))])
        for user in _users_in(tx, job):
            quiet_until = max(now + hours.every, user.quiet_until or now)
            obligations = tx.people.obligations_of(user.id)
            tx.people.save([scheduled(left_alone(user, quiet_until, hours), obligations, now)])
        job.done(tx, job.task)


def _counted(tx: Transaction, job: Job, steps: Sequence[PeopleStep], talk: Conversation) -> Person:
    person = talk.person
    if person.slack_id == job.task.payload["slack"]:
        # Otherwise somebody has just said that they are another, who was not reminded yet.
        person = replace(person, reminders=person.reminders + 1, urged_by=None)
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
