"""The practice Mailgun as the drill uses it: its people, its Support, somebody with an old key, and its own view."""

import requests

from drill.mailgun.accounts import Prepared
from drill.mailgun.places import StorageHost
from drill.ordering import JsonObject, Orders

_TIMEOUT = 10.0


class Mailgun:
    """One running practice Mailgun."""

    def __init__(self, url: str, prepared: Prepared) -> None:
        self.url = url
        self.admin_key = prepared.admin_key
        self.orders = Orders(url)

    @property
    def status_url(self) -> str:
        """Its status page's summary."""
        return f"{self.url}/status/api/v2/summary.json"

    def region_url(self, region: str) -> str:
        """Its API in that region."""
        return f"{self.url}/{region}"

    def storage_urls(self, region: str) -> list[str]:
        """Its hosts that keep the queued mail of that region."""
        return [f"{self.url}/{host}" for host in StorageHost if host.region == region]

    def state(self) -> JsonObject:
        """Everything that it knows, secrets included."""
        return self.orders.look("state")

    def calls(self) -> list[JsonObject]:
        """Every API call, in order."""
        calls: list[JsonObject] = self.orders.look("log")["calls"]
        return calls

    def password(self, login: str) -> str:
        """The SMTP password that a login has now."""
        return next(
            str(credential["password"])
            for domain in self.state()["domains"]
            for credential in domain["credentials"]
            if credential["login"] == login
        )

    def old_key(self, description: str) -> str:
        """The secret of the key that had this description, word for word, deleted or not."""
        return next(str(k["secret"]) for k in self.state()["keys"] if k["description"] == description)

    # What people do in the control panel

    def makes_key(self, description: str, **of_kind: str) -> str:
        """Somebody makes a key; its secret, which is shown once."""
        return str(self.orders.give("keys", description=description, **of_kind)["secret"])

    def deletes_keys(self, kind: str = "", description: str = "") -> None:
        """Somebody deletes every key that there is of that kind, or of that description."""
        for key in self.state()["keys"]:
            if not key["deleted"] and kind in ("", key["kind"]) and description in ("", key["description"]):
                self.orders.change(f"keys/{key['id']}", deleted=True)

    # What people do there

    def resets_password(self, email: str) -> None:
        """A user follows the link in the mail and chooses a new password."""
        self.orders.change(f"users/{email}", password_reset=True)

    def turns_on_two_factor(self, email: str) -> None:
        """A user turns on two-factor authentication."""
        self.orders.change(f"users/{email}", tfa_active=True)

    def support_enables_the_account(self) -> None:
        """Mailgun Support is satisfied."""
        self.orders.change("account", disabled=False)

    def sets_smtp_password(self, key: str, domain: str, login: str, password: str, region: str = "us") -> bool:
        """Somebody who holds that key sets a login's password; whether Mailgun let them."""
        response = requests.put(
            f"{self.region_url(region)}/v3/domains/{domain}/credentials/{login}",
            auth=("api", key),
            files={"password": (None, password)},
            timeout=_TIMEOUT,
        )
        return response.ok
