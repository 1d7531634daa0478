"""The error statuses that Mailgun's own description of its API lacks, by name, with where they come from.

Mailgun's answers are checked against the description; an answer whose status the description does not know
must be one of these.
"""

from __future__ import annotations

from dataclasses import dataclass

_RESPONSE_CODES = "https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses"
_ALLOWLIST_HELP = "https://help.mailgun.com/hc/en-us/articles/360012244474-IP-Allowlist"


@dataclass(frozen=True)
class UndescribedStatus:
    """An error status of one operation, or of each where `method` and `path` are None."""

    name: str
    status: int
    source: str
    method: str | None = None
    path: str | None = None

    def covers(self, method: str, path: str, status: int) -> bool:
        """Whether this is the status of an operation; `path` is the description's, with its braces."""
        return self.status == status and self.method in (None, method) and self.path in (None, path)


UNDESCRIBED: tuple[UndescribedStatus, ...] = (
    UndescribedStatus(
        "key refused",
        401,
        "the description has it for POST /v3/{domain_name}/messages, body `Forbidden`, and for /v4/domains; "
        "every call is authenticated in the same way",
    ),
    UndescribedStatus(
        "role too small, or a subaccount of another account",
        403,
        f"{_RESPONSE_CODES}: 403 is an access denied; body as the description's 403 of GET /v2/ip_whitelist",
    ),
    UndescribedStatus(
        "call from an address that the allowlist lacks",
        401,
        f"{_ALLOWLIST_HELP} speaks of `401 Forbidden`, which cannot be told from a key that is dead; the description "
        "has 403 `Forbidden` for GET /v2/ip_whitelist and says not when",
    ),
    UndescribedStatus(
        "account disabled, in words or in the same word as a dead key",
        403,
        f"{_RESPONSE_CODES}: 401 and 403 are both an access denied; nothing says which of them a disabled account gets",
    ),
    UndescribedStatus(
        "too many requests",
        429,
        f"{_RESPONSE_CODES}: to be repeated as the answer says; body as the description's 429 of messages, with HTTP's "
        "`Retry-After` beside it, which nothing published says that Mailgun sends or does not send",
    ),
    UndescribedStatus("failure inside Mailgun", 500, f"{_RESPONSE_CODES}: to be repeated later"),
    UndescribedStatus("bad gateway", 502, "HTTP; a proxy before any public API answers so"),
    UndescribedStatus("unavailable", 503, "HTTP; a proxy before any public API answers so"),
    UndescribedStatus("gateway timeout", 504, "HTTP; a proxy before any public API answers so"),
    UndescribedStatus(
        "password of a wrong length, unknown or missing field",
        400,
        "the description has the words about the length for POST /v4/domains, and the ones about a missing "
        "field for POST of credentials; strictness about unknown fields is this server's own",
        "PUT",
        "/v3/domains/{domain_name}/credentials/{spec}",
    ),
    UndescribedStatus(
        "no such login",
        404,
        "the description has it for PUT",
        "DELETE",
        "/v3/domains/{domain_name}/credentials/{spec}",
    ),
    UndescribedStatus(
        "unknown or missing field, or fields that do not go together",
        400,
        f"{_RESPONSE_CODES}: 400 carries a message; the description has the words about `kind` for GET",
        "POST",
        "/v1/keys",
    ),
    UndescribedStatus(
        "page too large",
        400,
        "the description has it for credentials and says in words that 1000 is the most here",
        "GET",
        "/v4/domains",
    ),
    UndescribedStatus("page too large", 400, f"{_RESPONSE_CODES}; as for credentials", "GET", "/v5/users"),
    UndescribedStatus(
        "page too large", 400, f"{_RESPONSE_CODES}; as for credentials", "GET", "/v5/accounts/subaccounts"
    ),
    UndescribedStatus(
        "no URL, password of a wrong length, unknown field",
        400,
        "the description has the words about the length for POST /v4/domains; strictness about unknown fields is "
        "this server's own",
        "PUT",
        "/v4/domains/{name}",
    ),
    UndescribedStatus(
        "no expression, action or priority that Mailgun knows, or an unknown or missing field",
        400,
        f"{_RESPONSE_CODES}: 400 carries a message; the description has a 400 for GET",
        "POST",
        "/v3/routes",
    ),
    UndescribedStatus("no such user", 404, _RESPONSE_CODES, "GET", "/v5/users/{user_id}"),
    UndescribedStatus(
        "no such domain",
        404,
        "the description has it for GET /v4/domains/{name}",
        "GET",
        "/v3/domains/{domain_name}/credentials",
    ),
    UndescribedStatus(
        "no such domain",
        404,
        "the description has it for GET /v4/domains/{name}",
        "POST",
        "/v3/domains/{domain_name}/credentials",
    ),
    UndescribedStatus(
        "no such domain",
        404,
        "the description has it for GET /v4/domains/{name}",
        "POST",
        "/v3/{domain_name}/messages",
    ),
)


def undescribed(method: str, path: str, status: int) -> UndescribedStatus | None:
    """The entry for a status that the description lacks, or None: then nobody knows of it."""
    return next((entry for entry in UNDESCRIBED if entry.covers(method, path, status)), None)
