"""The settings that the rules themselves depend on, as one value. `settings.py` makes it from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from recovery.account import SignIn

LEASE_MARGIN = timedelta(seconds=5)
"""An outside call is made only if its task's lease outlasts the call's timeout by this much."""


@dataclass(frozen=True)
class ReminderHours:
    """When reminders may go out, in each person's own time zone. `end` of 00:00 means midnight."""

    every: timedelta = timedelta(hours=4)
    start: time = time(9, 0)
    end: time = time(18, 0)
    days: frozenset[int] = frozenset(range(5))


ISOLATION_CHECKLIST = (
    "Look for .env files that anybody can open on the web, on every site that sends mail",
    "List the WordPress plugins that hold a Mailgun key, update them, and give them new keys",
    "Look through the variables of CI and of deployments for keys and passwords of Mailgun's, and replace them",
    "Read the host's access log of the days before for requests to .env, .git, backups and admin pages",
    "Replace every other key and password that stood on the same host: databases, payments, other mail services",
)
"""What to look at where the servers are, unless the setting of that name says otherwise."""


@dataclass(frozen=True)
class Policy:
    """Who may do what, who is who, and how long things take. Each field is a setting of the same name.

    After `escalate_after` reminders to a person the requester hears of them once a day. `email_domains` says of a
    domain in Mailgun's addresses which one Slack has instead, both in lower case. `mailgun_via` is whom the account
    was bought through, and so where people sign in to it; None where it was bought from Mailgun itself. What was
    created within `lookback` before an incident is suspicious, where nobody says since when the account is.
    """

    approvers: tuple[str, ...] = ()
    starters: tuple[str, ...] = ()
    two_person: bool = False
    recovery_channel: str | None = None
    audit_channel: str | None = None
    email_domains: Mapping[str, str] = field(default_factory=dict)
    mailgun_via: SignIn | None = None
    reminders: ReminderHours = field(default_factory=ReminderHours)
    escalate_after: int = 3
    poll_every: timedelta = timedelta(minutes=5)
    lookback: timedelta = timedelta(days=14)
    handover_ttl: timedelta = timedelta(hours=24)
    concurrency: int = 16
    batch: int = 125
    http_timeout: timedelta = timedelta(seconds=8)
    lease: timedelta = timedelta(seconds=30)
    tick: timedelta = timedelta(seconds=1)
    settle: timedelta = timedelta(seconds=30)
    leak_scan: tuple[str, ...] = ()
    leak_scan_time: timedelta = timedelta(minutes=10)
    isolation_checklist: tuple[str, ...] = ISOLATION_CHECKLIST
