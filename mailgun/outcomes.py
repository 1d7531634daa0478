"""What came of a call that did not succeed, sorted by whether it had its effect.

Every message is a sentence for a person that names what was asked. It repeats Mailgun's own words where they
help, with the call's secrets cut out, and nothing else of what was sent or received.
"""

import json
import re
import ssl
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from recovery.errors import KeyLimitReached, KeyRefused, Later, NotFound, OutsideError, Refused, Uncertain, Why
from recovery.refusals import MEANS
from recovery.secret import Secret

UNREACHABLE_PAUSE = 5.0
"""Seconds before asking again a Mailgun that could not be reached: what a network may need to come back."""

DEFAULT_PAUSE = 10.0
"""Seconds after a 429 that names none."""

NO_TURN_PAUSE = 1.0
"""Seconds before a call asks for a turn again that found none, at least."""

LONGEST_PAUSE = 900.0
"""No 429 puts a recovery off for longer: asking once more is harmless, a mistaken date must not stop it."""

_LONGEST_QUOTE = 300
_UNSURE_STATUSES = frozenset({408})
"""Of the 4xx: a proxy says 408 when a request broke off, and knows no more than we do."""

_SECONDS = re.compile(r"\d+(?:\.\d+)?")
_WAIT_IN_WORDS = re.compile(r"after (\d+(?:\.\d+)?) ?s(?:ec|\b)", re.IGNORECASE)


def from_exception(what: str, error: Exception, timeout: float) -> OutsideError:
    """For a call without a whole answer: `Later` if it was certainly never sent, else `Uncertain`.

    The error that is returned has no cause: `requests` puts the whole request into its exceptions.
    """
    if _never_sent(error):
        return Later(f"Mailgun could not be reached to {what}: {_why_unreachable(error)}.", seconds=UNREACHABLE_PAUSE)
    if isinstance(error, requests.Timeout):
        return Uncertain(f"Mailgun was asked to {what} and did not answer within {timeout:g} seconds.")
    return Uncertain(f"Mailgun was asked to {what} and the connection broke before its answer was there.")


def from_response(what: str, method: str, response: requests.Response, secrets: Collection[Secret]) -> OutsideError:
    """For an answer with any status but 2xx. `what` completes "Mailgun was asked to"."""
    status = response.status_code
    words = own_words(response.content, response.headers, secrets)
    told = f": {words}" if words else ", without an explanation"
    if status == 429:
        seconds = _pause(response.headers, words)
        return Later(f"Mailgun wants {seconds:g} seconds to pass before it is asked to {what} (429).", seconds=seconds)
    if status == 401:
        why = _why_refused(words, Why.REVOKED)
        return KeyRefused(
            f"Mailgun did not accept the key when asked to {what} (401){told}. {MEANS[why]}", status=status, why=why
        )
    if status == 403:
        # Only POST /v1/keys is documented to answer so; elsewhere "limit" means something else.
        if method == "POST" and response.url.endswith("/v1/keys") and "limit" in words.lower():
            return KeyLimitReached(f"Mailgun refused to {what} (403){told}.", status=status)
        why = _why_refused(words, Why.NO_RIGHTS)
        return KeyRefused(f"Mailgun does not let this key {what} (403){told}. {MEANS[why]}", status=status, why=why)
    if status == 404:
        return NotFound(f"Mailgun found nothing when asked to {what} (404){told}.", status=status)
    if 400 <= status < 500 and status not in _UNSURE_STATUSES:
        return Refused(f"Mailgun refused to {what} ({status}){told}.", status=status)
    return Uncertain(f"Mailgun was asked to {what} and answered with an error of its own ({status}){told}.")


def from_pace(what: str, rate: float, seconds: float) -> Later:
    """For a call that was not sent: it would have had to wait for its turn for too long."""
    return Later(
        f"Mailgun takes about {rate:.3g} calls a second at present, and others wait already: it is asked to {what} "
        "after them.",
        # All who are put off would come back at the same moment otherwise, one after the other in vain.
        seconds=max(seconds, NO_TURN_PAUSE),
    )


def from_unreadable(what: str, why: str) -> Uncertain:
    """For a 2xx whose body is not what Mailgun's description promises."""
    return Uncertain(f"Mailgun was asked to {what} and its answer could not be understood: {why}.")


def own_words(body: bytes, headers: Mapping[str, str], secrets: Collection[Secret]) -> str:
    """What Mailgun says in an answer: its `message`, or a plain text. Short, one line, without `secrets`."""
    said: object = None
    try:
        answer = json.loads(body)
    except ValueError:
        if headers.get("Content-Type", "text/plain").startswith("text/plain"):
            said = body.decode("utf-8", "replace")
    else:
        if isinstance(answer, dict):
            said = answer.get("message") or answer.get("error") or answer.get("Error")
    if not isinstance(said, str):
        return ""
    # A validation message may quote what it refuses.
    for secret in secrets:
        said = said.replace(secret.reveal(), "…")
    line = " ".join(said.split()).rstrip(".")
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"


_ABOUT_ADDRESS = re.compile(r"\b(?:ip|whitelist(?:ed)?|allowlist(?:ed)?)\b", re.IGNORECASE)


def _why_refused(words: str, otherwise: Why) -> Why:
    lowered = words.lower()
    if "disabled" in lowered or "suspended" in lowered:
        return Why.DISABLED
    return Why.ADDRESS if _ABOUT_ADDRESS.search(words) else otherwise


def _pause(headers: Mapping[str, str], words: str) -> float:
    """How long a 429 asks to wait: by `Retry-After`, in seconds or as a date, or by its words."""
    header = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(header):
        return min(float(header), LONGEST_PAUSE)
    until = _date(header)
    if until is not None:
        # Both dates are by the server's clock where it names one; ours may be off.
        now = _date(headers.get("Date", "")) or datetime.now(UTC)
        return min(max((until - now).total_seconds(), 0.0), LONGEST_PAUSE)
    in_words = _WAIT_IN_WORDS.search(words)
    return min(float(in_words[1]), LONGEST_PAUSE) if in_words else DEFAULT_PAUSE


def _date(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def _reason(error: Exception) -> object:
    """What urllib3 says was wrong, out of the `MaxRetryError` that `requests` wraps."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _never_sent(error: Exception) -> bool:
    """Whether there was never a connection that the request could have gone over."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    reason = _reason(error)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError) or _is_bad_certificate(reason)


def _is_bad_certificate(reason: object) -> bool:
    args = reason.args if isinstance(reason, Exception) else ()
    return bool(args) and isinstance(args[0], ssl.SSLCertVerificationError)


def _why_unreachable(error: Exception) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return "no connection within the time allowed"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy did not connect"
    if _is_bad_certificate(_reason(error)):
        return "its certificate is not valid"
    return "the connection was refused, or its name was not found"
