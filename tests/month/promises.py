"""What the bot has promised of its messages to people. Each promise comes to a list of how it was broken."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from handlers.blocks.trail import sentence
from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Content, Marker, MarkerKind, Trail
from recovery.state import IncidentStatus, Obligation, ObligationStatus
from recovery.text import plain
from tests.month.people import BEGIN, LONG_AGO, Actor, Deed, What
from tests.month.record import (
    BOTH,
    MOST_PUT_OFF,
    REMIND_EVERY,
    Course,
    Point,
    Record,
    first_allowed,
    in_time,
    is_allowed,
    when,
)
from tests.month.simulation import POLL_EVERY
from tests.recovery.fakes import Posted, words

# --- The promises about reminders -----------------------------------------------------------------------


def reminders_out_of_hours(record: Record) -> list[str]:
    """Reminders at a time of day that is none of their reader's working hours, unless somebody urged."""
    broken = []
    for slack_id, reminders in record.reminders_to.items():
        course = record.courses_of[slack_id][0]
        for message in reminders:
            zone = course.at(when(message)).zone
            if not is_allowed(when(message), zone) and not was_urged(record, slack_id, message):
                broken.append(f"{slack_id} at {when(message).astimezone(ZoneInfo(zone))} in {zone}")
    return broken


def was_urged(record: Record, slack_id: str, message: Posted) -> bool:
    """Whether somebody had just asked to remind them now."""
    since = when(message) - record.month.patience
    return bool(deeds(record, slack_id, What.IS_URGED, since, when(message)))


def deeds(record: Record, slack_id: str, what: What, after: datetime, until: datetime) -> list[Deed]:
    """What was done of that kind by or to that Slack user meanwhile."""
    logs = [course.actor.log for course in record.courses_of[slack_id]]
    return [deed for log in logs for deed in log if deed.what is what and after < deed.at <= until]


def reminders_too_soon(record: Record) -> list[str]:
    """Reminders that came sooner after another message than they may, though nobody had asked for that."""
    broken = []
    for slack_id, reminders in record.reminders_to.items():
        ids = {message.marker.key for message in reminders}
        for one, next_one in pairwise(record.contacts_with(slack_id)):
            if next_one.marker.key not in ids:
                continue
            gap = when(next_one) - when(one)
            wishes = deeds(record, slack_id, What.IS_PUT_OFF, when(one), when(next_one))
            wanted = any(deed.value != "tomorrow" for deed in wishes) or was_urged(record, slack_id, next_one)
            if gap < REMIND_EVERY and not wanted:
                broken.append(f"{slack_id} at {when(one)} and after {gap}")
    return broken


def needless_reminders(record: Record) -> list[str]:
    """Reminders to people who had nothing left when Mailgun was asked just before, or before which it was not asked."""
    broken = []
    for message in record.reminders:
        slack_id = message.place.channel_id.removeprefix("D-")
        asked = record.last_poll_before(when(message))
        left = [course for course in record.courses_of[slack_id] if course.at(asked).left]
        addressed = [course for course in record.courses_of[slack_id] if f"As {course.actor.called}:" in message.words]
        if when(message) - asked > record.month.patience:
            broken.append(f"{slack_id} at {when(message)}, though Mailgun was asked at {asked}")
        elif not left or any(course not in left for course in addressed):
            broken.append(f"{slack_id} at {when(message)}, though nothing was left at {asked}")
    return broken


def reminders_that_were_put_off(record: Record) -> list[str]:
    """Reminders of something for which their reader had been promised to be left alone until later."""
    broken = []
    for slack_id, reminders in record.reminders_to.items():
        for message in reminders:
            points = [course.at(when(message)) for course in record.courses_of[slack_id]]
            is_put_off = any(point.left and point.is_put_off for point in points)
            if is_put_off and not was_urged(record, slack_id, message):
                broken.append(f"{slack_id} at {when(message)}")
    return broken


def missing_reminders(record: Record) -> list[str]:
    """People who should have got a reminder by some moment, and did not."""
    return [missing for course in record.courses for missing in missing_of(record, course)]


def missing_of(record: Record, course: Course) -> Iterator[str]:
    """From each message to the next, and from each moment from which reminders are to come (again)."""
    due: datetime | None = None
    found, was_left, put_off_at = BEGIN, False, BEGIN
    contacts = sorted({when(message) for slack_id in course.slack_ids for message in record.contacts_with(slack_id)})
    for point, after in pairwise(course.points):
        if point.left and not was_left and point.what in (What.TURNS_OFF, What.IS_ENABLED):
            # What was undone at Mailgun the bot finds at its next poll.
            found = point.at + POLL_EVERY
        was_left = bool(point.left)
        put_off_at = point.at if point.what is What.IS_PUT_OFF else put_off_at
        if not point.is_owed:
            due = None
            continue
        if due is None:
            due = max(found, first_due(point, contacts, put_off_at))
        due = in_time(first_allowed(due, point.zone), point.zone, record.month.patience)
        for contact in contacts[bisect_right(contacts, point.at) : bisect_right(contacts, after.at)]:
            if contact > due + record.month.patience:
                yield f"{course.actor.name} at {due}, got one at {contact}"
            due = in_time(first_allowed(contact + REMIND_EVERY, point.zone), point.zone, record.month.patience)
        if after.at > due + record.month.patience:
            yield f"{course.actor.name} at {due}, got none until {after.at}"
            due = first_allowed(after.at, point.zone)


def first_due(point: Point, contacts: Sequence[datetime], put_off_at: datetime) -> datetime:
    """When somebody is to be reminded of whom that is true from this point on: `REMIND_EVERY` after the last message,
    or when they asked for if none came since they did."""
    last = contacts[bisect_right(contacts, point.at) - 1]
    is_as_asked = point.what is What.IS_URGED or (point.what is What.IS_DUE_AGAIN and last <= put_off_at)
    return point.at if is_as_asked else max(point.at, last + REMIND_EVERY)


def urgings_in_vain(record: Record) -> list[str]:
    """Whom somebody wanted reminded now, and who was not, though something was left."""
    broken = []
    for course in record.courses:
        for deed in course.actor.log:
            point = course.at(deed.at)
            if deed.what is What.IS_URGED and point.may_be_urged and point.slack_id is not None:
                arrived = [when(message) for message in record.reminders_to[point.slack_id]]
                if not any(deed.at <= at <= deed.at + record.month.patience for at in arrived):
                    broken.append(f"{course.actor.name} at {deed.at}")
    return broken


def put_off_too_often(record: Record) -> list[str]:
    """Who was promised quiet more often than anybody may be, or was refused it before."""
    broken = []
    for course in record.courses:
        granted = [deed for deed in course.actor.log if deed.what is What.IS_PUT_OFF and course.at(deed.at).left]
        if len(granted) > MOST_PUT_OFF:
            broken.append(f"{course.actor.name} {len(granted)} times")
    for request, card in record.month.world.slack.answers:
        if request.action == Ask.LATER and "as often as it goes" in words(card):
            logs = [course.actor.log for course in record.courses_of[request.user_id]]
            granted = [deed for deed in logs[0] if deed.what is What.IS_PUT_OFF and deed.at < request.received_at]
            if len(granted) < MOST_PUT_OFF:
                broken.append(f"{request.user_id} was refused it after {len(granted)} times")
    return broken


# --- The promises about all messages --------------------------------------------------------------------


def late_first_messages(record: Record) -> list[str]:
    """Who had something left, could be written to, and did not hear of it at once, whatever the hour."""
    broken = []
    for course in record.courses:
        since: datetime | None = None
        for point in course.points:
            is_untold = bool(point.left) and point.slack_id is not None and not point.is_told
            if since is not None and not is_untold and point.at > since:
                broken.append(f"{course.actor.name} at {since}, told at {point.at}")
            if not is_untold:
                since = None
            elif since is None:
                is_found_by_a_poll = point.what in (What.JOINS, What.IS_ENABLED)
                since = point.at + record.month.patience + (POLL_EVERY if is_found_by_a_poll else timedelta(0))
    return broken


def messages_twice(record: Record) -> list[str]:
    """The same message twice."""
    posted = Counter((m.marker.kind, m.marker.key, m.place) for m in record.month.world.slack.messages if m_stands(m))
    return [f"{kind} {key} in {place}" for (kind, key, place), times in posted.items() if times > 1]


def m_stands(message: Posted) -> bool:
    return not message.is_deleted


def messages_to_the_wrong(record: Record) -> list[str]:
    """Messages about a user to somebody who was not known to be them at that moment."""
    return [
        f"{message.marker.key} to {message.place.channel_id}, not {course.at(when(message)).slack_id}"
        for course in record.courses
        for message in course.own
        if message.place.channel_id != f"D-{course.at(when(message)).slack_id}"
    ]


def names_in_the_thread(record: Record) -> list[str]:
    """Names, addresses or Slack users in what the thread shows or ever showed, save where it says of a user only that
    nobody in Slack is known to be them."""
    name = re.compile(r"\bp\d{4}", re.IGNORECASE)
    investigation = str(record.month.world.state("0").id)
    posted = [
        message
        for message in record.month.world.slack.messages
        if message.place.channel_id == "C-OPS" and not is_card_of(message.marker, investigation)
    ]
    said = [(message.marker, shown) for message in posted for content in message.said for shown in shows(content)]
    return [f"{marker}: {shown}" for marker, shown in said if name.search(shown)]


def is_card_of(marker: Marker, step_id: str) -> bool:
    return marker.kind is MarkerKind.STEP and marker.key.endswith(f":{step_id}")


ABOUT_FINDINGS = (Action.FOUND, Action.EXPECTED, Action.FINDING_GONE)


def shows(content: Content) -> list[str]:
    if isinstance(content, Trail):
        return [plain(sentence(entry)) for entry in content.entries if entry.facts.action not in ABOUT_FINDINGS]
    return [words(content)]


def summaries_too_often(record: Record) -> list[str]:
    """More than one list of who is left to the requester on one day, or one out of their hours."""
    summaries = sorted(when(message) for message in record.month.messages(MarkerKind.SUMMARY))
    zone = record.month.world.directory.members[record.month.world.incident.requester_id].tz or "UTC"
    days = Counter(at.astimezone(ZoneInfo(zone)).date() for at in summaries)
    return [f"{day}" for day, times in days.items() if times > 1] + [
        f"{t}" for t in summaries if not is_allowed(t, zone)
    ]


# --- The promises about the end -------------------------------------------------------------------------


def left_without_reason(record: Record) -> list[str]:
    """Who has something left in the end, or whose end has no reason in the record."""
    obligations = record.obligations()
    broken = []
    for course in record.courses:
        theirs = obligations[record.month.person_id(course.actor)]
        if {one.kind for one in theirs} != {*BOTH}:
            broken.append(f"{course.actor.name} was asked for {[one.kind for one in theirs]}")
        broken += [f"{course.actor.name}: {one}" for one in theirs if not has_ended_well(record, course.actor, one)]
    return broken


def has_ended_well(record: Record, actor: Actor, one: Obligation) -> bool:
    """Whether an obligation is met at Mailgun, or somebody's name and reason stand for it."""
    user = record.month.world.mailgun.people.get(actor.mailgun_id)
    is_user = user is not None and not user.is_disabled
    match one.status:
        case ObligationStatus.DONE if user is None or user.is_disabled:
            return True
        case ObligationStatus.DONE if one.kind == "two_factor":
            return user.tfa_active
        case ObligationStatus.DONE:
            return (user.password_updated_at or LONG_AGO) > BEGIN
        case ObligationStatus.EXCUSED:
            return bool(one.reason and one.settled_by)
        case ObligationStatus.VOUCHED:
            return bool(one.settled_by)
        case ObligationStatus.DROPPED:
            return not is_user
    return False


def not_closed_in_time(record: Record) -> list[str]:
    """The incident is closed by itself, as soon as nobody has anything left, and no sooner."""
    incident = record.month.world.incident
    if incident.status is not IncidentStatus.CLOSED or incident.ended_at is None:
        return [f"it is {incident.status}"]
    last = max(after.at for course in record.courses for before, after in pairwise(course.points[:-1]) if before.left)
    if not last <= incident.ended_at <= last + POLL_EVERY + record.month.patience:
        return [f"closed at {incident.ended_at}, the last was done at {last}"]
    return [] if len(record.month.world.trail(Action.CLOSED)) == 1 else ["the trail does not say so"]


PROMISES = (
    reminders_out_of_hours,
    reminders_too_soon,
    needless_reminders,
    reminders_that_were_put_off,
    missing_reminders,
    urgings_in_vain,
    put_off_too_often,
    late_first_messages,
    messages_twice,
    messages_to_the_wrong,
    names_in_the_thread,
    summaries_too_often,
    left_without_reason,
    not_closed_in_time,
)
"""Each says how it was broken, by whom it concerns; not at all is an empty list."""
