"""A Mailgun account as the recovery sees it: keys, domains, credentials, users, and where its mail and events go."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class KeyKind(StrEnum):
    """`kind` of `GET /v1/keys`."""

    USER = "user"
    DOMAIN = "domain"
    WEB = "web"


@dataclass(frozen=True)
class Subaccount:
    """One item of `GET /v5/accounts/subaccounts`: an account under the account, with domains, logins and keys of its
    own."""

    id: str
    name: str
    is_open: bool
    created_at: datetime | None = None


@dataclass(frozen=True)
class ApiKey:
    """One item of `GET /v1/keys`: everything but its secret. Times are UTC. `owner` is the subaccount that has it,
    None for the account itself."""

    id: str
    kind: KeyKind
    role: str
    description: str
    created_at: datetime
    domain_name: str | None = None
    requestor: str | None = None
    user_name: str | None = None
    is_disabled: bool = False
    expires_at: datetime | None = None
    owner: Subaccount | None = None


@dataclass(frozen=True)
class KeySpec:
    """What a new key shall be: the fields of `POST /v1/keys`."""

    kind: KeyKind
    role: str
    description: str
    domain_name: str | None = None


@dataclass(frozen=True)
class Domain:
    """One item of `GET /v4/domains`. `disabled_for` is code and reason, when Mailgun gives them. `archive_to` is an
    address to which a copy of every delivered message goes. `created_at` is UTC, None where Mailgun gives no date.
    `owner` is the subaccount that has it, None for the account itself."""

    region: str
    name: str
    smtp_login: str
    is_disabled: bool
    disabled_for: str | None = None
    archive_to: str | None = None
    created_at: datetime | None = None
    owner: Subaccount | None = None

    @property
    def subject(self) -> str:
        """Its name with its region: one name may exist in both."""
        return f"{self.region}/{self.name}"


def watched_domains(domains: Sequence[Domain]) -> tuple[tuple[str, ...], bool]:
    """Which domains must work before the account counts as recovered, and whether the account is disabled.

    Disabling an account disables every domain, for one and the same reason. So: while any domain works, the
    account is not disabled, and those that do not work were disabled for a reason of their own. When none
    works, the reason that most of them give is the account's, and the others have their own.
    """
    working = tuple(domain.subject for domain in domains if not domain.is_disabled)
    if working or not domains:
        return working, False
    reasons = Counter(domain.disabled_for for domain in domains)
    accounts_reason, _ = reasons.most_common(1)[0]
    return tuple(domain.subject for domain in domains if domain.disabled_for == accounts_reason), True


@dataclass(frozen=True, order=True)
class Login:
    """One SMTP login of one domain of one region: what a password is set for. `created_at` is UTC, None where it was
    not listed; `owner` is the subaccount that has its domain. Two that differ in these alone are the same."""

    region: str
    domain: str
    login: str
    created_at: datetime | None = field(default=None, compare=False)
    owner: Subaccount | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        """Region, domain and login in one string, as tasks and the trail name it."""
        return f"{self.region}/{self.domain}/{self.login}"

    @classmethod
    def from_subject(cls, subject: str) -> "Login":
        """The inverse of `subject`."""
        region, domain, login = subject.split("/", 2)
        return cls(region, domain, login)


class SignIn(StrEnum):
    """How a user signs in to Mailgun's control panel."""

    PASSWORD = "password"
    SINCH = "sinch"
    SAML = "saml"
    HEROKU = "heroku"
    RACKSPACE = "rackspace"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class AccountUser:
    """One item of `GET /v5/users`. Times are UTC, None where Mailgun gives none."""

    id: str
    email: str
    name: str
    role: str
    sign_in: SignIn
    is_master: bool
    is_disabled: bool
    activated: bool
    tfa_active: bool
    tfa_created_at: datetime | None
    password_updated_at: datetime | None


@dataclass(frozen=True)
class Route:
    """One item of `GET /v3/routes` of a region: what becomes of incoming mail that matches `expression`. `owner` is the
    subaccount that has it, None for the account itself."""

    region: str
    id: str
    priority: int
    description: str
    expression: str
    actions: tuple[str, ...]
    created_at: datetime
    owner: Subaccount | None = None


@dataclass(frozen=True)
class Webhook:
    """One address to which a domain's events are posted, from `GET /v3/domains/{domain}/webhooks`, which gives no date.

    `events` are Mailgun's names for them, sorted. `owner` is the subaccount that has its domain.
    """

    region: str
    domain: str
    url: str
    events: tuple[str, ...]
    owner: Subaccount | None = None

    @property
    def subject(self) -> str:
        """Region, domain and address in one string."""
        return f"{self.region}/{self.domain}/{self.url}"


@dataclass(frozen=True)
class AllowedAddress:
    """One item of `GET /v2/ip_whitelist`: an address, or a range, from which the account may be called. While there is
    any, calls from elsewhere are refused."""

    address: str
    description: str


@dataclass(frozen=True)
class SendAlert:
    """One item of `GET /v1/thresholds/alerts/send`: whom Mailgun warns when sending becomes unusual."""

    id: str
    name: str
    metric: str
    comparator: str
    limit: str
    channels: tuple[str, ...]
    created_at: datetime | None = None


@dataclass(frozen=True)
class DaySent:
    """How many messages a domain has sent on one day (UTC), by `POST /v1/analytics/metrics`."""

    domain: str
    day: date
    sent: int


@dataclass(frozen=True)
class Inventory:
    """Keys, domains and logins of the account and of its subaccounts, from one round of questions. Logins are sorted
    and unique."""

    keys: tuple[ApiKey, ...] = ()
    domains: tuple[Domain, ...] = ()
    logins: tuple[Login, ...] = ()
    users: tuple[AccountUser, ...] = ()
