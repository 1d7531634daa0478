"""Times as Mailgun writes them: each area of its API in a way of its own, all of them UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def key_time(at: datetime) -> str:
    """`2006-01-02T15:04:05`, of keys."""
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def user_time(at: datetime | None) -> str | None:
    """`2022-12-20T16:52:01.892000`, of users; null for what never happened."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.%f")


def credential_time(at: datetime) -> str:
    """`Wed, 08 Mar 2023 23:34:57 +0000`, of SMTP credentials."""
    return format_datetime(at)


def domain_time(at: datetime) -> str:
    """`Thu, 13 Oct 2011 18:02:00 GMT`, of domains, subaccounts and routes."""
    return format_datetime(at, usegmt=True)


def alert_time(at: datetime) -> str:
    """`2025-11-07T20:54:42.186271Z`, of sending alerts."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def metric_time(at: datetime) -> str:
    """`Wed, 01 Nov 2023 00:00:00 +0000`, of metrics."""
    return format_datetime(at)


def read_metric_time(text: str) -> datetime:
    """The time in RFC 2822 that somebody asked metrics for, as UTC; raises ValueError for any other text."""
    at = parsedate_to_datetime(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def drill_time(at: datetime | None) -> str | None:
    """`2022-12-20T16:52:01.892000+00:00`, in answers to orders."""
    return None if at is None else at.isoformat(timespec="microseconds")
