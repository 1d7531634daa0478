"""`MailgunClient`: the account in all its regions, as `recovery.ports.Mailgun` asks for it."""

import logging
from collections.abc import Mapping, Sequence

from mailgun import models
from mailgun.asking import KeySource, part
from mailgun.outlet_calls import OutletCalls
from mailgun.status import read_outage
from mailgun.transport import Call, Transport
from recovery.account import AccountUser, ApiKey, Domain, KeySpec, Login
from recovery.errors import OutsideError
from recovery.ports import NewKey
from recovery.secret import Secret

LARGEST_PAGE = 1000
"""The most that Mailgun gives at once of domains and credentials."""

USERS_PAGE = 100
"""Mailgun names no most for users; this many it gives of everything."""

_SIGNING_KEY = "/v5/accounts/http_signing_key"

logger = logging.getLogger("mailgun")


class MailgunClient(OutletCalls):
    """One Mailgun account, and each of its subaccounts. Every method raises the errors of `recovery.errors` and no
    others. `status_url` is the status page's `summary.json`; empty, it is not asked."""

    def __init__(
        self,
        urls: Mapping[str, str],
        key_source: KeySource,
        transport: Transport,
        status_url: str = "",
        storage_urls: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(urls, key_source, transport, storage_urls or {})
        self._status_url = status_url

    def keys(self) -> list[ApiKey]:
        """Every key of the account, all kinds. `GET /v1/keys`, which has no pages."""
        return self.ask(self.account_call("GET", "/v1/keys", "list the API keys"), models.read_keys)

    def create_key(self, spec: KeySpec) -> NewKey:
        """A new key with its secret. `POST /v1/keys`. Raises `KeyLimitReached` at the plan's limit."""
        form: dict[str, str | Secret] = {
            "kind": spec.kind.value,
            "role": spec.role,
            "description": spec.description,
        }
        what = f"create an API key with the role {spec.role}"
        if spec.domain_name is not None:
            form["domain_name"] = spec.domain_name
            what = f"create a sending key for {spec.domain_name}"
        return self.ask(self.account_call("POST", "/v1/keys", what, form=form), models.read_new_key)

    def delete_key(self, key_id: str) -> None:
        """`DELETE /v1/keys/{id}`. Raises `NotFound` on 404, which alone does not mean deleted."""
        call = self.account_call("DELETE", f"/v1/keys/{part(key_id)}", f"delete the API key {key_id}")
        self.ask(call, models.read_done)

    def prove_key(self, secret: Secret) -> None:
        """One call with that account key: `GET /v4/domains?limit=1`. Raises `KeyRefused` if it fails."""
        call = self.account_call("GET", "/v4/domains", "answer a call with the key to be proven", query={"limit": 1})
        self._transport.call(call, secret, models.read_done)

    def keys_listed_by(self, secret: Secret) -> list[ApiKey]:
        """The account's keys, asked for with that key. `GET /v1/keys`."""
        call = self.account_call("GET", "/v1/keys", "list the API keys with the new key")
        return self._transport.call(call, secret, models.read_keys)

    def domains_listed_by(self, secret: Secret, region: str) -> list[Domain]:
        """Every domain of a region, asked for with that key. `GET /v4/domains`, pages of 1000."""
        return self.with_key(secret).domains(region)

    def signing_key(self) -> Secret:
        """The key that webhooks are signed with now. `GET /v5/accounts/http_signing_key`."""
        call = self.account_call("GET", _SIGNING_KEY, "show the webhook signing key")
        return self.ask(call, models.read_signing_key)

    def new_signing_key(self) -> Secret:
        """Another one; the one before it is dead at once. `POST /v5/accounts/http_signing_key`."""
        call = self.account_call("POST", _SIGNING_KEY, "make a new webhook signing key")
        return self.ask(call, models.read_signing_key)

    def new_public_key(self) -> Secret:
        """Another public validation key; the one before it is gone. `POST /v1/keys/public`."""
        call = self.account_call("POST", "/v1/keys/public", "make a new public validation key")
        return self.ask(call, models.read_public_key)

    def domains(self, region: str) -> list[Domain]:
        """Every domain of a region. `GET /v4/domains`, pages of 1000."""
        call = self.call(region, "GET", "/v4/domains", f"list the domains in region {region}")
        return self.every_page(call, LARGEST_PAGE, models.domains_of(region), lambda domain: domain.name)

    def logins(self, region: str, domain: str) -> list[Login]:
        """Every SMTP login that Mailgun lists of a domain, each as a full address.

        `GET /v3/domains/{domain}/credentials`, pages of 1000. The domain's `smtp_login` may be missing.
        """
        path = f"/v3/domains/{part(domain)}/credentials"
        call = self.call(region, "GET", path, f"list the SMTP logins of {domain}")
        return self.every_page(call, LARGEST_PAGE, models.logins_of(region, domain), lambda login: login.login)

    def set_password(self, login: Login, password: Secret) -> None:
        """`PUT /v3/domains/{domain}/credentials/{login}`. Harmless to repeat with the same password."""
        address = models.full_login(login.login, login.domain)
        path = f"/v3/domains/{part(login.domain)}/credentials/{part(address)}"
        what = f"set the password of {address}"
        self.ask(self.call(login.region, "PUT", path, what, form={"password": password}), models.read_done)

    def create_login(self, login: Login, password: Secret) -> None:
        """A login that is not there. `POST /v3/domains/{domain}/credentials`. Raises `Refused` where it is."""
        address = models.full_login(login.login, login.domain)
        path = f"/v3/domains/{part(login.domain)}/credentials"
        form: dict[str, str | Secret] = {"login": address, "password": password}
        self.ask(self.call(login.region, "POST", path, f"create the login {address}", form=form), models.read_done)

    def delete_login(self, login: Login) -> None:
        """`DELETE /v3/domains/{domain}/credentials/{login}`. Raises `NotFound` on 404."""
        address = models.full_login(login.login, login.domain)
        path = f"/v3/domains/{part(login.domain)}/credentials/{part(address)}"
        self.ask(self.call(login.region, "DELETE", path, f"delete the login {address}"), models.read_done)

    def users(self) -> list[AccountUser]:
        """Every user of the account. `GET /v5/users`, pages of 100."""
        call = self.account_call("GET", "/v5/users", "list the users of the account")
        return self.every_page(call, USERS_PAGE, models.read_users, lambda user: user.id)

    def outage(self) -> str | None:
        """What Mailgun's status page reports, in one sentence; None if all is well, or it cannot be asked."""
        if not self._status_url:
            return None
        call = Call("GET", self._status_url, "", "show its status page")
        try:
            return self._transport.call(call, None, read_outage)
        except OutsideError as error:
            # It only adds to what a person is told; nothing waits for it.
            logger.warning("The status page could not be read: %s", error)
            return None
