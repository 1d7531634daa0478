"""What the recovery needs of the world outside, as Protocols: `mailgun` and `handlers` keep them.

Outside calls raise the errors of `recovery.errors` and nothing else. `recovery.store` is about the database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, Self

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
from recovery.audit import AuditEntry
from recovery.content import Card, Content, Document, Marker, Place
from recovery.secret import Secret
from recovery.state import Request
from recovery.store import Transaction
from recovery.text import Line

Wake = Callable[[], None]


class Clock(Protocol):
    """The time, in UTC, corrected to the database's."""

    def now(self) -> datetime:
        """The present moment, timezone-aware UTC."""
        ...


# --- Mailgun ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewKey:
    """A key just made. The secret is shown by Mailgun this one time."""

    key: ApiKey
    secret: Secret


class Mailgun(Protocol):
    """Mailgun's API as the recovery uses it, by the key that the vault holds at the moment of the call.

    Lists are whole: every page. Refusals are `Refused` (or its kinds), 429 is `Later`, the rest `Uncertain`.
    """

    regions: Sequence[str]

    def for_subaccount(self, subaccount_id: str | None) -> Self:
        """The same on behalf of that subaccount; of the account itself where that is None."""
        ...

    def subaccounts(self) -> list[Subaccount]:
        """Every subaccount. `GET /v5/accounts/subaccounts`."""
        ...

    # Keys

    def keys(self) -> list[ApiKey]:
        """Every key of the account, all kinds. `GET /v1/keys`."""
        ...

    def create_key(self, spec: KeySpec) -> NewKey:
        """`POST /v1/keys`. Raises `KeyLimitReached` at the plan's limit."""
        ...

    def delete_key(self, key_id: str) -> None:
        """`DELETE /v1/keys/{id}`. Raises `NotFound` on 404, which alone does not mean deleted."""
        ...

    def prove_key(self, secret: Secret) -> None:
        """One call with that account key: `GET /v4/domains?limit=1`. Raises `KeyRefused` when it does not work."""
        ...

    def keys_listed_by(self, secret: Secret) -> list[ApiKey]:
        """The account's keys, asked for with that key. `GET /v1/keys`. Raises `KeyRefused` when it does not work, or
        may not, as a sending key."""
        ...

    def domains_listed_by(self, secret: Secret, region: str) -> list[Domain]:
        """Every domain of a region, asked for with that key. `GET /v4/domains`."""
        ...

    def signing_key(self) -> Secret:
        """The key that webhooks are signed with now. `GET /v5/accounts/http_signing_key`."""
        ...

    def new_signing_key(self) -> Secret:
        """Another one; the one before it is dead at once. `POST /v5/accounts/http_signing_key`."""
        ...

    def new_public_key(self) -> Secret:
        """Another public validation key; the one before it is gone. `POST /v1/keys/public`."""
        ...

    # Domains and SMTP logins

    def domains(self, region: str) -> list[Domain]:
        """Every domain of a region. `GET /v4/domains`."""
        ...

    def logins(self, region: str, domain: str) -> list[Login]:
        """Every SMTP login of a domain. `GET /v3/domains/{domain}/credentials`, pages of 1000."""
        ...

    def set_password(self, login: Login, password: Secret) -> None:
        """`PUT /v3/domains/{domain}/credentials/{login}`. Harmless to repeat with the same password."""
        ...

    def create_login(self, login: Login, password: Secret) -> None:
        """A login that is not there, with that password. `POST /v3/domains/{domain}/credentials`. Raises `Refused`
        (400) where it is there already."""
        ...

    def delete_login(self, login: Login) -> None:
        """`DELETE /v3/domains/{domain}/credentials/{login}`. Raises `NotFound` on 404."""
        ...

    def delete_queued(self, region: str, domain: str) -> None:
        """Delete all scheduled and undelivered mail of a domain. `DELETE /v3/{domain}/envelopes`, on each storage host
        of the region. Harmless to repeat. Raises `NotFound` where none of them knows the domain."""
        ...

    def archive_to(self, region: str, domain: str, url: str) -> None:
        """Where a copy of each delivered message goes; nowhere where `url` is empty. `PUT /v4/domains/{name}`."""
        ...

    # Where mail and events go

    def routes(self, region: str) -> list[Route]:
        """Every route of a region. `GET /v3/routes`."""
        ...

    def delete_route(self, region: str, route_id: str) -> None:
        """`DELETE /v3/routes/{id}`. Raises `NotFound` on 404."""
        ...

    def create_route(self, route: Route) -> Route:
        """A route like that one, with an id of its own. `POST /v3/routes`."""
        ...

    def webhooks(self, region: str, domain: str) -> list[Webhook]:
        """Every address that a domain's events are posted to. `GET /v3/domains/{domain}/webhooks`."""
        ...

    def delete_webhook(self, webhook: Webhook) -> None:
        """`DELETE /v4/domains/{domain}/webhooks`. Raises `NotFound` on 404."""
        ...

    def create_webhook(self, webhook: Webhook) -> None:
        """`POST /v4/domains/{domain}/webhooks`."""
        ...

    # The account as a whole

    def allowlist(self) -> list[AllowedAddress]:
        """The addresses from which the account may be called; empty where from everywhere. `GET /v2/ip_whitelist`."""
        ...

    def disallow(self, address: str) -> None:
        """`DELETE /v2/ip_whitelist`."""
        ...

    def allow(self, entry: AllowedAddress) -> None:
        """`POST /v2/ip_whitelist`."""
        ...

    def alerts(self) -> list[SendAlert]:
        """Whom Mailgun warns when sending becomes unusual. `GET /v1/thresholds/alerts/send`."""
        ...

    def sent(self, first: date, last: date) -> list[DaySent]:
        """How much each domain sent on each of these days, subaccounts' domains too. `POST /v1/analytics/metrics`."""
        ...

    def users(self) -> list[AccountUser]:
        """Every user of the account. `GET /v5/users`."""
        ...

    def outage(self) -> str | None:
        """“Mailgun's status page says: …”, or None when it reports no trouble or is not asked."""
        ...


# --- Slack --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """A Slack user, from `users.info`. `is_full` is false for guests and members of other workspaces."""

    id: str
    team_id: str
    name: str
    email: str | None
    tz: str | None
    is_active: bool
    is_bot: bool
    is_full: bool
    is_admin: bool


@dataclass(frozen=True)
class MemberPage:
    """One page of the workspace's people, bots and deactivated ones among them. `next_cursor` is empty on the last."""

    members: tuple[Member, ...]
    next_cursor: str = ""


@dataclass(frozen=True)
class ChannelFacts:
    """A Slack channel, from `conversations.info`. `known` is false where Slack shows the bot no such channel."""

    id: str
    name: str = ""
    known: bool = True
    is_member: bool = False
    is_shared_outside: bool = False
    is_direct: bool = False
    is_archived: bool = False


class Directory(Protocol):
    """Who is who in Slack, from facts at most ten seconds old. Raises `OutsideError` when Slack cannot be asked."""

    def home_team(self) -> str:
        """The id of the workspace that the bot is installed in. `auth.test`."""
        ...

    def member(self, user_id: str) -> Member | None:
        """That user, or None. `users.info`."""
        ...

    def by_email(self, email: str) -> Member | None:
        """The user with that e-mail address, or None. `users.lookupByEmail`."""
        ...

    def everyone(self, cursor: str = "") -> MemberPage:
        """A page of everybody in the workspace, the first without a cursor. `users.list`."""
        ...

    def group(self, group_id: str) -> frozenset[str]:
        """The user ids in a user group; empty when there is no such group. `usergroups.users.list`."""
        ...

    def channel(self, channel_id: str) -> ChannelFacts:
        """That channel. `conversations.info`."""
        ...


@dataclass(frozen=True)
class TrailMessage:
    """A message that says of itself that it holds entries of the trail, or one of the bot's own that says nothing.

    `key` is its marker's, empty where its metadata is gone; `hashes` are those of its entries by number, empty where
    its metadata cannot be read. `shown` is what it says now, for `Messenger.unlike`.
    """

    ts: str
    is_ours: bool
    key: str = ""
    hashes: Mapping[int, str] = field(default_factory=dict)
    is_edited: bool = False
    shown: str = ""


class Messenger(Protocol):
    """What the bot says in Slack. Raises `Refused` (`TooLong` for size), `Later` or `Uncertain`."""

    def open_direct(self, user_id: str) -> str:
        """The id of the direct message with that user. `conversations.open`."""
        ...

    def post(self, place: Place, content: Content, marker: Marker) -> str:
        """Post a message; its `ts`. `chat.postMessage`, never retried inside."""
        ...

    def redraw(self, channel_id: str, ts: str, content: Content, marker: Marker) -> None:
        """Replace a message of the bot's. `chat.update`."""
        ...

    def delete(self, channel_id: str, ts: str) -> None:
        """Delete a message of the bot's. `chat.delete`."""
        ...

    def find(self, place: Place, marker: Marker, since: datetime) -> list[str]:
        """The `ts` of each message with that marker, oldest first. `conversations.replies` or `.history`."""
        ...

    def permalink(self, channel_id: str, ts: str) -> str:
        """A link to a message. `chat.getPermalink`."""
        ...

    def answer(self, request: Request, card: Card) -> None:
        """A private answer to whoever sent the request: through its `response_url` (which works where the bot is
        no member); without one, as an ephemeral message in its channel, failing that as a direct message."""
        ...

    def measure(self, content: Content) -> int:
        """How many characters the content takes of Slack's limit for one message (stay under 9,000)."""
        ...

    def digest(self, content: Content) -> str:
        """A short fingerprint of how the content would be drawn, to skip redrawing what did not change."""
        ...

    # Files

    def bring(self, document: Document) -> str:
        """Bring a file to Slack, where nobody sees it until it is shared; its id. `files.getUploadURLExternal`, then
        the file itself. Harmless to repeat: each time makes another file."""
        ...

    def share(self, place: Place, file_id: str, document: Document, words: Line) -> None:
        """Share a file that was brought, once, with words beside it. `files.completeUploadExternal`, never retried."""
        ...

    def find_file(self, place: Place, file_id: str, since: datetime) -> list[str]:
        """The `ts` of each message of the bot's that shares that file, oldest first."""
        ...

    # The trail's copy

    def trail(self, place: Place, since: datetime) -> list[TrailMessage]:
        """Every message there that carries the trail's metadata, and the bot's own that carry none; oldest first.
        Empty where there is no such thread. `conversations.replies` or `.history`."""
        ...

    def unlike(self, shown: str, entries: Sequence[AuditEntry]) -> AuditEntry | None:
        """The first of these entries that a message which shows this does not show as it would be drawn, or None."""
        ...


# --- The vault ----------------------------------------------------------------------------------------


class Vault(Protocol):
    """The bot's own Mailgun key, encrypted at rest."""

    def current(self) -> Secret:
        """The key to work with: the vault's, or the environment's while the vault is empty."""
        ...

    def keep(self, tx: Transaction, secret: Secret, mailgun_key_id: str | None, incident_id: int | None) -> None:
        """Store a proven key; from the commit of `tx` on, `current` answers it in every process."""
        ...

    def seal(self, secret: Secret) -> str:
        """A key that somebody gives, as it may be stored until it is proven."""
        ...

    def unseal(self, sealed: str) -> Secret:
        """The inverse of `seal`. Raises `Refused` where it was sealed by an encryption key that is not there."""
        ...

    def refresh(self) -> None:
        """Read the vault again: another process may have rotated the key."""
        ...

    def fingerprint(self, secret: Secret) -> str:
        """A short name for a secret: the same for the same secret, and worth nothing without the encryption key."""
        ...

    def was_own(self, secret: Secret, incident_id: int) -> bool:
        """Whether the bot works with this key, or has worked with it since that incident began."""
        ...
