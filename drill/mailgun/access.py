"""Which key may do what."""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
from dataclasses import dataclass
from datetime import datetime

from drill.mailgun.answers import account_disabled, address_not_allowed, forbidden, too_many, unauthorized
from drill.mailgun.model import Account, Estate, Key, KeyRole

ON_BEHALF_OF = "X-Mailgun-On-Behalf-Of"


class Power(enum.Enum):
    """What a call needs its key to be allowed."""

    READ = enum.auto()
    """See everything but the users: keys, domains, routes, webhooks, the allowlist, alerts, metrics."""
    READ_USERS = enum.auto()
    CHANGE = enum.auto()
    """Change what belongs to sending and receiving: SMTP credentials, a domain's settings, routes and webhooks; and
    delete queued mail. Mailgun's developer role is for just that."""
    SEND = enum.auto()
    MANAGE = enum.auto()
    """Change who may call: keys, the webhook signing key and the public key, the IP allowlist. Admins only."""


_POWERS: dict[KeyRole, frozenset[Power]] = {
    KeyRole.ADMIN: frozenset(Power),
    KeyRole.DEVELOPER: frozenset({Power.READ, Power.CHANGE, Power.SEND}),
    KeyRole.BASIC: frozenset({Power.READ, Power.READ_USERS}),
    KeyRole.SENDING: frozenset({Power.SEND}),
}


@dataclass(frozen=True)
class Caller:
    """Who calls, and whose domains and keys the call is about."""

    key: Key
    estate: Estate


def calling_key(account: Account, authorization: str) -> tuple[Key, Estate] | None:
    """The key in an `Authorization` header, deleted or not, and the estate that it belongs to."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if user != "api":
        return None
    for _, estate in account.estates():
        for key in estate.keys:
            if hmac.compare_digest(key.secret.encode(), secret.encode()):
                return key, estate
    return None


def admit(
    account: Account,
    found: tuple[Key, Estate] | None,
    power: Power,
    on_behalf_of: str | None,
    domain_name: str | None,
    at: datetime,
) -> Caller:
    """Who calls, if the key works and may do this.

    Raises:
        Refusal: 401 for a key that does not work, and for a sending key anywhere but at the messages of its
            domain; 403 for a role that is too small, and for a subaccount that is
            not the caller's. Either for a disabled account that refuses calls. 429 for one call too many.
    """
    if found is None or not found[0].works(at):
        raise unauthorized()
    seconds = account.takes_call_in(at)
    if seconds:
        raise too_many(seconds)
    if not account.lets_calls_in():
        raise address_not_allowed()
    if account.disabled and account.refuses_calls is not None:
        raise account_disabled(account.refuses_calls)
    key, own = found
    if key.role is KeyRole.SENDING and (power is not Power.SEND or domain_name != key.domain_name):
        raise unauthorized()
    if power not in _POWERS[key.role]:
        raise forbidden()
    if on_behalf_of is None:
        return Caller(key, own)
    subaccount = account.subaccount(on_behalf_of)
    if subaccount is None or own is not account.estate:
        raise forbidden()
    return Caller(key, subaccount.estate)
