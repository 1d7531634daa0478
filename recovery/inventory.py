"""Asking Mailgun for everything at once: keys, domains and logins of all regions and subaccounts, users."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from recovery.account import AccountUser, ApiKey, Domain, Inventory, Login, Subaccount
from recovery.errors import KeyRefused, NotFound
from recovery.jobs import Job
from recovery.listing import listed
from recovery.ports import Mailgun

Owner = Subaccount | None
"""Who has something: a subaccount, or the account itself."""


def mailgun_of(job: Job, owner: Owner) -> Mailgun:
    """Mailgun, asked on behalf of whoever has the thing that is asked about."""
    return job.tools.mailgun.for_subaccount(owner.id if owner else None)


def list_owners(job: Job) -> list[Owner]:
    """The account itself, and each subaccount. A plan without subaccounts has none, and says so in several ways."""
    try:
        return [None, *listed(job, job.tools.mailgun.subaccounts)]
    except NotFound:
        return [None]
    except KeyRefused as error:
        if error.status != 403:
            raise
        return [None]


@contextmanager
def _unless_closed(owner: Owner) -> Iterator[None]:
    """Passes over Mailgun's refusal to tell of a subaccount that is closed: nothing of it works."""
    try:
        yield
    except KeyRefused:
        if owner is None or owner.is_open:
            raise


def list_keys(job: Job, owners: Sequence[Owner]) -> list[ApiKey]:
    """Every API key of each of them, the account's own first."""

    def of(owner: Owner) -> list[ApiKey]:
        with _unless_closed(owner):
            return [replace(key, owner=owner) for key in listed(job, mailgun_of(job, owner).keys)]
        return []

    return [key for keys in job.tools.at_once(of, owners) for key in keys]


def list_domains(job: Job, owners: Sequence[Owner]) -> list[Domain]:
    """Every domain that they have in any region, sorted."""

    def of(where: tuple[Owner, str]) -> list[Domain]:
        owner, region = where
        with _unless_closed(owner):
            found = listed(job, lambda: mailgun_of(job, owner).domains(region))
            return [replace(domain, owner=owner) for domain in found]
        return []

    places = [(owner, region) for owner in owners for region in job.tools.mailgun.regions]
    lists = job.tools.at_once(of, places)
    return sorted((domain for domains in lists for domain in domains), key=lambda domain: domain.subject)


def list_logins(job: Job, domains: Sequence[Domain]) -> list[Login]:
    """Every SMTP login of these domains, each domain's own `smtp_login` included even where it is not listed."""

    def of(domain: Domain) -> set[Login]:
        try:
            logins = set(listed(job, lambda: mailgun_of(job, domain.owner).logins(domain.region, domain.name)))
        except NotFound:
            # The domain was removed between the two lists.
            return set()
        if domain.smtp_login:
            logins.add(Login(domain.region, domain.name, domain.smtp_login))
        return {replace(login, owner=domain.owner) for login in logins}

    return sorted(login for logins in job.tools.at_once(of, domains) for login in logins)


def list_users(job: Job) -> list[AccountUser]:
    """Every user. Of an account that was bought through somebody else, all sign in there (`MAILGUN_VIA`)."""
    via = job.tools.policy.mailgun_via
    job.hold()
    return [replace(user, sign_in=via) if via else user for user in job.tools.mailgun.users()]


def take_inventory(job: Job, owners: Sequence[Owner], *, with_users: bool = False) -> Inventory:
    """Keys, domains, logins, and users if asked, as Mailgun lists them now, of each of these owners."""
    keys = list_keys(job, owners)
    domains = list_domains(job, owners)
    logins = list_logins(job, domains)
    users = listed(job, lambda: list_users(job)) if with_users else []
    return Inventory(tuple(keys), tuple(domains), tuple(logins), tuple(users))
