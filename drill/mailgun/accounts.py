"""Accounts to begin with. Names are fixed, and those of the practice Slack; ids and secrets are new each time.

All of them begin compromised in the same way: somebody else may hold any key and any SMTP password.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drill.mailgun.model import (
    WEB_KEY_LIFETIME,
    Account,
    AuthMethod,
    Credential,
    Disabling,
    Domain,
    Estate,
    Key,
    KeyKind,
    KeyRole,
    Subaccount,
    User,
    UserRole,
    new_key_id,
    new_secret,
    old_secret,
)
from drill.mailgun.places import Region
from drill.mailgun.times import utc_now

MANY_CREDENTIALS = 130
"""The credentials of the drill's largest domain: more than one handover message carries."""

BLACKLISTED = Disabling(code="blacklisted", reason="Too many complaints", note="Since last month")
"""Why one of the drill's domains does not work whatever becomes of the account."""


@dataclass(frozen=True)
class Prepared:
    """An account, and the secret of the admin key that the bot is given."""

    account: Account
    admin_key: str


def small_account(at: datetime | None = None) -> Prepared:
    """What most tests need: `mg.example.com` (US) and `eu.example.com` (EU) with three logins each.

    Three keys: an admin key, which the bot has, a sending key of `mg.example.com`, a session. Three users
    with Mailgun passwords: Olivia (owner) and Dana (developer) without 2FA, Priya (admin) with it. The account
    works.
    """
    moment = _Moment(at)
    olivia = moment.user("olivia@example.com", UserRole.ADMIN, is_master=True)
    users = [
        olivia,
        moment.user("priya@example.com", UserRole.ADMIN, tfa=True),
        moment.user("dana@example.com"),
    ]
    admin = moment.key(KeyRole.ADMIN, "Backend", old=True)
    estate = Estate(
        domains=[
            moment.domain("mg.example.com", Region.US, ["app", "billing"]),
            moment.domain("eu.example.com", Region.EU, ["app", "alerts"]),
        ],
        keys=[admin, moment.sending_key("mg.example.com", "Shop"), moment.web_key(olivia)],
    )
    return Prepared(Account(secrets.token_hex(12), estate, users), admin.secret)


def twofold_account(at: datetime | None = None) -> Prepared:
    """The smallest account in which a recovery does everything twice: what the crash tests kill the bot over.

    `mg.example.com` (US) with two logins: postmaster and app. Four keys: an admin key, which the bot has, a
    sending key, a session of each user. Two users with Mailgun passwords and without 2FA: Dana (owner) and
    Chen (developer). The account works.
    """
    moment = _Moment(at)
    dana = moment.user("dana@example.com", UserRole.ADMIN, is_master=True)
    chen = moment.user("chen@example.com")
    admin = moment.key(KeyRole.ADMIN, "Backend", old=True)
    estate = Estate(
        domains=[moment.domain("mg.example.com", Region.US, ["app"])],
        keys=[
            admin,
            moment.sending_key("mg.example.com", "Shop"),
            moment.web_key(dana, "dana's session"),
            moment.web_key(chen, "chen's session"),
        ],
    )
    return Prepared(Account(secrets.token_hex(12), estate, [dana, chen]), admin.secret)


def drill_account(at: datetime | None = None) -> Prepared:
    """The drill's: five domains in two regions, nine keys, seven users; the account is disabled.

    - `mg.example.com` (US): postmaster and three logins. `news.example.com` (US): postmaster and 130.
      `eu.example.com` (EU): postmaster and three. `alerts.example.com` (EU): two logins, and a postmaster
      that the list leaves out. `old.example.com` (US): postmaster and one login, blacklisted whatever becomes
      of the account.
    - Keys: admin (old style, the bot's), developer and basic; sending keys of `mg`, `news` and `eu`; three
      sessions.
    - Users: Olivia (owner, admin), Chen (admin) and Dana (developer) without 2FA; Priya (admin) with it; Sam
      (developer) signs in through Sinch ID, Noah (developer) through SAML; Carl (basic) is a contractor with
      an address elsewhere, and no 2FA.
    """
    moment = _Moment(at)
    olivia = moment.user("olivia@example.com", UserRole.ADMIN, is_master=True)
    priya = moment.user("priya@example.com", UserRole.ADMIN, tfa=True)
    chen = moment.user("chen@example.com", UserRole.ADMIN)
    sam = moment.user("sam@example.com", auth=AuthMethod.SINCH, migration_status="done")
    noah = moment.user("noah@example.com", auth=AuthMethod.SAML)
    others = [moment.user("dana@example.com"), moment.user("carl@contractor.example.net", UserRole.BASIC)]
    admin = moment.key(KeyRole.ADMIN, "Production backend", old=True)
    many = [f"list{number:03}" for number in range(1, MANY_CREDENTIALS + 1)]
    estate = Estate(
        domains=[
            moment.domain("mg.example.com", Region.US, ["app", "billing", "support"]),
            moment.domain("news.example.com", Region.US, many),
            moment.domain("old.example.com", Region.US, ["legacy"], disabled=BLACKLISTED),
            moment.domain("eu.example.com", Region.EU, ["app", "shop", "invoices"]),
            moment.domain("alerts.example.com", Region.EU, ["pager", "status"], postmaster_listed=False),
        ],
        keys=[
            admin,
            moment.key(KeyRole.DEVELOPER, "Staging"),
            moment.key(KeyRole.BASIC, "Dashboard"),
            moment.sending_key("mg.example.com", "Shop checkout"),
            moment.sending_key("news.example.com", "Newsletter"),
            moment.sending_key("eu.example.com", "Shop checkout EU"),
            *(moment.web_key(user) for user in (olivia, priya, chen)),
        ],
    )
    account = Account(secrets.token_hex(12), estate, [olivia, priya, chen, sam, noah, *others])
    account.set_disabled(True)
    return Prepared(account, admin.secret)


def scaled_account(domains: int, credentials_per_domain: int, users: int, at: datetime | None = None) -> Prepared:
    """An account of any size: `d<n>.example.com` in the regions by turns, users `user<n>@example.com`.

    A domain's postmaster is one of its credentials; with none per domain it is there, but not listed. There
    is one sending key a domain. The first user owns the account, every second user has 2FA.
    """
    moment = _Moment(at)
    regions = list(Region)
    names = [f"d{number:04}.example.com" for number in range(1, domains + 1)]
    logins = [f"user{number:05}" for number in range(1, credentials_per_domain)]
    admin = moment.key(KeyRole.ADMIN, "Backend", old=True)
    estate = Estate(
        domains=[
            moment.domain(name, regions[index % 2], logins, postmaster_listed=credentials_per_domain > 0)
            for index, name in enumerate(names)
        ],
        keys=[admin, *(moment.sending_key(name, f"Sender {name}") for name in names)],
    )
    people = [
        moment.user(
            f"user{number:04}@example.com",
            UserRole.ADMIN if number == 1 else UserRole.DEVELOPER,
            is_master=number == 1,
            tfa=number % 2 == 0,
        )
        for number in range(1, users + 1)
    ]
    return Prepared(Account(secrets.token_hex(12), estate, people), admin.secret)


def with_subaccount(prepared: Prepared, name: str, domain: str, region: Region = Region.US) -> Subaccount:
    """Add a subaccount with a domain, two logins beside its postmaster, and a sending key."""
    moment = _Moment(None)
    estate = Estate([moment.domain(domain, region, ["app", "billing"])], [moment.sending_key(domain, name)])
    subaccount = Subaccount(secrets.token_hex(12), name, moment.created(), estate)
    was_disabled = prepared.account.disabled
    prepared.account.subaccounts.append(subaccount)
    if was_disabled:
        # What disables an account disables the domains of its subaccounts, too.
        prepared.account.set_disabled(True)
    return subaccount


class _Moment:
    """Makes the parts of an account as they would be at one moment, months after it was opened."""

    def __init__(self, at: datetime | None) -> None:
        self._at = utc_now() if at is None else at

    def created(self) -> datetime:
        return self._at - timedelta(days=200)

    def user(
        self,
        email: str,
        role: UserRole = UserRole.DEVELOPER,
        *,
        is_master: bool = False,
        tfa: bool = False,
        auth: AuthMethod = AuthMethod.PASSWORD,
        migration_status: str | None = None,
    ) -> User:
        return User(
            id=secrets.token_hex(12),
            email=email,
            name=email.partition("@")[0].title(),
            role=role,
            is_master=is_master,
            auth_method=auth,
            migration_status=migration_status,
            tfa_created_at=self._at - timedelta(days=90) if tfa else None,
            password_updated_at=self._at - timedelta(days=120) if auth is AuthMethod.PASSWORD else None,
        )

    def domain(
        self,
        name: str,
        region: Region,
        logins: Iterable[str],
        *,
        postmaster_listed: bool = True,
        disabled: Disabling | None = None,
    ) -> Domain:
        domain = Domain(name, region, self.created(), disabled=disabled)
        domain.credentials.append(self._credential(domain.smtp_login, listed=postmaster_listed))
        domain.credentials += [self._credential(domain.full_login(login)) for login in logins]
        return domain

    def key(self, role: KeyRole, description: str, *, old: bool = False) -> Key:
        key_id = new_key_id()
        secret = old_secret() if old else new_secret(key_id)
        return Key(key_id, secret, KeyKind.USER, role, description, created_at=self.created())

    def sending_key(self, domain_name: str, description: str) -> Key:
        key_id = new_key_id()
        secret = new_secret(key_id)
        return Key(key_id, secret, KeyKind.DOMAIN, KeyRole.SENDING, description, domain_name, created_at=self.created())

    def web_key(self, user: User, description: str = "web session") -> Key:
        key_id = new_key_id()
        created = self._at - timedelta(hours=2)
        return Key(
            key_id,
            new_secret(key_id),
            KeyKind.WEB,
            KeyRole(user.role),
            description,
            created_at=created,
            requestor=user.email,
            user_name=user.name,
            user_id=user.id,
            expires_at=created + WEB_KEY_LIFETIME,
        )

    def _credential(self, login: str, *, listed: bool = True) -> Credential:
        return Credential(login, secrets.token_urlsafe(12), self.created(), self.created(), listed)
