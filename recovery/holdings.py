"""All that a Mailgun account holds which an attacker could have touched: its own, and that of each subaccount."""

from collections.abc import Iterator
from dataclasses import dataclass

from recovery.account import (
    AccountUser,
    AllowedAddress,
    ApiKey,
    DaySent,
    Domain,
    Login,
    Route,
    SendAlert,
    Subaccount,
    Webhook,
)


@dataclass(frozen=True)
class Estate:
    """What one account has of its own. `owner` is its subaccount, None for the account itself."""

    owner: Subaccount | None
    keys: tuple[ApiKey, ...] = ()
    domains: tuple[Domain, ...] = ()
    logins: tuple[Login, ...] = ()
    routes: tuple[Route, ...] = ()
    webhooks: tuple[Webhook, ...] = ()

    @property
    def owner_id(self) -> str | None:
        """On whose behalf its calls are made."""
        return self.owner.id if self.owner else None


@dataclass(frozen=True)
class Holdings:
    """The account's estate first, then those of its subaccounts; and what there is once for all of them."""

    estates: tuple[Estate, ...]
    users: tuple[AccountUser, ...] = ()
    allowlist: tuple[AllowedAddress, ...] = ()
    alerts: tuple[SendAlert, ...] = ()
    sent: tuple[DaySent, ...] = ()

    def domains(self) -> Iterator[Domain]:
        """Every domain, whoever's."""
        for estate in self.estates:
            yield from estate.domains
