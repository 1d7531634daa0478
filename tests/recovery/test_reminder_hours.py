"""When a reminder may go out."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.policy import ReminderHours
from recovery.reminders import first_allowed

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Beirut",
]
WORKING = ReminderHours(timedelta(hours=4), time(9), time(18), frozenset(range(5)))
ALWAYS = ReminderHours(timedelta(seconds=2), time(0), time(0), frozenset(range(7)))

moments = st.datetimes(datetime(2018, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))
windows = st.one_of(
    st.just((time(0), time(0))),
    st.tuples(
        st.builds(time, st.integers(5, 12), st.integers(0, 59)),
        st.builds(time, st.integers(13, 22), st.integers(0, 59)),
    ),
    st.tuples(st.builds(time, st.integers(5, 12), st.integers(0, 59)), st.just(time(0))),
)
hours = st.builds(
    lambda every, window, days: ReminderHours(every, window[0], window[1], days),
    st.timedeltas(timedelta(seconds=1), timedelta(days=3)),
    windows,
    st.frozensets(st.integers(0, 6), min_size=1),
)


@given(earliest=moments, zone=st.sampled_from(ZONES), hours=hours)
def test_a_reminder_comes_no_sooner_than_it_may(earliest: datetime, zone: str, hours: ReminderHours) -> None:
    assert first_allowed(earliest, zone, hours) >= earliest


@given(earliest=moments, zone=st.sampled_from(ZONES), hours=hours)
def test_a_reminder_keeps_to_the_persons_own_hours_and_days(
    earliest: datetime, zone: str, hours: ReminderHours
) -> None:
    local = first_allowed(earliest, zone, hours).astimezone(ZoneInfo(zone))

    assert local.weekday() in hours.days
    assert local.time() >= hours.start
    assert hours.end == time(0) or local.time() < hours.end


@given(earliest=moments, zone=st.sampled_from(ZONES), hours=hours)
def test_a_reminder_comes_within_the_week_after_it_may(earliest: datetime, zone: str, hours: ReminderHours) -> None:
    assert first_allowed(earliest, zone, hours) <= earliest + timedelta(days=7, hours=1)


@given(earliest=moments, zone=st.sampled_from(ZONES))
def test_around_the_clock_it_comes_as_soon_as_it_may(earliest: datetime, zone: str) -> None:
    assert first_allowed(earliest, zone, ALWAYS) == earliest


def test_the_answer_is_utc() -> None:
    assert first_allowed(datetime(2026, 11, 24, 20, tzinfo=UTC), "Europe/Berlin", WORKING).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("earliest", "zone", "expected"),
    [
        # A Friday afternoon: on Monday morning.
        ("2026-11-27T20:00", "Europe/Berlin", "2026-11-30T08:00"),
        # The Friday before the clocks go forward: Monday at nine is an hour earlier.
        ("2026-03-27T20:00", "Europe/Berlin", "2026-03-30T07:00"),
        # The Friday before they go back.
        ("2026-10-23T20:00", "Europe/Berlin", "2026-10-26T08:00"),
        # Midday: at once.
        ("2026-11-24T14:00", "Europe/Berlin", "2026-11-24T14:00"),
        # In UTC it is Sunday, in Kiritimati Monday.
        ("2026-11-29T19:30", "Pacific/Kiritimati", "2026-11-29T19:30"),
    ],
)
def test_examples(earliest: str, zone: str, expected: str) -> None:
    moment = first_allowed(datetime.fromisoformat(earliest).replace(tzinfo=UTC), zone, WORKING)

    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "zone",
    [None, "", "Mars/Phobos", "America", "../../etc/passwd", "/etc/localtime", "\0", "x" * 400, "Ünïcode/Zürich", "."],
)
def test_an_unknown_time_zone_counts_as_utc(zone: str | None) -> None:
    earliest = datetime(2026, 11, 24, 20, tzinfo=UTC)

    assert first_allowed(earliest, zone, WORKING) == first_allowed(earliest, "UTC", WORKING)


@given(zone=st.text())
def test_whatever_slack_calls_a_time_zone_a_reminder_comes(zone: str) -> None:
    assert first_allowed(datetime(2026, 11, 24, 20, tzinfo=UTC), zone, ALWAYS)
