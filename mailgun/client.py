"""`MailgunClient`: the account in all its regions, as `recovery.ports.Mailgun` asks for it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar
from urllib.parse import quote

from mailgun import models
from mailgun.models import Page, PageReader
from mailgun.status import read_outage
from mailgun.transport import Call, Method, Transport
from recovery.account import AccountUser, ApiKey, Domain, KeySpec, Login
from recovery.errors import KeyRefused, OutsideError, Refused, Uncertain
from recovery.ports import NewKey
from recovery.secret import Secret

Result = TypeVar("Result")
Item = TypeVar("Item")

LARGEST_PAGE = 1000
"""The most that Mailgun gives at once of domains and credentials."""

USERS_PAGE = 100
"""Mailgun names no most for users; this many it gives of everything."""
MOST_READINGS = 5
"""How often a list is read anew that changes while it is read."""

logger = logging.getLogger("mailgun")


class KeySource(Protocol):
    """Where the bot's own key comes from. `recovery.ports.Vault` is one."""

    def current(self) -> Secret:
        """The key to work with."""
        ...

    def refresh(self) -> None:
        """Look again: another process may have rotated the key."""
        ...


class MailgunClient:
    """One Mailgun account. Every method raises the errors of `recovery.errors` and no others.

    `urls` has the address of each region's API by the region's name, "us" or "eu". Keys and users belong to
    the account: they are asked of the first region. `status_url` is the status page's `summary.json`; empty,
    it is not asked. A 401 makes the client refresh the key source and, if the key is another one by then,
    repeat the call with it, once.
    """

    regions: Sequence[str]

    def __init__(
        self, urls: Mapping[str, str], key_source: KeySource, transport: Transport, status_url: str = ""
    ) -> None:
        self.regions = tuple(urls)
        self._urls = {region: url.rstrip("/") for region, url in urls.items()}
        self._key_source = key_source
        self._transport = transport
        self._status_url = status_url

    def keys(self) -> list[ApiKey]:
        """Every key of the account, all kinds. `GET /v1/keys`, which has no pages."""
        return self._ask(self._account_call("GET", "/v1/keys", "list the API keys"), models.read_keys)

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
        return self._ask(self._account_call("POST", "/v1/keys", what, form=form), models.read_new_key)

    def delete_key(self, key_id: str) -> None:
        """`DELETE /v1/keys/{id}`. Raises `NotFound` on 404, which alone does not mean deleted."""
        call = self._account_call("DELETE", f"/v1/keys/{_part(key_id)}", f"delete the API key {key_id}")
        self._ask(call, models.read_done)

    def prove_key(self, secret: Secret) -> None:
        """One call with that account key: `GET /v4/domains?limit=1`. Raises `KeyRefused` if it fails."""
        call = self._account_call("GET", "/v4/domains", "answer a call with the key to be proven", query={"limit": 1})
        self._transport.call(call, secret, models.read_done)

    def domains(self, region: str) -> list[Domain]:
        """Every domain of a region. `GET /v4/domains`, pages of 1000."""
        call = self._call(region, "GET", "/v4/domains", f"list the domains in region {region}")
        return self._every_page(call, LARGEST_PAGE, models.domains_of(region), lambda domain: domain.name)

    def logins(self, region: str, domain: str) -> list[Login]:
        """Every SMTP login that Mailgun lists of a domain, each as a full address.

        `GET /v3/domains/{domain}/credentials`, pages of 1000. The domain's `smtp_login` may be missing.
        """
        path = f"/v3/domains/{_part(domain)}/credentials"
        call = self._call(region, "GET", path, f"list the SMTP logins of {domain}")
        return self._every_page(call, LARGEST_PAGE, models.logins_of(region, domain), lambda login: login.login)

    def set_password(self, login: Login, password: Secret) -> None:
        """`PUT /v3/domains/{domain}/credentials/{login}`. Harmless to repeat with the same password."""
        address = models.full_login(login.login, login.domain)
        path = f"/v3/domains/{_part(login.domain)}/credentials/{_part(address)}"
        what = f"set the password of {address}"
        self._ask(self._call(login.region, "PUT", path, what, form={"password": password}), models.read_done)

    def users(self) -> list[AccountUser]:
        """Every user of the account. `GET /v5/users`, pages of 100."""
        call = self._account_call("GET", "/v5/users", "list the users of the account")
        return self._every_page(call, USERS_PAGE, models.read_users, lambda user: user.id)

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

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()

    def _account_call(
        self,
        method: Method,
        path: str,
        what: str,
        query: Mapping[str, str | int] | None = None,
        form: Mapping[str, str | Secret] | None = None,
    ) -> Call:
        return self._call(self.regions[0], method, path, what, query, form)

    def _call(
        self,
        region: str,
        method: Method,
        path: str,
        what: str,
        query: Mapping[str, str | int] | None = None,
        form: Mapping[str, str | Secret] | None = None,
    ) -> Call:
        base = self._urls.get(region)
        if base is None:
            # A login that was stored while the region was still set.
            raise Refused(f"The bot was asked to {what}, but MAILGUN_REGIONS does not name the region {region}.")
        return Call(method, base, path, what, query or {}, form or {})

    def _ask(self, call: Call, read: Callable[[object], Result]) -> Result:
        key = self._key_source.current()
        try:
            return self._transport.call(call, key, read)
        except KeyRefused as refusal:
            if refusal.status != 401:
                raise
            self._key_source.refresh()
            rotated = self._key_source.current()
            if rotated == key:
                raise
        # A 401 certainly had no effect, so even a POST may be repeated.
        return self._transport.call(call, rotated, read)

    def _every_page(self, call: Call, size: int, read: PageReader[Item], identity: Callable[[Item], str]) -> list[Item]:
        """The whole list, each item once. Read anew where it changed meanwhile: what is removed pulls another item onto
        a page that was read before. Raises `Uncertain` where it never comes to rest."""
        for _ in range(MOST_READINGS):
            items = self._one_reading(call, size, read, identity)
            if items is not None:
                return items
        raise Uncertain(f"Mailgun was asked to {call.what}, and the list changed each time while it was read.")

    def _one_reading(
        self, call: Call, size: int, read: PageReader[Item], identity: Callable[[Item], str]
    ) -> list[Item] | None:
        """Every page, each item once: what is added meanwhile may push an item onto the next page too. None where a
        total that counts all has changed on the way.

        Goes on after every full page, since a total may count no more than its page, unless it counts all, as it does
        where it is more than a page, and is reached; and after a short one only where the total promises more.
        """
        items: dict[str, Item] = {}
        skip, total = 0, None
        while True:
            page: Page[Item] = self._ask(replace(call, query={"limit": size, "skip": skip}), read)
            if page.counts_all and total not in (None, page.total):
                return None
            before, total = len(items), page.total
            items |= {identity(item): item for item in page.items}
            skip += len(page.items)
            is_short = len(page.items) < size
            is_whole = page.counts_all or (total or 0) > size
            is_reached = is_whole and total == len(items)
            if not page.items or is_reached or (is_short and (total is None or total <= skip)):
                return list(items.values())
            if len(items) == before:
                raise Uncertain(f"Mailgun was asked to {call.what} and gave the same page twice.")


def _part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")
