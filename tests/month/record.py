"""What became of a month, looked at afterwards: how it stood with each actor at every moment, and what arrived.

Nothing here asks the bot when it would send something: what should have happened is worked out anew, from what people
did and from what arrived in Slack.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from recovery.account import SignIn
from recovery.content import MarkerKind
from recovery.state import Obligation
from tests.month.people import ASKED, BEGIN, LONG_AGO, Actor, Deed, What
from tests.month.simulation import Month
from tests.recovery.builders import DAY, HOUR
from tests.recovery.fakes import Posted

REMIND_EVERY = 4 * HOUR
OPENS, CLOSES = time(9), time(18)
QUARTER = timedelta(minutes=15)
BOTH = ("passwords", "two_factor")
MOST_PUT_OFF = 3


# --- The hours ------------------------------------------------------------------------------------------


def is_allowed(at: datetime, zone: str) -> bool:
    """Whether somebody in that time zone may be reminded then."""
    local = at.astimezone(ZoneInfo(zone))
    return local.weekday() < 5 and OPENS <= local.time() < CLOSES


def first_allowed(at: datetime, zone: str) -> datetime:
    """The first such moment from then on: every working day begins at a quarter of some hour."""
    if is_allowed(at, zone):
        return at
    at += QUARTER - (at - BEGIN) % QUARTER
    while not is_allowed(at, zone):
        at += QUARTER
    return at


def in_time(due: datetime, zone: str, patience: timedelta) -> datetime:
    """When to expect what is due then: who is due in the last moments of a day may have to wait for the next."""
    return due if is_allowed(due + patience, zone) else first_allowed(due + patience, zone)


def wished(at: datetime, wish: str, zone: str) -> datetime:
    """Until when somebody shall be left alone who asks for that then."""
    local = at.astimezone(ZoneInfo(zone))
    tomorrow = datetime.combine(local.date() + DAY, OPENS, local.tzinfo)
    afternoon = datetime.combine(local.date(), time(15), local.tzinfo)
    until = {"hour": at + HOUR, "afternoon": afternoon if local < afternoon else tomorrow, "tomorrow": tomorrow}[wish]
    return first_allowed(until.astimezone(UTC), zone)


# --- How it stood with somebody -------------------------------------------------------------------------


@dataclass
class Stand:
    """How it stands with one actor at some moment.

    `changed` is when the password was last changed and 2FA turned on; `settled` what an approver has confirmed or
    stopped; `said` what they have said themselves, that it is done or that it was them.
    """

    actor: Actor
    zone: str
    is_user: bool
    slack_id: str | None
    changed: dict[str, datetime | None]
    told_at: datetime | None = None
    reached_at: datetime | None = None
    put_off_until: datetime | None = None
    settled: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)

    @classmethod
    def at_first(cls, actor: Actor) -> "Stand":
        is_found = actor.known_as == actor.email or "+" in actor.email
        reachable = is_found and not actor.is_bot and not actor.is_closed
        changed = {"two_factor": LONG_AGO if actor.has_two_factor else None}
        return cls(actor, actor.zone, not actor.joins, actor.slack_id if reachable else None, changed)

    @property
    def left(self) -> tuple[str, ...]:
        """What they still have to do, or to say."""
        return tuple(kind for kind in BOTH if self.is_user and not self._is_done(kind))

    @property
    def is_put_off(self) -> bool:
        """Whether they were promised to be left alone until later, whatever they do or undo until then."""
        return self.put_off_until is not None

    def _is_done(self, kind: str) -> bool:
        if kind in self.settled or kind in self.said:
            return True
        at = self.changed.get(kind)
        if at is None or self.actor.sign_in is not SignIn.PASSWORD:
            return False
        if at < BEGIN:
            # From before the incident: two-factor stands, the password is to be changed all the same.
            return kind == "two_factor"
        # Before they were reached it may have been the attacker.
        return self.reached_at is not None and at >= self.reached_at

    def apply(self, deed: Deed) -> None:
        match deed.what:
            case What.JOINS | What.IS_ENABLED:
                self.is_user = True
                if self.actor.has_done:
                    self.changed = dict.fromkeys(BOTH, deed.at - HOUR)
            case What.IS_REMOVED | What.IS_DISABLED:
                self.is_user = False
            case What.RESETS:
                self._change("passwords", deed.at)
            case What.TURNS_ON:
                self._change("two_factor", deed.at)
            case What.TURNS_OFF:
                self._change("two_factor", None)
            case What.SAYS_DONE:
                self.said = {*BOTH}
            case What.ANSWERS if deed.value == "yes":
                self.said = {*BOTH}
            case What.IS_CONFIRMED | What.IS_STOPPED:
                self.settled = {*BOTH}
            case What.TRAVELS:
                self.zone = deed.value
            case What.IS_DEACTIVATED | What.IS_SAID_TO_HAVE_LEFT:
                self.slack_id = None
            case What.IS_TOLD_BY_HAND:
                self.reached_at = deed.at
            case What.IS_IDENTIFIED:
                self.slack_id, self.told_at, self.put_off_until = deed.value, None, None
            case What.IS_TOLD:
                self.told_at, self.reached_at = deed.at, self.reached_at or deed.at
            case What.IS_PUT_OFF:
                self.put_off_until = wished(deed.at, deed.value, self.zone)
        if self.put_off_until is not None and self.put_off_until <= deed.at:
            self.put_off_until = None

    def _change(self, kind: str, at: datetime | None) -> None:
        self.changed[kind] = at
        self.said.discard(kind)


@dataclass(frozen=True)
class Point:
    """How it stood with an actor from that moment on, and what had just happened."""

    at: datetime
    what: What | None
    zone: str
    left: tuple[str, ...]
    slack_id: str | None
    is_told: bool
    is_put_off: bool

    @property
    def is_owed(self) -> bool:
        """Whether reminders are to come: they know what is asked, have not done it, and have not asked for quiet."""
        return self.may_be_urged and not self.is_put_off

    @property
    def may_be_urged(self) -> bool:
        """Whether there is something that they can be reminded of."""
        return bool(self.left) and self.slack_id is not None and self.is_told


@dataclass(frozen=True)
class Course:
    """All that happened with one actor. `own` are the messages that were about this user alone."""

    actor: Actor
    points: Sequence[Point]
    own: Sequence[Posted]

    def at(self, moment: datetime) -> Point:
        return self.points[max(bisect_right(self.points, moment, key=lambda point: point.at) - 1, 0)]

    @cached_property
    def slack_ids(self) -> frozenset[str]:
        return frozenset(point.slack_id for point in self.points if point.slack_id)


def points_of(actor: Actor, told: Sequence[datetime], end: datetime) -> Iterator[Point]:
    """Each point of somebody's course, to the end of the month."""
    stand = Stand.at_first(actor)
    coming = sorted([*actor.log, *(Deed(at, What.IS_TOLD) for at in told)])
    yield Point(BEGIN, None, stand.zone, (), stand.slack_id, is_told=False, is_put_off=False)
    asked = False
    while coming or not asked:
        if not asked and (not coming or coming[0].at >= ASKED):
            asked, at, what = True, ASKED, None
        else:
            deed = coming.pop(0)
            stand.apply(deed)
            at, what = deed.at, deed.what
            if deed.what is What.IS_PUT_OFF and stand.put_off_until is not None:
                coming = sorted([*coming, Deed(stand.put_off_until, What.IS_DUE_AGAIN)])
        left = stand.left if asked else ()
        is_told = stand.told_at is not None
        yield Point(at, what, stand.zone, left, stand.slack_id, is_told, stand.is_put_off)
    yield Point(end, None, stand.zone, (), None, is_told=True, is_put_off=False)


# --- The record -----------------------------------------------------------------------------------------


@dataclass
class Record:
    """The month as it is looked at afterwards."""

    month: Month

    @cached_property
    def courses(self) -> list[Course]:
        end = self.month.world.clock.now()
        return [self._course(actor, end) for actor in self.month.actors]

    def _course(self, actor: Actor, end: datetime) -> Course:
        own = self._own[self.month.person_id(actor)]
        told = [when(message) for message in own if message.marker.kind is MarkerKind.CHECKLIST]
        return Course(actor, list(points_of(actor, told, end)), own)

    @cached_property
    def _own(self) -> Mapping[int, list[Posted]]:
        """First messages, and words about something more, by the person they are about."""
        found: dict[int, list[Posted]] = defaultdict(list)
        for message in [*self.month.messages(MarkerKind.CHECKLIST), *self.month.messages(MarkerKind.REMINDER)]:
            if not is_reminder(message):
                found[int(message.marker.key.split(":")[1])].append(message)
        return found

    @cached_property
    def reminders(self) -> list[Posted]:
        return [message for message in self.month.messages(MarkerKind.REMINDER) if is_reminder(message)]

    @cached_property
    def reminders_to(self) -> Mapping[str, list[Posted]]:
        """The reminders by the Slack user who got them."""
        found: dict[str, list[Posted]] = defaultdict(list)
        for message in self.reminders:
            found[message.place.channel_id.removeprefix("D-")].append(message)
        return found

    def contacts_with(self, slack_id: str) -> list[Posted]:
        """All messages about Mailgun users that this Slack user got, in that order."""
        return self._contacts[slack_id]

    @cached_property
    def _contacts(self) -> Mapping[str, list[Posted]]:
        found: dict[str, list[Posted]] = defaultdict(list)
        messages = [*self.reminders, *(message for own in self._own.values() for message in own)]
        for message in sorted(messages, key=when):
            found[message.place.channel_id.removeprefix("D-")].append(message)
        return found

    @cached_property
    def courses_of(self) -> Mapping[str, list[Course]]:
        """The courses by the Slack user whom they are about, as far as the bot may write to them."""
        found: dict[str, list[Course]] = defaultdict(list)
        for course in self.courses:
            for slack_id in course.slack_ids:
                found[slack_id].append(course)
        return found

    def last_poll_before(self, moment: datetime) -> datetime:
        return self.month.polls[bisect_right(self.month.polls, moment) - 1]

    def obligations(self) -> Mapping[int, list[Obligation]]:
        found: dict[int, list[Obligation]] = defaultdict(list)
        with self.month.world.database.read() as tx:
            for one in tx.people.obligations(self.month.world.incident.id):
                found[one.person_id].append(one)
        return found


def is_reminder(message: Posted) -> bool:
    """Whether it is one, and no first message nor a word about something more."""
    return message.marker.kind is MarkerKind.REMINDER and ":more-" not in message.marker.key


def when(message: Posted) -> datetime:
    return datetime.fromtimestamp(float(message.ts), UTC)
