"""Whether Mailgun is fine, for `python bot.py check`."""

from recovery.checks import Finding
from recovery.errors import KeyRefused, OutsideError
from recovery.ports import Mailgun
from recovery.secret import Secret

FRESH_KEY = "Make a new key with the role admin in Mailgun's control panel, then: python bot.py key"


class OneKey:
    """A key source that has one key and no other, for a look at Mailgun while the vault cannot be read."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def current(self) -> Secret:
        return self._key

    def refresh(self) -> None:
        """There is nothing to read again."""


def check_mailgun(mailgun: Mailgun) -> list[Finding]:
    """The key, its role, and each region; changes nothing."""
    findings = [_key(mailgun)]
    findings.extend(_region(mailgun, region) for region in mailgun.regions)
    outage = mailgun.outage()
    findings.append(Finding("Mailgun's status page", outage is None, outage or "reports no trouble"))
    return findings


def _key(mailgun: Mailgun) -> Finding:
    what = "Mailgun key and its role"
    try:
        keys, users = mailgun.keys(), mailgun.users()
    except KeyRefused as error:
        return Finding(what, False, str(error), FRESH_KEY)
    except OutsideError as error:
        return Finding(what, False, str(error), "Try again; see Mailgun's status page.")
    return Finding(what, True, f"may list keys ({len(keys)}) and users ({len(users)}), as the role admin may")


def _region(mailgun: Mailgun, region: str) -> Finding:
    what = f"Mailgun region {region.upper()}"
    try:
        domains = mailgun.domains(region)
    except OutsideError as error:
        return Finding(what, False, str(error), "Check MAILGUN_REGIONS and the network, then try again.")
    disabled = sum(domain.is_disabled for domain in domains)
    return Finding(what, True, f"{len(domains)} domains, {disabled} of them disabled")
