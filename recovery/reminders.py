"""When a reminder may be sent: in the person's own working hours, across daylight-saving changes."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recovery.policy import ReminderHours
from recovery.state import Person


def first_allowed(earliest: datetime, tz: str | None, hours: ReminderHours) -> datetime:
    """The first allowed moment from `earliest` on (UTC in, UTC out). An unknown time zone counts as UTC."""
    zone = zone_of(tz)
    first_day = earliest.astimezone(zone).date()
    for days_ahead in range(8):
        day = first_day + timedelta(days=days_ahead)
        if day.weekday() not in hours.days:
            continue
        opens = datetime.combine(day, hours.start, zone)
        closes = datetime.combine(day + timedelta(days=1) if hours.end == time(0) else day, hours.end, zone)
        moment = max(opens.astimezone(earliest.tzinfo), earliest)
        if moment < closes.astimezone(earliest.tzinfo):
            return moment
    return earliest


def may_be_reminded_at(users: Sequence[Person], now: datetime, hours: ReminderHours) -> datetime:
    """The first moment from now on at which somebody may be reminded who is these Mailgun users (at least one): at once
    where anybody urges; else in their hours, and not before all that they were promised."""
    if any(user.urged_by for user in users):
        return now
    promised = [user.quiet_until for user in users if user.quiet_until is not None]
    return first_allowed(max([now, *promised]), users[0].slack_tz, hours)


def zone_of(tz: str | None) -> ZoneInfo:
    """The time zone of that name; an unknown one counts as UTC."""
    try:
        return ZoneInfo(tz or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def next_morning(now: datetime, tz: str | None, hours: ReminderHours) -> datetime:
    """When the hours of the next day begin, or of the first allowed day after it (UTC in, UTC out)."""
    zone = zone_of(tz)
    day = now.astimezone(zone).date() + timedelta(days=1)
    return first_allowed(datetime.combine(day, hours.start, zone).astimezone(now.tzinfo), tz, hours)


AFTERNOON = time(15, 0)

WISHES = ("hour", "afternoon", "tomorrow")
"""What somebody may choose who wants to be reminded later."""


def put_off_until(now: datetime, wish: str, tz: str | None, hours: ReminderHours) -> datetime:
    """When to remind somebody who asked for later, in their own time zone (UTC in, UTC out).

    An afternoon that is over means the next morning. Whatever was wished, it falls into the hours for reminders.
    """
    local = now.astimezone(zone_of(tz))
    match wish:
        case "hour":
            return first_allowed(now + timedelta(hours=1), tz, hours)
        case "afternoon" if local.time() < AFTERNOON:
            wished = datetime.combine(local.date(), AFTERNOON, local.tzinfo)
            return first_allowed(wished.astimezone(now.tzinfo), tz, hours)
    return next_morning(now, tz, hours)
