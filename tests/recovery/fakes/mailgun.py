"""Mailgun in memory: an account that keeps what it is told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any

from recovery.account import AccountUser, ApiKey, Domain, KeySpec, Login
from recovery.errors import KeyLimitReached, KeyRefused, NotFound
from recovery.ports import NewKey
from recovery.secret import Secret
from tests.recovery.fakes.clock import FakeClock
from tests.recovery.fakes.faults import Fault, Faults


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
        self.key_limit: int | None = None
        self.status: str | None = None
        self.calls: list[tuple[str, str]] = []
        self.while_calling: Callable[[str], None] = lambda call: None
        self._made = 0
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
        return self.called("create_key", "delete_key", "set_password")

    # --- the port

    def keys(self) -> list[ApiKey]:
        with self._call("keys"):
            return list(self.api_keys.values())

    def create_key(self, spec: KeySpec) -> NewKey:
        with self._call("create_key", spec.description), self._lock:
            if self.key_limit is not None and len(self.api_keys) >= self.key_limit:
                raise KeyLimitReached("could not create key, account limit reached", status=403)
            self._made += 1
            key = ApiKey(
                id=f"new-{self._made}",
                kind=spec.kind,
                role=spec.role,
                description=spec.description,
                created_at=self.clock.now(),
                domain_name=spec.domain_name,
            )
            secret = f"secret-of-new-{self._made}-0123456789abcdef"
            self.has_key(key, secret)
            return NewKey(key, Secret(secret))

    def delete_key(self, key_id: str) -> None:
        with self._call("delete_key", key_id):
            if key_id not in self.api_keys:
                raise NotFound("no such key", status=404)
            del self.api_keys[key_id]
            del self.key_secrets[key_id]

    def prove_key(self, secret: Secret) -> None:
        with self._call("prove_key"):
            if secret.reveal() not in self.key_secrets.values():
                raise KeyRefused("Mailgun refused the key", status=401)

    def domains(self, region: str) -> list[Domain]:
        with self._call("domains", region):
            return [domain for domain in self.all_domains if domain.region == region]

    def logins(self, region: str, domain: str) -> list[Login]:
        with self._call("logins", domain):
            return [login for login in self.all_logins if (login.region, login.domain) == (region, domain)]

    def set_password(self, login: Login, password: Secret) -> None:
        with self._call("set_password", login.subject):
            if login not in self.all_logins:
                raise NotFound("no such login", status=404)
            self.passwords.setdefault(login.subject, []).append(password.reveal())

    def users(self) -> list[AccountUser]:
        with self._call("users"):
            return list(self.people.values())

    def outage(self) -> str | None:
        return self.status

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
