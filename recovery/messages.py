"""Writing to the people: the first message, a word about something more, and redrawing or taking back the message.

When somebody is written to is decided at a tick, by `recovery.message_plan`; these are the tasks. Reminders are
`recovery.reminding`'s.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from recovery.access import reachable
from recovery.audit import Action, Actor, AuditFacts
from recovery.checklist import Conversation, items_left, more_card, person_card
from recovery.content import Card, Marker, MarkerKind, Place
from recovery.errors import Refused, Unreachable
from recovery.jobs import Job, TaskKind
from recovery.message_plan import MORE, TELL
from recovery.people import REDRAW, people_steps, redraw_task
from recovery.policy import ReminderHours
from recovery.posting import begun_before, post_once, posted_before, redraw_unless_gone
from recovery.reminders import first_allowed
from recovery.requester import plan_strays
from recovery.state import STRAYS, Json, NewTask, Obligation, Person, Standing
from recovery.step import Step
from recovery.store import Transaction
from recovery.weighing import reschedule, scheduled

RETRACT = "people.retract"


def read_talk(tx: Transaction, person_id: int) -> Conversation:
    """All that one person's message is made of."""
    person = tx.people.get(person_id)
    same = tx.people.in_slack(person.incident_id, person.slack_id) if person.slack_id else []
    others = [other for other in same if other.id != person.id and other.left_at is None]
    return Conversation(tx.incidents.get(person.incident_id), person, tx.people.obligations_of(person.id), others)


def tell(job: Job, steps: Sequence[Step]) -> None:
    """Post the one message to a person."""
    tools = job.tools
    with tools.store.read() as tx:
        talk = read_talk(tx, int(str(job.task.payload["person"])))
    person = talk.person
    wanted = bool(talk.open) and person.left_at is None
    if person.slack_id is None or not (wanted or begun_before(job)):
        _leave_untold(job, person)
        return
    # From here on a change may be their answer to the message, which can be read before we hear that it arrived.
    begun_at = tools.clock.now()
    is_old = begun_before(job)
    card = person_card(steps, talk)
    try:
        job.hold()
        channel = person.channel_id or tools.messenger.open_direct(person.slack_id)
        marker = checklist_marker(job, person)
        found = post_once(job, Place(channel), card, marker) if wanted else posted_before(job, Place(channel), marker)
    except Unreachable as error:
        lose_touch(job, person, Standing.CLOSED, str(error))
        _leave_untold(job, person)
        return
    if found is None:
        _leave_untold(job, person)
        return
    with job.record() as tx:
        now, known = tools.clock.now(), tx.people.get(person.id)
        if known.slack_id != person.slack_id:
            # Meanwhile somebody said that they are another: this went to the wrong one.
            tx.tasks.add([retract_task(replace(person, channel_id=channel, message_ts=found))])
            reschedule(tx, known, now)
            job.done(tx, job.task)
            return
        reached = known.reached_at or begun_at
        after = replace(known, channel_id=channel, message_ts=found, reached_at=reached)
        _told(tx, job, steps, after, talk.open, now)
        shown = person_card(steps, read_talk(tx, person.id))
        if is_old or shown != card:
            # What stands there was drawn before, or something has been settled meanwhile.
            tx.tasks.add([redraw_task(after)])
        job.done(tx, job.task)


def more(job: Job, steps: Sequence[Step]) -> None:
    """A short reply under the person's message: something was added to it, or they are asked something."""
    person_id = int(str(job.task.payload["person"]))
    with job.tools.store.read() as tx:
        talk = read_talk(tx, person_id)
    named = job.task.payload["obligations"]
    new = [one for one in talk.obligations if isinstance(named, list) and one.id in named]
    marker = reply_marker(job, f"{person_id}:more-{'-'.join(str(one.id) for one in new)}")
    if not begun_before(job) and not is_still_there(job, [talk.person]):
        return
    if not replied(job, talk.person, more_card(steps, talk, new), marker, wanted=any(one.is_open for one in new)):
        _leave_untold(job, talk.person)
        return
    with job.record() as tx:
        known, now = tx.people.get(person_id), job.tools.clock.now()
        if known.slack_id == talk.person.slack_id:
            _told(tx, job, steps, known, new, now)
            tx.tasks.add([redraw_task(known)])
        else:
            # Meanwhile somebody said that they are another, who is told anew.
            reschedule(tx, known, now)
        job.done(tx, job.task)


def _told(
    tx: Transaction, job: Job, steps: Sequence[Step], person: Person, told: Sequence[Obligation], now: datetime
) -> None:
    """Write down that a person was told of these; what has been added since is told at once, and then reminded of."""
    ids = {one.id for one in told}
    stands = tx.people.obligations_of(person.id)
    stands = [replace(one, told_at=now) if one.id in ids and one.told_at is None else one for one in stands]
    tx.people.save_obligations([one for one in stands if one.id in ids])
    hours = job.tools.policy.reminders
    # Who has asked for later is told of something more at once, and reminded no sooner than they were promised.
    quiet_until = max(now + hours.every, person.quiet_until or now)
    tx.people.save([scheduled(left_alone(person, quiet_until, hours), stands, now)])
    items = items_left(steps, told)
    facts = AuditFacts(Actor.BOT, Action.PERSON_TOLD, f"{person.called}: {items}", private=True)
    tx.audit.append(person.incident_id, now, facts)


def left_alone(person: Person, until: datetime, hours: ReminderHours) -> Person:
    """The person, who is not reminded before then, and from then on in their hours."""
    return replace(person, quiet_until=until, next_message_at=first_allowed(until, person.slack_tz, hours))


def replied(job: Job, person: Person, card: Card, marker: Marker, *, wanted: bool = True) -> bool:
    """Post the reply, or find that it was; False where it is not wanted any more, or does not reach its person.

    Raises what Slack answers where that is not about this person.
    """
    if person.channel_id is None or person.slack_id is None or not (wanted or begun_before(job)):
        return False
    place = Place(person.channel_id, person.message_ts)
    try:
        if not wanted:
            return posted_before(job, place, marker) is not None
        post_once(job, place, card, marker)
    except Unreachable as error:
        lose_touch(job, person, Standing.CLOSED, str(error))
        return False
    return True


def is_still_there(job: Job, people: Sequence[Person]) -> bool:
    """Whether the Slack user of these people is active; if not, the requester is asked who they are. Takes their time
    zone, too, for people travel."""
    slack_id = people[0].slack_id if people else None
    if slack_id is None:
        return True
    job.hold()
    member = job.tools.directory.member(slack_id)
    if not reachable(member):
        for person in people:
            lose_touch(job, person, Standing.DEACTIVATED, "their Slack user is deactivated")
        return False
    if member is not None and member.tz and member.tz != people[0].slack_tz:
        with job.record() as tx:
            tx.people.save([replace(tx.people.get(person.id), slack_tz=member.tz) for person in people])
    return True


def lose_touch(job: Job, tried: Person, standing: Standing, why: str) -> None:
    """They cannot be written to in Slack any more: the requester is asked who they are, and an approver may confirm.

    Does nothing where somebody said meanwhile that they are another Slack user than the one that was tried.
    """
    assert standing in STRAYS
    with job.record() as tx:
        person = tx.people.get(tried.id)
        if person.slack_id != tried.slack_id:
            return
        lost = replace(person, slack_id=None, standing=standing, standing_by=None, version=person.version + 1)
        # Whoever is found for them is told anew.
        lost = replace(lost, channel_id=None, message_ts=None, next_message_at=None, urged_by=None)
        tx.people.save([lost])
        if person.message_ts is not None:
            tx.tasks.add([retract_task(person)])
        if any(one.is_open for one in tx.people.obligations_of(person.id)):
            facts = AuditFacts(Actor.BOT, Action.NOT_REACHED, f"{person.called}: {why}", private=True)
            tx.audit.append(person.incident_id, job.tools.clock.now(), facts)
            plan_strays(tx, tx.incidents.get(person.incident_id), [lost])


def _leave_untold(job: Job, person: Person) -> None:
    """Settled before the message went out; unless something was opened again since, which could plan no task beside
    this one."""
    with job.record() as tx:
        reschedule(tx, tx.people.get(person.id), job.tools.clock.now())
        job.done(tx, job.task)


def redraw(job: Job, steps: Sequence[Step]) -> None:
    """Draw a person's message as it stands now."""
    person_id = int(str(job.task.payload["person"]))
    with job.tools.store.read() as tx:
        talk = read_talk(tx, person_id)
    card = person_card(steps, talk)
    if talk.person.message_ts is not None and talk.person.channel_id is not None:
        # A process that had lost this task may draw something older after its successor.
        job.if_lost(redraw_task(talk.person))
        marker = checklist_marker(job, talk.person)
        redraw_unless_gone(job, talk.person.channel_id, talk.person.message_ts, card, marker)
    with job.record() as tx:
        job.done(tx, job.task)
        now = read_talk(tx, person_id)
        if now.person.message_ts is not None and (
            person_card(steps, now) != card or now.person.message_ts != talk.person.message_ts
        ):
            # Settled while this was being drawn: that could not plan a task beside this one.
            tx.tasks.add([redraw_task(now.person)])


def retract_task(person: Person) -> NewTask:
    """Takes the person's message back: it is somebody else's."""
    payload: dict[str, Json] = {"channel": person.channel_id, "ts": person.message_ts}
    return NewTask(RETRACT, f"{RETRACT}:{person.message_ts}", person.incident_id, priority=3, payload=payload)


def retract(job: Job) -> None:
    """Delete a message that went to the wrong person."""
    job.hold()
    with suppress(Refused):
        job.tools.messenger.delete(str(job.task.payload["channel"]), str(job.task.payload["ts"]))


def checklist_marker(job: Job, person: Person) -> Marker:
    """The metadata of a person's message."""
    return Marker(MarkerKind.CHECKLIST, f"{job.tools.store.identity()}:{person.id}")


def reply_marker(job: Job, key: str) -> Marker:
    return Marker(MarkerKind.REMINDER, f"{job.tools.store.identity()}:{key}")


def message_kinds(steps: Sequence[Step]) -> tuple[TaskKind, ...]:
    """The kinds of this file, bound to the steps."""
    asked = [*people_steps(steps)]
    return (
        TaskKind(TELL, lambda job: tell(job, asked), "telling a person", most_attempts=None, effect=True),
        TaskKind(MORE, lambda job: more(job, asked), "telling a person more", most_attempts=None, effect=True),
        TaskKind(RETRACT, retract, "taking a message back", draws=True),
        TaskKind(REDRAW, lambda job: redraw(job, asked), "redrawing a person's message", draws=True),
    )
