"""A client that the specifications of the practice Mailgun call it with: plain HTTP, nothing clever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from drill.mailgun.accounts import Prepared, small_account
from drill.mailgun.app import create_app
from drill.mailgun.calls import Clock
from drill.mailgun.model import Account
from drill.mailgun.times import utc_now
from drill.serving import PracticeServer


class Mailgun:
    """One running practice Mailgun, called with the account's admin key unless told otherwise."""

    def __init__(self, url: str, prepared: Prepared) -> None:
        self.url = url
        self.account: Account = prepared.account
        self.admin_key = prepared.admin_key

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        fields: dict[str, str] | None = None,
        region: str = "us",
        **options: Any,
    ) -> requests.Response:
        """A call; `fields` go as multipart/form-data."""
        files = None if fields is None else {name: (None, value) for name, value in fields.items()}
        return requests.request(
            method,
            f"{self.url}/{region}{path}",
            auth=("api", self.admin_key if key is None else key),
            files=files,
            timeout=5,
            **options,
        )

    def order(self, method: str, path: str, **order: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/_drill{path}", json=order, timeout=5)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = requests.get(f"{self.url}/_drill/state", timeout=5).json()
        return state

    def log(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = requests.get(f"{self.url}/_drill/log", timeout=5).json()["calls"]
        return calls

    def password(self, login: str) -> str:
        """The password that a login has now."""
        for domain in self.state()["domains"]:
            for credential in domain["credentials"]:
                if credential["login"] == login:
                    return str(credential["password"])
        raise KeyError(login)

    def key_of(self, **traits: str) -> dict[str, Any]:
        """The first key with these traits, its secret with it."""
        return next(key for key in self.state()["keys"] if all(key[name] == value for name, value in traits.items()))


@contextmanager
def running(prepared: Prepared | None = None, latency: float = 0.0, now: Clock = utc_now) -> Iterator[Mailgun]:
    """A practice Mailgun with this account, or the small one."""
    prepared = small_account() if prepared is None else prepared
    with PracticeServer(create_app(prepared.account, latency, now)) as server:
        yield Mailgun(server.url, prepared)
