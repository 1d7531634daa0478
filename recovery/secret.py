"""Secrets: how they are made, and a type that never shows them by accident."""

import hashlib
import re
import secrets
import string

PASSWORD_LENGTH = 32
_TELLS_ITS_ID = re.compile(r"[0-9a-f]{32}-(?P<id>[\w-]+)")
_ALPHABET = string.ascii_letters + string.digits


class Secret:
    """A password or key in memory. `repr`, `str`, `format` and pickling never show it; `reveal` does.

    Whoever calls `reveal` is about to send it: to Mailgun, to the vault, or in one direct message.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Search for this word to find every place that a secret leaves through."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and secrets.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def fingerprint(secret: Secret) -> str:
    """Tells one key from another and gives nothing away: keys are long and random."""
    return hashlib.sha256(secret.reveal().encode()).hexdigest()[:12]


def new_password() -> Secret:
    """A new SMTP password: 32 letters and digits, because it will be pasted into configuration files."""
    return Secret("".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH)))


def told_key_id(secret: Secret) -> str | None:
    """The id of the Mailgun key with that secret, where the secret tells it: newer ones end in it (`<32 hex>-<id>`)."""
    found = _TELLS_ITS_ID.fullmatch(secret.reveal())
    return found["id"] if found else None
