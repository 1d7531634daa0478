"""Whether Mailgun is fine, for `python bot.py check`."""

from recovery.checks import Finding
from recovery.errors import KeyRefused, OutsideError, Why
from recovery.ports import Mailgun
from recovery.refusals import KEYS_PAGE

FRESH_KEY = f"Make a new key with the role admin at {KEYS_PAGE}, then: python bot.py key"
ADVICE = {
    Why.REVOKED: f"{FRESH_KEY} If the key is fine, add the bot's address to Mailgun's IP allowlist.",
    Why.NO_RIGHTS: f"{FRESH_KEY} If the account is disabled, only Mailgun Support can enable it.",
    Why.DISABLED: "Only Mailgun Support can enable it: https://app.mailgun.com/support",
    Why.ADDRESS: "Add the bot's address to Mailgun's IP allowlist.",
}
"""What to do where Mailgun refuses the key, by what its answer tells of the reason."""


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
        return Finding(what, False, str(error), ADVICE[error.why])
    except OutsideError as error:
        return Finding(what, False, str(error), "Try again; see Mailgun's status page.")
    return Finding(what, True, f"may list keys ({len(keys)}) and users ({len(users)}), as the role admin may")


def _region(mailgun: Mailgun, region: str) -> Finding:
    what = f"Mailgun region {region.upper()}"
    try:
        domains = mailgun.domains(region)
    except KeyRefused as error:
        return Finding(what, False, str(error), ADVICE[error.why])
    except OutsideError as error:
        return Finding(what, False, str(error), "Check MAILGUN_REGIONS and the network, then try again.")
    disabled = sum(domain.is_disabled for domain in domains)
    return Finding(what, True, f"{len(domains)} domains, {disabled} of them disabled")
