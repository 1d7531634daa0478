"""From the text of an environment variable to its value: durations, days, ids, addresses, secrets.

Each `parse_…` raises `ValueError` with what is wrong, worded to follow the variable's name, and without any
text of a secret.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import time, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from recovery.account import SignIn
from recovery.secret import Secret
from storage.errors import BadDatabaseUrl
from storage.urls import parsed

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
"""The levels that the log may have."""

MOST_CHECKS = 20
LONGEST_CHECK = 200
"""Of a checklist: how many items, and of how many characters, so that they fit into one message with their buttons."""

_ORGANISATION = re.compile(r"github:[A-Za-z0-9][A-Za-z0-9-]{0,38}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class DailyWindow(NamedTuple):
    """From when to when in a day, both in somebody's own time zone. An end of 24:00 is `time.max`."""

    start: time
    end: time


def parse_switch(text: str) -> bool:
    """`on` or `off`."""
    if text.lower() not in ("on", "off", "true", "false", "1", "0", "yes", "no"):
        raise ValueError("is neither on nor off")
    return text.lower() in ("on", "true", "1", "yes")


def parse_level(text: str) -> str:
    """A level of Python's logging."""
    if text.upper() not in LEVELS:
        raise ValueError("is no level of a log")
    return text.upper()


def parse_whole(least: int, most: int) -> Callable[[str], int]:
    """Parses a whole number within these bounds."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"is no whole number from {least} to {most}")
        return int(text)

    return parse


def parse_duration(text: str) -> timedelta:
    """`4h`, `90m`, `0.5s`, `1d`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip().lower())
    if match is None:
        raise ValueError("is no duration")
    try:
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        raise ValueError("is too long") from None


def parse_span(text: str) -> timedelta:
    """A duration that is not zero."""
    duration = parse_duration(text)
    if not duration:
        raise ValueError("is zero")
    return duration


def parse_window(text: str) -> DailyWindow:
    """`09:00-18:00`; `00:00-24:00` is the whole day."""
    match = re.fullmatch(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", text.strip())
    if match is None:
        raise ValueError("is not two times with a hyphen between")
    try:
        start = time.fromisoformat(match[1])
        end = time.max if match[2] == "24:00" else time.fromisoformat(match[2])
    except ValueError:
        raise ValueError("has a time that no clock shows") from None
    if start >= end:
        raise ValueError("ends before it starts; it cannot pass midnight")
    return DailyWindow(start, end)


def parse_weekdays(text: str) -> frozenset[int]:
    """`mon-fri`, `mon,wed,fri`, `sat-mon`: numbers of weekdays, Monday being 0."""
    days: set[int] = set()
    for item in _items(text.lower()):
        first, hyphen, last = (part.strip() for part in item.partition("-"))
        if first not in _WEEKDAYS or (hyphen and last not in _WEEKDAYS):
            raise ValueError(f"has {item!r}, which is no day of the week")
        begin, end = _WEEKDAYS.index(first), _WEEKDAYS.index(last if hyphen else first)
        days |= {(begin + offset) % 7 for offset in range((end - begin) % 7 + 1)}
    if not days:
        raise ValueError("names no day")
    return frozenset(days)


def parse_members(text: str) -> frozenset[str]:
    """Slack ids of users (`U…`, `W…`) and user groups (`S…`)."""
    for item in _items(text):
        if re.fullmatch(r"[UWS][A-Z0-9]+", item) is None:
            raise ValueError(f"has {item!r}, which is no id of a Slack user (U…, W…) or user group (S…)")
    return frozenset(_items(text))


def parse_regions(text: str) -> tuple[str, ...]:
    """`us`, `eu` or both, in the order given. Account-wide things are asked of the first."""
    regions = tuple(dict.fromkeys(_items(text.lower())))
    if not regions:
        raise ValueError("names no region")
    for region in regions:
        if region not in ("us", "eu"):
            raise ValueError(f"has {region!r}, which is no region of Mailgun's")
    return regions


def parse_domains(text: str) -> dict[str, str]:
    """`old.example=new.example`, comma-separated: the new domain by the old one, in lower case."""
    domains: dict[str, str] = {}
    for item in _items(text.lower()):
        old, _, new = (part.strip() for part in item.partition("="))
        if not new:
            raise ValueError(f"has {item!r}, which lacks the domain that takes its place")
        if "@" in item:
            raise ValueError(f"has {item!r}: a domain is what follows the @ of an address")
        for domain in (old, new):
            if _DOMAIN.fullmatch(domain) is None:
                raise ValueError(f"has {item!r}, in which {domain!r} is no domain")
        if old == new:
            raise ValueError(f"maps {old!r} to itself")
        if old in domains:
            raise ValueError(f"maps {old!r} twice")
        domains[old] = new
    return domains


def parse_seller(text: str) -> SignIn:
    """Whom a Mailgun account may be bought through, which is where its people then sign in."""
    if text.lower() not in (SignIn.HEROKU, SignIn.RACKSPACE):
        raise ValueError("is neither heroku nor rackspace")
    return SignIn(text.lower())


def parse_url(text: str) -> str:
    """An address that keys may be sent to, without a slash at its end."""
    try:
        url = urlsplit(text.strip())
        is_whole = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or url.scheme not in ("http", "https") or url.query or url.fragment:
        raise ValueError("is no http or https address")
    if "@" in url.netloc:
        raise ValueError("has a user name in it")
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        raise ValueError("would send keys in the clear: http is for this machine only")
    return text.strip().rstrip("/")


def parse_repositories(text: str) -> tuple[str, ...]:
    """What to scan for leaked keys: addresses of repositories, `github:<organisation>`, absolute paths."""
    items = tuple(dict.fromkeys(_items(text)))
    for number, item in enumerate(items, 1):
        try:
            url = urlsplit(item)
        except ValueError:
            raise ValueError(f"has no address in place {number}") from None
        if "@" in url.netloc:
            # Not repeated here: it may be a token.
            raise ValueError(f"has a user name or password in place {number}: only what is public is scanned")
        is_plain = url.scheme == "http" and url.hostname in _LOOPBACK
        is_address = (url.scheme in ("https", "git") or is_plain) and url.hostname and url.path.strip("/")
        if not (is_address or _ORGANISATION.fullmatch(item) or item.startswith("/")):
            raise ValueError(f"has {item!r}, which is no https or git address, github:<organisation> or absolute path")
    return items


def parse_checklist(text: str) -> tuple[str, ...]:
    """Sentences, separated by semicolons. An empty text is an empty list."""
    items = tuple(dict.fromkeys(item for piece in text.split(";") if (item := " ".join(piece.split()))))
    if len(items) > MOST_CHECKS:
        raise ValueError(f"has {len(items)} items, more than a message can show")
    for number, item in enumerate(items, 1):
        if len(item) > LONGEST_CHECK:
            raise ValueError(f"has more than {LONGEST_CHECK} characters in place {number}")
    return items


def parse_urls(text: str) -> tuple[str, ...]:
    """Such addresses, separated by commas, in their order."""
    urls = tuple(dict.fromkeys(parse_url(item) for item in _items(text)))
    if not urls:
        raise ValueError("names no address")
    return urls


def parse_channel(text: str) -> str:
    """The id of a Slack channel."""
    if re.fullmatch(r"[CG][A-Z0-9]+", text.strip()) is None:
        raise ValueError("is no channel's id")
    return text.strip()


def parse_database_url(text: str) -> Secret:
    """A database's address as SQLAlchemy takes it: PostgreSQL through psycopg 3, or SQLite."""
    text = text.strip()
    try:
        parsed(text)
    except BadDatabaseUrl:
        raise ValueError("is neither a PostgreSQL nor an SQLite address") from None
    scheme, _, rest = text.partition("://")
    return Secret(f"{'sqlite' if scheme.startswith('sqlite') else 'postgresql+psycopg'}://{rest}")


def parse_encryption_keys(text: str) -> tuple[Secret, ...]:
    """Fernet keys; the first encrypts, all decrypt."""
    for number, item in enumerate(_items(text), 1):
        try:
            is_key = len(base64.urlsafe_b64decode(item)) == 32
        except (binascii.Error, ValueError):
            is_key = False
        if not is_key:
            raise ValueError(f"has no Fernet key in place {number}")
    return tuple(Secret(item) for item in _items(text))


def parse_mailgun_key(text: str) -> Secret:
    """An account key of Mailgun's."""
    if text.startswith("pubkey-"):
        raise ValueError("is the public validation key, which may do nothing")
    return parse_secret(text)


def parse_slack_token(prefix: str) -> Callable[[str], Secret]:
    """Parses a token of the kind that Slack marks with this prefix."""

    def parse(text: str) -> Secret:
        if not text.startswith(prefix):
            raise ValueError(f"does not start with {prefix}")
        return parse_secret(text)

    return parse


def parse_secret(text: str) -> Secret:
    """A secret that one copies from somewhere: a space in it was copied too."""
    if not text.isascii() or any(character.isspace() for character in text):
        raise ValueError("has a space or another character that no key has")
    return Secret(text)


def _items(text: str) -> list[str]:
    return [item for piece in text.split(",") if (item := piece.strip())]
