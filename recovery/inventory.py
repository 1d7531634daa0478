"""Asking Mailgun for everything at once: keys, domains and logins of all regions, users."""

from collections.abc import Sequence
from dataclasses import replace

from recovery.account import AccountUser, Domain, Inventory, Login
from recovery.errors import NotFound
from recovery.jobs import Job


def list_domains(job: Job) -> list[Domain]:
    """Every domain of every region, sorted."""

    def of(region: str) -> list[Domain]:
        job.hold()
        return job.tools.mailgun.domains(region)

    lists = job.tools.at_once(of, job.tools.mailgun.regions)
    return sorted((domain for domains in lists for domain in domains), key=lambda domain: domain.subject)


def list_logins(job: Job, domains: Sequence[Domain]) -> list[Login]:
    """Every SMTP login of these domains, each domain's own `smtp_login` included even where it is not listed."""

    def of(domain: Domain) -> set[Login]:
        job.hold()
        try:
            logins = set(job.tools.mailgun.logins(domain.region, domain.name))
        except NotFound:
            # The domain was removed between the two lists.
            return set()
        if domain.smtp_login:
            logins.add(Login(domain.region, domain.name, domain.smtp_login))
        return logins

    return sorted(login for logins in job.tools.at_once(of, domains) for login in logins)


def list_users(job: Job) -> list[AccountUser]:
    """Every user. Of an account that was bought through somebody else, all sign in there (`MAILGUN_VIA`)."""
    job.hold()
    via = job.tools.policy.mailgun_via
    return [replace(user, sign_in=via) if via else user for user in job.tools.mailgun.users()]


def take_inventory(job: Job, *, with_users: bool = False) -> Inventory:
    """Keys, domains, logins, and users if asked, as Mailgun lists them now."""
    job.hold()
    keys = job.tools.mailgun.keys()
    domains = list_domains(job)
    logins = list_logins(job, domains)
    users = list_users(job) if with_users else []
    return Inventory(tuple(keys), tuple(domains), tuple(logins), tuple(users))
