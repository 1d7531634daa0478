"""What can go wrong outside, sorted by the one question that matters: did it happen or not?

`mailgun` and `handlers` raise these; tasks catch them where something can be done about it.
"""

from enum import StrEnum


class RecoveryError(Exception):
    """The root of this project's errors. The message is a sentence for a person, without secrets."""


class TooBusy(RecoveryError):
    """The database had no time for it; nothing was stored."""


class OutsideError(RecoveryError):
    """A call to Mailgun or Slack that did not end well."""


class Refused(OutsideError):
    """The call certainly had no effect, and the same call would be refused again.

    `status` is Mailgun's HTTP status, or None; `code` is Slack's error code, or None.
    """

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Later(OutsideError):
    """The call certainly had no effect; it may be tried again after `seconds`."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotYet(Later):
    """No trouble at all: what the task waits for has not come yet."""


class Paced(Later):
    """The bot's own pace, which keeps to what the other side takes: no trouble, and no sign that one is over."""


class Uncertain(OutsideError):
    """It is not known whether the call had its effect: a timeout, a dropped connection, a 5xx, garbage."""


class Why(StrEnum):
    """Why Mailgun refuses a key, as far as its answer tells."""

    REVOKED = "revoked"
    """The key is unknown, deleted or expired; or the call came from an address that the IP allowlist lacks: Mailgun
    answers both with the same word."""
    NO_RIGHTS = "no rights"
    """The key works, and may not do this."""
    DISABLED = "disabled"
    """The account is disabled, and Mailgun answers its calls so."""
    ADDRESS = "address"
    """The call came from an address that the IP allowlist lacks, where the answer says so."""


class KeyRefused(Refused):
    """Mailgun refused the bot's key (401, or 403 without rights). `why` is what the answer tells of the reason."""

    def __init__(self, message: str, *, status: int | None = None, why: Why = Why.REVOKED) -> None:
        super().__init__(message, status=status)
        self.why = why


class KeyLimitReached(Refused):
    """The plan's number of API keys is used up (403 on `POST /v1/keys`)."""


class NotFound(Refused):
    """What was asked for is not there (404). For a key this alone does not mean deleted."""


class Unreachable(Refused):
    """This one person cannot be written to: deactivated, a bot, not visible. Somebody else may be."""


class Gone(Refused):
    """The message that should be changed or deleted is not there any more: somebody deleted it."""


class TooLong(Refused):
    """Slack refused a message for its size or shape; a smaller one may pass."""


class Unreadable(Refused):
    """An audit entry in the database cannot be read any more, now or later: somebody wrote into it."""

    def __init__(self, incident_id: int, number: int) -> None:
        super().__init__(f"Entry {number} of incident {incident_id} in the database cannot be read: it was changed.")
        self.number = number


class CannotRead(Refused):
    """A repository cannot be scanned: it is not there, not public, out of reach, or takes too long."""


class Missing(RecoveryError):
    """There is no row with that id: say, a button from another database."""


class LeaseLost(RecoveryError):
    """Another process took the task over; whatever this one did must be followed up, not recorded as done."""
