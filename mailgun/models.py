"""Mailgun's JSON as `recovery.account`: strict about what is needed, indifferent to what is new or left out.

Every `read_…` raises `Unreadable` for an answer that lacks what is needed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

from recovery.account import AccountUser, ApiKey, Domain, KeyKind, Login, SignIn
from recovery.ports import NewKey
from recovery.secret import Secret

Item = TypeVar("Item")


class Unreadable(ValueError):
    """An answer that is not what Mailgun's description promises.

    The text names fields, never what they hold: the answer to `POST /v1/keys` holds a secret.
    """


class Fields:
    """One JSON object, read field by field. `name` is how the errors call it."""

    def __init__(self, value: object, name: str) -> None:
        if not isinstance(value, dict):
            raise Unreadable(f"{name} is no JSON object")
        self._fields: dict[str, object] = value
        self._name = name

    def text(self, field: str) -> str:
        """A required text that is not empty. A number counts: an id is one or the other."""
        value = self.optional_text(field)
        if value is None:
            raise Unreadable(f"{self._name} lacks the text {field!r}")
        return value

    def optional_text(self, field: str) -> str | None:
        """A text; None where it is missing, null, empty, or of another type."""
        value = self._fields.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value if isinstance(value, str) and value else None

    def flag(self, field: str) -> bool:
        """Whether the field is true; a missing one is not."""
        return self._fields.get(field) is True

    def count(self, field: str) -> int | None:
        value = self._fields.get(field)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def time(self, field: str) -> datetime:
        """A required time."""
        value = self.optional_time(field)
        if value is None:
            raise Unreadable(f"{self._name} lacks the time {field!r}")
        return value

    def optional_time(self, field: str) -> datetime | None:
        """A time in ISO 8601, with or without a fraction, or as mail and HTTP write it ("Thu, 13 Oct 2011 18:02:00
        GMT"); Mailgun means UTC where it names no offset."""
        value = self.optional_text(field)
        if value is None:
            return None
        try:
            time = _parsed(value)
        except ValueError:
            raise Unreadable(f"{self._name} has a {field!r} that is no time") from None
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

    def names(self) -> list[str]:
        """The names of the fields that are there and not null."""
        return [name for name, value in self._fields.items() if value is not None]

    def texts(self, field: str) -> list[str]:
        """A list of texts; a missing one is empty. What else is in it is passed over."""
        value = self._fields.get(field)
        return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []

    def part(self, field: str) -> "Fields":
        """An object inside this one; a missing one is an object without fields."""
        value = self._fields.get(field)
        return Fields({} if value is None else value, f"{self._name}.{field}")

    def items(self, field: str) -> "list[Fields]":
        """A required list of objects."""
        value = self._fields.get(field)
        if not isinstance(value, list):
            raise Unreadable(f"{self._name} lacks the list {field!r}")
        return [Fields(item, f"{self._name}.{field}[{place}]") for place, item in enumerate(value)]


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list. `total` is what Mailgun says of the number of items: on this page, or of all; it is of all
    for certain only where `counts_all`."""

    items: list[Item]
    total: int | None
    counts_all: bool = False


PageReader = Callable[[object], Page[Item]]


def read_done(answer: object) -> None:
    """The answer to an order: a JSON object, whatever its message says."""
    Fields(answer, "the answer")


def read_keys(answer: object) -> list[ApiKey]:
    """`GET /v1/keys`."""
    return [_key(item) for item in Fields(answer, "the answer").items("items")]


def read_new_key(answer: object) -> NewKey:
    """`POST /v1/keys`, the only answer that holds a key's secret."""
    fields = Fields(answer, "the answer").part("key")
    return NewKey(_key(fields), Secret(fields.text("secret")))


def read_signing_key(answer: object) -> Secret:
    """`GET` and `POST /v5/accounts/http_signing_key`."""
    return Secret(Fields(answer, "the answer").text("http_signing_key"))


def read_public_key(answer: object) -> Secret:
    """`POST /v1/keys/public`."""
    return Secret(Fields(answer, "the answer").text("key"))


def domains_of(region: str) -> PageReader[Domain]:
    """Reads a page of `GET /v4/domains`."""

    def read(answer: object) -> Page[Domain]:
        fields = Fields(answer, "the answer")
        return Page([_domain(region, item) for item in fields.items("items")], fields.count("total_count"))

    return read


def logins_of(region: str, domain: str) -> PageReader[Login]:
    """Reads a page of `GET /v3/domains/{domain}/credentials`."""

    def read(answer: object) -> Page[Login]:
        fields = Fields(answer, "the answer")
        logins = [
            Login(
                region,
                domain,
                full_login(item.optional_text("login") or item.text("mailbox"), domain),
                item.optional_time("created_at"),
            )
            for item in fields.items("items")
        ]
        return Page(logins, fields.count("total_count"))

    return read


def read_users(answer: object) -> Page[AccountUser]:
    """A page of `GET /v5/users`, whose total is that of the account, as Mailgun describes it. A user whom Mailgun shows
    without an e-mail address has an empty one."""
    fields = Fields(answer, "the answer")
    return Page([_user(item) for item in fields.items("users")], fields.count("total"), counts_all=True)


def full_login(login: str, domain: str) -> str:
    """A login with its domain: Mailgun may list one without."""
    return login if "@" in login else f"{login}@{domain}"


def _key(fields: Fields) -> ApiKey:
    kind = fields.text("kind")
    if kind not in set(KeyKind):
        # To pass over a kind of key that nobody here knows of would leave it to the attacker.
        raise Unreadable("a key is of a kind that this bot does not know")
    return ApiKey(
        id=fields.text("id"),
        kind=KeyKind(kind),
        role=fields.text("role"),
        description=fields.optional_text("description") or "",
        created_at=fields.time("created_at"),
        domain_name=fields.optional_text("domain_name"),
        requestor=fields.optional_text("requestor"),
        user_name=fields.optional_text("user_name"),
        is_disabled=fields.flag("is_disabled"),
        expires_at=fields.optional_time("expires_at"),
    )


def _domain(region: str, fields: Fields) -> Domain:
    name = fields.text("name")
    disabled = fields.part("disabled")
    told = [disabled.optional_text("code"), disabled.optional_text("reason")]
    return Domain(
        region=region,
        name=name,
        smtp_login=full_login(fields.text("smtp_login"), name),
        is_disabled=fields.flag("is_disabled") or fields.optional_text("state") == "disabled",
        disabled_for=": ".join(text for text in told if text) or None,
        archive_to=fields.optional_text("archive_to"),
        created_at=fields.optional_time("created_at"),
    )


def _user(fields: Fields) -> AccountUser:
    return AccountUser(
        id=fields.text("id"),
        # Needed to find somebody in Slack, no more: one user without it must not hide all the others.
        email=fields.optional_text("email") or "",
        name=fields.optional_text("name") or "",
        role=fields.optional_text("role") or "",
        sign_in=_sign_in(fields.part("auth").optional_text("method"), fields.optional_text("migration_status")),
        is_master=fields.flag("is_master"),
        is_disabled=fields.flag("is_disabled"),
        activated=fields.flag("activated"),
        tfa_active=fields.flag("tfa_active"),
        tfa_created_at=fields.optional_time("tfa_created_at"),
        password_updated_at=fields.optional_time("password_updated_at"),
    )


# Mailgun documents no list of methods: its description shows "sinch" alone, with a migration that is "done".
# These are plain words for its own password form. Whatever else comes is UNKNOWN, since only people who are
# known to sign in with a Mailgun password may be shown Mailgun's steps.
_PASSWORD_METHODS = frozenset({"password", "mailgun", "basic"})


def _sign_in(method: str | None, migration_status: str | None) -> SignIn:
    method = (method or "").lower()
    # A finished migration counts more than the method: Mailgun's 2FA steps would break a Sinch ID sign-in.
    if method == "sinch" or (migration_status or "").lower() == "done":
        return SignIn.SINCH
    if "saml" in method:
        return SignIn.SAML
    return SignIn.PASSWORD if method in _PASSWORD_METHODS else SignIn.UNKNOWN
