"""What a Mailgun account is made of, and what can happen to it. Knows no HTTP."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from drill.buckets import Bucket
from drill.mailgun.outlets import Alert, AllowedAddress, Archive, Kept, QueuedMessage, Route, Webhook, present
from drill.mailgun.places import Region


class KeyKind(enum.StrEnum):
    DOMAIN = "domain"
    """Sends for one domain, and can do nothing else."""
    USER = "user"
    """An account key with a role."""
    WEB = "web"
    """A session of the control panel, of one user."""


class KeyRole(enum.StrEnum):
    ADMIN = "admin"
    DEVELOPER = "developer"
    BASIC = "basic"
    SENDING = "sending"


class UserRole(enum.StrEnum):
    ADMIN = "admin"
    DEVELOPER = "developer"
    BASIC = "basic"
    BILLING = "billing"
    SUPPORT = "support"


class AuthMethod(enum.StrEnum):
    """How a user signs in."""

    PASSWORD = "password"
    SINCH = "sinch"
    SAML = "saml"


class KeyLimitReached(Exception):
    """The account may not have another key."""


@dataclass(frozen=True)
class Disabling:
    """Why a domain does not work, in Mailgun's fields."""

    code: str
    reason: str
    note: str
    permanently: bool = False


ACCOUNT_DISABLED = Disabling(
    code="account_disabled",
    reason="The account is disabled because it appears to be compromised",
    note="Contact support when the account is secured",
)
"""What every domain shows while its account is disabled, save those that are disabled for a reason of their
own. The code is this practice server's: Mailgun publishes no list of codes."""


PANEL = "control panel"
"""Who changed something that was not changed with a key: a person, in the control panel."""


@dataclass
class Credential:
    """An SMTP login of a domain. `listed` is false for a postmaster that Mailgun's list leaves out."""

    login: str
    password: str
    created_at: datetime
    set_at: datetime
    listed: bool = True
    set_by: str | None = None
    """The id of the key that set the password last, or `PANEL`; None since before the drill."""

    def set_password(self, password: str, at: datetime, by: str | None) -> None:
        self.password, self.set_at, self.set_by = password, at, by


@dataclass
class Domain:
    """A domain with its credentials. `disabled` is None while it works."""

    name: str
    region: Region
    created_at: datetime
    credentials: list[Credential] = field(default_factory=list)
    disabled: Disabling | None = None
    webhooks: list[Webhook] = field(default_factory=list)
    archives: list[Archive] = field(default_factory=list)
    id: str = field(default_factory=lambda: secrets.token_hex(12))

    @property
    def smtp_login(self) -> str:
        return f"postmaster@{self.name}"

    def full_login(self, login: str) -> str:
        """The whole address of a login that may be given without its domain."""
        return login.lower() if "@" in login else f"{login.lower()}@{self.name}"

    def credential(self, login: str) -> Credential | None:
        full = self.full_login(login)
        return next((credential for credential in self.credentials if credential.login == full), None)

    def listed(self) -> list[Credential]:
        """The credentials that Mailgun's list shows, in its order."""
        return [credential for credential in self.credentials if credential.listed]

    @property
    def archive_to(self) -> str | None:
        """The URL that gets a copy of what this domain delivers."""
        return next((archive.url for archive in present(self.archives)), None)

    def set_archive_to(self, url: str, at: datetime, by: str) -> None:
        """Send the copies to this URL from now on, or to none where it is empty."""
        for archive in present(self.archives):
            archive.delete(at, by)
        if url:
            self.archives.append(Archive(url=url, created_at=at, created_by=by))


@dataclass
class Key(Kept):
    """An API key. A deleted one is kept, for the drill to know its secret; Mailgun shows it no more."""

    id: str
    secret: str
    kind: KeyKind
    role: KeyRole
    description: str
    domain_name: str | None = None
    requestor: str | None = None
    user_name: str | None = None
    user_id: str | None = None
    expires_at: datetime | None = None
    disabled_reason: str | None = None

    def works(self, at: datetime) -> bool:
        return self.present and self.disabled_reason is None and (self.expires_at is None or at < self.expires_at)


@dataclass
class User:
    """A person with access to the account. A removed one is kept, and shown no more.

    Without an address, `email` is "" or None, and shown so.
    """

    id: str
    email: str | None
    name: str
    role: UserRole = UserRole.DEVELOPER
    is_master: bool = False
    is_disabled: bool = False
    activated: bool = True
    auth_method: AuthMethod = AuthMethod.PASSWORD
    migration_status: str | None = None
    tfa_created_at: datetime | None = None
    password_updated_at: datetime | None = None
    removed: bool = False

    @property
    def tfa_active(self) -> bool:
        return self.tfa_created_at is not None


@dataclass
class Estate:
    """What an account and each of its subaccounts has of its own: domains and routes in both regions, keys, alerts."""

    domains: list[Domain] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    key_limit: int | None = None
    routes: list[Route] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def domain(self, region: Region, name: str) -> Domain | None:
        return next((domain for domain in self.in_region(region) if domain.name == name.lower()), None)

    def in_region(self, region: Region) -> list[Domain]:
        return [domain for domain in self.domains if domain.region is region]

    def has_domain(self, name: str) -> bool:
        return any(domain.name == name.lower() for domain in self.domains)

    def routes_in(self, region: Region) -> list[Route]:
        """The routes that nobody has deleted; `region` has its own."""
        return [route for route in present(self.routes) if route.region is region]

    def present_keys(self) -> list[Key]:
        return present(self.keys)

    def key(self, key_id: str) -> Key | None:
        """A key that is not deleted, by its id."""
        return next((key for key in self.present_keys() if key.id == key_id), None)

    def add_key(self, key: Key) -> None:
        """Keep a new key.

        Raises:
            KeyLimitReached: there are as many as the plan allows; sessions of the control panel don't count.
        """
        counted = [present for present in self.present_keys() if present.kind is not KeyKind.WEB]
        if key.kind is not KeyKind.WEB and self.key_limit is not None and len(counted) >= self.key_limit:
            raise KeyLimitReached
        self.keys.append(key)


@dataclass
class Subaccount:
    """An account under the account; its parent acts for it with `X-Mailgun-On-Behalf-Of`."""

    id: str
    name: str
    created_at: datetime
    estate: Estate = field(default_factory=Estate)


@dataclass(frozen=True)
class SentMessage:
    """A message that somebody sent with a key."""

    at: datetime
    domain: str
    key_id: str
    recipient: str
    subject: str


@dataclass
class Account:
    """The whole account. Only `create_app`'s one event loop changes it, so nothing is locked."""

    id: str
    estate: Estate
    users: list[User]
    subaccounts: list[Subaccount] = field(default_factory=list)
    http_signing_key: str = field(default_factory=lambda: f"key-{secrets.token_hex(16)}")
    public_key: str = field(default_factory=lambda: f"pubkey-{secrets.token_hex(16)}")
    sent: list[SentMessage] = field(default_factory=list)
    sent_by_day: dict[str, dict[date, int]] = field(default_factory=dict)
    """How many messages each domain sent on each day (UTC), for the metrics."""
    queued: list[QueuedMessage] = field(default_factory=list)
    allowlist: list[AllowedAddress] = field(default_factory=list)
    largest_page: int | None = None
    """So many items it gives at once, however many are asked for; None is as many as asked for."""
    calls_come_from: str = "203.0.113.7"
    """The address that every call counts as coming from: the practice server's callers are all on this machine."""
    refuses_calls: int | None = None
    """The status with which each call is refused while the account is disabled; None while it only cannot send."""
    calls_a_second: int | None = None
    """So many calls it takes, of all hosts and subaccounts together; None is as many as come."""
    burst: int = 10
    """So many of them at once, after a pause."""
    _bucket: Bucket = field(default_factory=Bucket)

    def takes_call_in(self, at: datetime) -> float:
        """Count one call. 0 if it is taken; otherwise it is one too many, and this is in how many seconds one fits."""
        if self.calls_a_second is None:
            return 0.0
        return self._bucket.take(at.timestamp(), self.calls_a_second, self.burst)

    def lets_calls_in(self) -> bool:
        """Whether the allowlist has the address that calls come from; while it is empty, it keeps nobody out."""
        allowed = present(self.allowlist)
        return not allowed or any(entry.covers(self.calls_come_from) for entry in allowed)

    def keep_sent(self, message: SentMessage, recipients: int = 1) -> None:
        """Keep a message, and count it once for each of its recipients."""
        self.sent.append(message)
        by_day = self.sent_by_day.setdefault(message.domain, {})
        by_day[message.at.date()] = by_day.get(message.at.date(), 0) + recipients

    def estates(self) -> Iterator[tuple[str | None, Estate]]:
        """The account's own estate, and then each subaccount's with the subaccount's id."""
        yield None, self.estate
        for subaccount in self.subaccounts:
            yield subaccount.id, subaccount.estate

    def subaccount(self, subaccount_id: str) -> Subaccount | None:
        return next((sub for sub in self.subaccounts if sub.id == subaccount_id), None)

    def present_users(self) -> list[User]:
        return [user for user in self.users if not user.removed]

    def user(self, user_id: str) -> User | None:
        """A user who was not removed, by id."""
        return next((user for user in self.present_users() if user.id == user_id), None)

    def known_user(self, named: str) -> User | None:
        """A user by id or address, sooner one who was not removed than one who was."""
        users = sorted(self.users, key=lambda user: user.removed)
        return next((user for user in users if named in (user.id, user.email)), None)

    @property
    def disabled(self) -> bool:
        """Whether any domain is disabled because the account is."""
        return any(domain.disabled == ACCOUNT_DISABLED for _, estate in self.estates() for domain in estate.domains)

    def set_disabled(self, disabled: bool) -> None:
        """Disable the account or enable it; domains disabled for a reason of their own stay as they are."""
        before, after = (None, ACCOUNT_DISABLED) if disabled else (ACCOUNT_DISABLED, None)
        for _, estate in self.estates():
            for domain in estate.domains:
                if domain.disabled == before:
                    domain.disabled = after


def new_key_id() -> str:
    """An id in the shape of Mailgun's: `f2153fd0-f1277777`."""
    return f"{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def new_secret(key_id: str) -> str:
    """A secret as Mailgun makes them now, ending in the id of its key."""
    return f"{secrets.token_hex(16)}-{key_id}"


def old_secret() -> str:
    """A secret as Mailgun made them once: nothing in it says which key it is."""
    return f"key-{secrets.token_hex(16)}"


WEB_KEY_LIFETIME = timedelta(days=1)
"""A session of the control panel lasts no longer."""
