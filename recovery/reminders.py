"""When a reminder may be sent: in the person's own working hours, across daylight-saving changes."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recovery.policy import ReminderHours


def next_reminder(after: datetime, tz: str | None, hours: ReminderHours) -> datetime:
    """The first allowed moment that is at least `hours.every` after `after` (UTC in, UTC out)."""
    return first_allowed(after + hours.every, tz, hours)


def first_allowed(earliest: datetime, tz: str | None, hours: ReminderHours) -> datetime:
    """The first allowed moment from `earliest` on (UTC in, UTC out). An unknown time zone counts as UTC."""
    zone = _zone(tz)
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


def _zone(tz: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(tz or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
