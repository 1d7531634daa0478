"""Mailgun in memory: an account that keeps what it is told."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date
from threading import RLock
from typing import Any, Self

from recovery.account import (
    AccountUser,
    AllowedAddress,
    ApiKey,
    DaySent,
    Domain,
    KeySpec,
    Login,
    Route,
    SendAlert,
    Subaccount,
    Webhook,
)
from recovery.errors import KeyLimitReached, KeyRefused, NotFound, Refused
from recovery.ports import NewKey
from recovery.secret import Secret
from tests.recovery.fakes.clock import FakeClock
from tests.recovery.fakes.faults import Fault, Faults

CHANGING = (
    *("create_key", "delete_key", "new_signing_key", "new_public_key", "set_password", "create_login", "delete_login"),
    *("delete_queued", "archive_to", "delete_route", "create_route", "delete_webhook", "create_webhook"),
    *("disallow", "allow"),
)


@dataclass
class Outlets:
    """What a test arranges beside keys, domains and users, and looks at; of the account and all subaccounts."""

    subaccounts: list[Subaccount] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)
    allowlist: list[AllowedAddress] = field(default_factory=list)
    alerts: list[SendAlert] = field(default_factory=list)
    sent: list[DaySent] = field(default_factory=list)
    queue_deleted: list[str] = field(default_factory=list)
    signing_keys: list[str] = field(default_factory=lambda: ["key-first-signing-0123456789"])
    public_keys: list[str] = field(default_factory=lambda: ["pubkey-first-0123456789"])
    owners: dict[str, str | None] = field(default_factory=dict)
    """Whose a route is, by its id, where it is a subaccount's."""


class FakeMailgun:
    """An account in two regions. A call by a key that is deleted is refused, as the real one does."""

    regions: Sequence[str] = ("us", "eu")

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.calling: Callable[[], Secret] = lambda: Secret("nobody")
        self.api_keys: dict[str, ApiKey] = {}
        self.key_secrets: dict[str, str] = {}
        self.all_domains: list[Domain] = []
        self.all_logins: list[Login] = []
        self.passwords: dict[str, list[str]] = {}
        self.people: dict[str, AccountUser] = {}
        self.of_others: dict[str, list[Domain]] = {}
        """By the secret of a key of another account, the domains of that."""
        self.key_limit: int | None = None
        self.outlets = Outlets()
        self._owner: str | None = None
        self.status: str | None = None
        self.calls: list[tuple[str, str]] = []
        self.while_calling: Callable[[str], None] = lambda call: None
        self._made: list[None] = []
        self._lock = RLock()

    # --- what a test arranges and looks at

    def fail(self, call: str, error: Exception, about: str = "", *, after: bool = False, times: int = 1) -> None:
        self.faults.order(call, error, about, after=after, times=times)

    def has_key(self, key: ApiKey, secret: str) -> ApiKey:
        self.api_keys[key.id] = key
        self.key_secrets[key.id] = secret
        return key

    def has_domain(self, domain: Domain, *logins: str) -> Domain:
        self.all_domains.append(domain)
        self.all_logins += [Login(domain.region, domain.name, login) for login in logins]
        return domain

    def has_user(self, user: AccountUser) -> AccountUser:
        self.people[user.id] = user
        return user

    def change_user(self, user_id: str, **fields: Any) -> None:
        self.people[user_id] = replace(self.people[user_id], **fields)

    def password_of(self, subject: str) -> str | None:
        """The one that works now."""
        return self.passwords[subject][-1] if self.passwords.get(subject) else None

    def called(self, *calls: str) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] in calls]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Every call that changed or tried to change something."""
        return self.called(*CHANGING)

    # --- the port

    def for_subaccount(self, subaccount_id: str | None) -> Self:
        view = copy(self)
        view._owner = subaccount_id
        return view

    def subaccounts(self) -> list[Subaccount]:
        with self._call("subaccounts"):
            return list(self.outlets.subaccounts)

    def _is_mine(self, owner: Subaccount | None) -> bool:
        return (owner.id if owner else None) == self._owner

    def keys(self) -> list[ApiKey]:
        with self._call("keys"):
            return [key for key in self.api_keys.values() if self._is_mine(key.owner)]

    def create_key(self, spec: KeySpec) -> NewKey:
        with self._call("create_key", spec.description), self._lock:
            mine = [key for key in self.api_keys.values() if self._is_mine(key.owner)]
            if self.key_limit is not None and len(mine) >= self.key_limit:
                raise KeyLimitReached("could not create key, account limit reached", status=403)
            number = self._next_number()
            key = ApiKey(
                id=f"new-{number}",
                kind=spec.kind,
                role=spec.role,
                description=spec.description,
                created_at=self.clock.now(),
                domain_name=spec.domain_name,
                owner=next((one for one in self.outlets.subaccounts if one.id == self._owner), None),
            )
            secret = f"secret-of-new-{number}-0123456789abcdef"
            self.has_key(key, secret)
            return NewKey(key, Secret(secret))

    def delete_key(self, key_id: str) -> None:
        with self._call("delete_key", key_id):
            if key_id not in self.api_keys or not self._is_mine(self.api_keys[key_id].owner):
                raise NotFound("no such key", status=404)
            del self.api_keys[key_id]
            del self.key_secrets[key_id]

    def prove_key(self, secret: Secret) -> None:
        with self._call("prove_key"):
            if secret.reveal() not in self.key_secrets.values():
                raise KeyRefused("Mailgun refused the key", status=401)

    def keys_listed_by(self, secret: Secret) -> list[ApiKey]:
        with self._lock:
            self.calls.append(("keys_listed_by", ""))
        fault = self.faults.take("keys_listed_by", "")
        if fault is not None:
            raise fault.error
        if secret.reveal() in self.of_others:
            return []
        if secret.reveal() not in self.key_secrets.values():
            raise KeyRefused("Forbidden", status=401)
        return list(self.api_keys.values())

    def domains_listed_by(self, secret: Secret, region: str) -> list[Domain]:
        fault = self.faults.take("domains_listed_by", region)
        if fault is not None:
            raise fault.error
        listed = self.of_others.get(secret.reveal(), self.all_domains)
        return [domain for domain in listed if domain.region == region and domain.owner is None]

    def domains(self, region: str) -> list[Domain]:
        with self._call("domains", region):
            return [d for d in self.all_domains if d.region == region and self._is_mine(d.owner)]

    def logins(self, region: str, domain: str) -> list[Login]:
        with self._call("logins", domain):
            self._must_have(domain)
            return [login for login in self.all_logins if (login.region, login.domain) == (region, domain)]

    def _must_have(self, domain: str) -> None:
        if any(one.name == domain and not self._is_mine(one.owner) for one in self.all_domains):
            raise NotFound("Domain not found", status=404)

    def set_password(self, login: Login, password: Secret) -> None:
        with self._call("set_password", login.subject):
            self._must_have(login.domain)
            if login not in self.all_logins:
                raise NotFound("no such login", status=404)
            self.passwords.setdefault(login.subject, []).append(password.reveal())

    def create_login(self, login: Login, password: Secret) -> None:
        with self._call("create_login", login.subject), self._lock:
            self._must_have(login.domain)
            if not any(one.name == login.domain for one in self.all_domains):
                raise NotFound("Domain not found", status=404)
            if login in self.all_logins:
                raise Refused("Credentials exist", status=400)
            self.all_logins.append(login)
            self.passwords.setdefault(login.subject, []).append(password.reveal())

    def delete_login(self, login: Login) -> None:
        with self._call("delete_login", login.subject), self._lock:
            if login not in self.all_logins:
                raise NotFound("no such login", status=404)
            self.all_logins.remove(login)

    def signing_key(self) -> Secret:
        with self._call("signing_key"):
            return Secret(self.outlets.signing_keys[-1])

    def new_signing_key(self) -> Secret:
        with self._call("new_signing_key"), self._lock:
            self.outlets.signing_keys.append(f"key-signing-{self._next_number()}-0123456789")
            return Secret(self.outlets.signing_keys[-1])

    def new_public_key(self) -> Secret:
        with self._call("new_public_key"), self._lock:
            self.outlets.public_keys.append(f"pubkey-{self._next_number()}-0123456789")
            return Secret(self.outlets.public_keys[-1])

    def delete_queued(self, region: str, domain: str) -> None:
        with self._call("delete_queued", f"{region}/{domain}"), self._lock:
            self._must_have(domain)
            if not any((one.region, one.name) == (region, domain) for one in self.all_domains):
                raise NotFound("domain not found", status=404)
            self.outlets.queue_deleted.append(f"{region}/{domain}")

    def archive_to(self, region: str, domain: str, url: str) -> None:
        with self._call("archive_to", f"{region}/{domain}"), self._lock:
            changed = [
                replace(d, archive_to=url or None) if (d.region, d.name) == (region, domain) else d
                for d in self.all_domains
            ]
            self.all_domains[:] = changed

    def routes(self, region: str) -> list[Route]:
        with self._call("routes", region):
            owners = self.outlets.owners
            return [r for r in self.outlets.routes if r.region == region and owners.get(r.id) == self._owner]

    def delete_route(self, region: str, route_id: str) -> None:
        with self._call("delete_route", f"{region}/{route_id}"), self._lock:
            left = [r for r in self.outlets.routes if (r.region, r.id) != (region, route_id)]
            if len(left) == len(self.outlets.routes):
                raise NotFound("Route not found", status=404)
            self.outlets.routes[:] = left

    def create_route(self, route: Route) -> Route:
        with self._call("create_route", route.expression), self._lock:
            made = replace(route, id=f"route-{self._next_number()}", created_at=self.clock.now())
            self.outlets.routes.append(made)
            if self._owner:
                self.outlets.owners[made.id] = self._owner
            return made

    def webhooks(self, region: str, domain: str) -> list[Webhook]:
        with self._call("webhooks", domain):
            self._must_have(domain)
            return [w for w in self.outlets.webhooks if (w.region, w.domain) == (region, domain)]

    def delete_webhook(self, webhook: Webhook) -> None:
        with self._call("delete_webhook", webhook.url), self._lock:
            same = (webhook.region, webhook.domain, webhook.url)
            left = [w for w in self.outlets.webhooks if (w.region, w.domain, w.url) != same]
            if len(left) == len(self.outlets.webhooks):
                raise NotFound("Webhook not found", status=404)
            self.outlets.webhooks[:] = left

    def create_webhook(self, webhook: Webhook) -> None:
        with self._call("create_webhook", webhook.url), self._lock:
            self.outlets.webhooks.append(webhook)

    def allowlist(self) -> list[AllowedAddress]:
        with self._call("allowlist"):
            return list(self.outlets.allowlist)

    def disallow(self, address: str) -> None:
        with self._call("disallow", address), self._lock:
            self.outlets.allowlist[:] = [one for one in self.outlets.allowlist if one.address != address]

    def allow(self, entry: AllowedAddress) -> None:
        with self._call("allow", entry.address), self._lock:
            self.outlets.allowlist.append(entry)

    def alerts(self) -> list[SendAlert]:
        with self._call("alerts"):
            return list(self.outlets.alerts)

    def sent(self, first: date, last: date) -> list[DaySent]:
        with self._call("sent"):
            return [day for day in self.outlets.sent if first <= day.day <= last]

    def users(self) -> list[AccountUser]:
        with self._call("users"):
            return list(self.people.values())

    def outage(self) -> str | None:
        return self.status

    def _next_number(self) -> int:
        """Counted in a list, which the views on behalf of subaccounts share."""
        self._made.append(None)
        return len(self._made)

    def _call(self, call: str, about: str = "") -> "_Called":
        with self._lock:
            self.calls.append((call, about))
        self.while_calling(call)
        fault = self.faults.take(call, about)
        if fault is not None and not fault.after:
            raise fault.error
        if self.calling().reveal() not in self.key_secrets.values():
            raise KeyRefused("Forbidden", status=401)
        return _Called(fault)


class _Called:
    """Withholds the answer of a call that a fault `after` was ordered for."""

    def __init__(self, fault: Fault | None) -> None:
        self._fault = fault

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._fault is not None and error is None:
            raise self._fault.error
