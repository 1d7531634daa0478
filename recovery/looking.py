"""Looking through the whole account: everything that an attacker could have touched, in every region and subaccount."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from recovery.account import DaySent, Domain, Inventory, Route, Webhook
from recovery.errors import KeyRefused, NotFound, Refused
from recovery.holdings import Holdings, Trace
from recovery.inventory import Owner, list_owners, mailgun_of, take_inventory
from recovery.jobs import Job
from recovery.listing import listed
from recovery.secret import told_key_id
from recovery.state import NewTask
from recovery.suspicion import DAYS_SHOWN

LOOK = "investigate.look"
"""Looks again for as long as a finding is open: people remove things in the control panel, too."""

LEAST_APART = timedelta(minutes=1)
"""How long after a look the next one follows at least: it is many calls."""

Item = TypeVar("Item")


def look_task(incident_id: int, not_before: datetime | None, why: str = "") -> NewTask:
    """Looks again; `why` tells an asked look from the one that recurs."""
    key = f"{LOOK}:{incident_id}:{why}" if why else f"{LOOK}:{incident_id}"
    return NewTask(LOOK, key, incident_id, priority=4, payload={"once": bool(why)}, not_before=not_before)


@dataclass
class _Unread:
    """What Mailgun refused to list, by what it would have shown."""

    says: dict[Trace, str] = field(default_factory=dict)

    @contextmanager
    def passing_over(self, trace: Trace, what: str) -> Iterator[None]:
        """A plan or a key may lack one of these lists; the others are worth a look all the same. A key that Mailgun
        does not know at all is another matter."""
        try:
            yield
        except Refused as error:
            if isinstance(error, KeyRefused) and error.status == 401:
                raise
            self.says[trace] = f"{what} could not be listed: {error}"


def look_through(job: Job) -> Holdings:
    """Everything, as Mailgun lists it now. What belongs to sending, and only that, is asked for the last days.

    Raises what Mailgun answers where keys, domains, logins or users cannot be listed.
    """
    unread, mailgun, asked_at = _Unread(), job.tools.mailgun, job.tools.clock.now()
    with job.tools.store.read() as tx:
        versions = {finding.id: finding.version for finding in tx.findings.of(job.incident_id or 0)}
    owners = list_owners(job)
    inventory = take_inventory(job, owners, with_users=True)
    return Holdings(
        keys=inventory.keys,
        domains=inventory.domains,
        logins=inventory.logins,
        users=inventory.users,
        subaccounts=tuple(owner for owner in owners if owner is not None),
        routes=_routes(job, owners, unread),
        webhooks=_webhooks(job, inventory, unread),
        allowlist=_once(job, unread, Trace.ADDRESS, "The IP allowlist", mailgun.allowlist),
        alerts=_once(job, unread, Trace.ALERT, "Sending alerts", mailgun.alerts),
        sent=_once(job, unread, Trace.SENDING, "What was sent", lambda: _sent(job)),
        unread=unread.says,
        in_use=told_key_id(job.tools.vault.current()),
        asked_at=asked_at,
        versions=versions,
    )


def _once(job: Job, unread: _Unread, trace: Trace, what: str, ask: Callable[[], Sequence[Item]]) -> tuple[Item, ...]:
    """A list that there is once for the whole account."""
    with unread.passing_over(trace, what):
        return tuple(listed(job, ask))
    return ()


def _sent(job: Job) -> list[DaySent]:
    today = job.tools.clock.now().date()
    return job.tools.mailgun.sent(today - timedelta(days=DAYS_SHOWN - 1), today)


def _routes(job: Job, owners: Sequence[Owner], unread: _Unread) -> tuple[Route, ...]:
    def of(place: tuple[Owner, str]) -> list[Route]:
        owner, region = place
        with unread.passing_over(Trace.ROUTE, "Routes"):
            found = listed(job, lambda: mailgun_of(job, owner).routes(region))
            return [replace(route, owner=owner) for route in found]
        return []

    places = [(owner, region) for owner in owners for region in job.tools.mailgun.regions]
    return tuple(route for routes in job.tools.at_once(of, places) for route in routes)


def _webhooks(job: Job, inventory: Inventory, unread: _Unread) -> tuple[Webhook, ...]:
    def of(domain: Domain) -> list[Webhook]:
        with unread.passing_over(Trace.WEBHOOK, "Webhooks"):
            try:
                found = listed(job, lambda: mailgun_of(job, domain.owner).webhooks(domain.region, domain.name))
            except NotFound:
                # The domain was removed between the two lists.
                return []
            return [replace(webhook, owner=domain.owner) for webhook in found]
        return []

    return tuple(webhook for webhooks in job.tools.at_once(of, inventory.domains) for webhook in webhooks)
