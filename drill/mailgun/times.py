"""Times as Mailgun writes them: each area of its API in a way of its own, all of them UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime


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
    """`Thu, 13 Oct 2011 18:02:00 GMT`, of domains and subaccounts."""
    return format_datetime(at, usegmt=True)


def drill_time(at: datetime | None) -> str | None:
    """`2022-12-20T16:52:01.892000+00:00`, in answers to orders."""
    return None if at is None else at.isoformat(timespec="microseconds")
