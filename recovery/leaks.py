"""What is found in public repositories: where a key or password stands, never the secret itself.

Kingfisher's own names for Mailgun's keys are not always right (a newer API key is a "signing key" to it), so what a
secret is goes by its form here.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Protocol

from recovery.audit import Action, AuditEntry
from recovery.redaction import cut_secrets
from recovery.secret import Secret, told_key_id
from recovery.state import Facts, Json
from recovery.text import count

MOST_PATH = 200
MOST_AUTHOR = 80
MOST_KEPT = 100
"""How many findings of one repository are kept one by one; the others are counted."""

_OLDER_KEY = re.compile(r"key-\w+")
_PUBLIC_KEY = re.compile(r"pubkey-\w+")


class LeakKind(StrEnum):
    """What was found, in words."""

    API_KEY = "API key"
    PUBLIC_KEY = "public validation key"
    SMTP_PASSWORD = "SMTP password"  # noqa: S105  # the words for one


@dataclass(frozen=True)
class FoundSecret:
    """A secret as a scanner finds it, in memory and for no longer than it takes to write down where it stands.

    `commit`, `date` and `author` are empty for a file that is in no commit. `date` is a day, as YYYY-MM-DD.
    """

    secret: Secret
    file: str
    line: int
    commit: str = ""
    date: str = ""
    author: str = ""


@dataclass(frozen=True)
class LeakFinding:
    """One place where a key or password stands. All of it may be shown to everybody in the thread.

    `key_id` is Mailgun's id of the key, which newer secrets end with (`<32 hex>-<id>`); older ones do not tell it.
    `fingerprint` is the same wherever the same secret stands, and cannot be worked back without the vault's
    encryption key. `is_own` says that the bot works with this key, or has since the incident began. `source` names
    the deleted key that this is, once it is one: the leak is then likely where the attacker had it from.
    """

    kind: str
    repository: str
    file: str
    line: int
    commit: str
    date: str
    author: str
    fingerprint: str
    key_id: str = ""
    is_own: bool = False
    source: str = ""

    @property
    def where(self) -> str:
        """Where it stands, for the trail and for Support."""
        committed = f", commit {self.commit[:12]} of {self.date or 'an unknown day'}" if self.commit else ""
        return f"{self.repository}, {self.file}, line {self.line:,}{committed}"

    def as_facts(self) -> dict[str, Json]:
        """In the form that a step's facts keep."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Json) -> "LeakFinding | None":
        """What `as_facts` wrote; None where it is none of this version's."""
        if not isinstance(facts, dict):
            return None
        try:
            return cls(**facts)  # type: ignore[arg-type]  # written by `as_facts`
        except TypeError:
            return None


@dataclass(frozen=True)
class ScanResult:
    """What came of one repository: findings, how many there were, or in words why it could not be read."""

    repository: str
    findings: tuple[LeakFinding, ...] = ()
    found: int = 0
    unread: str = ""

    def as_facts(self) -> dict[str, Json]:
        """In the form that a step's facts keep."""
        kept: list[Json] = [finding.as_facts() for finding in self.findings]
        return {"findings": kept, "found": self.found, "unread": self.unread}

    @classmethod
    def from_facts(cls, repository: str, facts: Facts) -> "ScanResult":
        """What `as_facts` wrote."""
        kept = facts.get("findings")
        findings = [LeakFinding.from_facts(one) for one in kept] if isinstance(kept, list) else []
        found = facts.get("found")
        return cls(
            repository,
            tuple(one for one in findings if one is not None),
            found if isinstance(found, int) else len(findings),
            str(facts.get("unread") or ""),
        )


class LeakScanner(Protocol):
    """Scans repositories for Mailgun's keys and passwords. It reads, and leaves nothing behind.

    `alive` is called at least once a second while that lasts; what it raises ends the scan, and comes through.
    """

    def repositories(self, target: str, alive: Callable[[], None]) -> list[str]:
        """The repositories that an entry of `LEAK_SCAN` stands for: itself, or an organisation's public ones.

        Raises `CannotRead`.
        """
        ...

    def scan(self, repository: str, alive: Callable[[], None]) -> list[FoundSecret]:
        """Every secret of Mailgun's in the whole history of a repository, each once for each file.

        Raises `CannotRead`.
        """
        ...


# --- What a secret is -------------------------------------------------------------------------------------


def kind_of(secret: Secret) -> LeakKind:
    """What it is, by its form: whatever has the form of no key is a password."""
    text = secret.reveal()
    if _PUBLIC_KEY.fullmatch(text):
        return LeakKind.PUBLIC_KEY
    is_key = told_key_id(secret) or _OLDER_KEY.fullmatch(text)
    return LeakKind.API_KEY if is_key else LeakKind.SMTP_PASSWORD


def finding_of(found: FoundSecret, repository: str, fingerprint: str, *, is_own: bool) -> LeakFinding:
    """What may be told of a secret. Names from outside are cut, and secrets in them cut out."""
    return LeakFinding(
        kind=kind_of(found.secret),
        repository=repository,
        file=_told(found.file, found.secret, MOST_PATH),
        line=found.line,
        commit=found.commit,
        date=found.date,
        author=_told(found.author, found.secret, MOST_AUTHOR),
        fingerprint=fingerprint,
        key_id=told_key_id(found.secret) or "",
        is_own=is_own,
    )


def _told(words: str, secret: Secret, most: int) -> str:
    words = " ".join(words.replace(secret.reveal(), "…").split())
    words, _ = cut_secrets(words)
    return words if len(words) <= most else f"{words[: most - 1]}…"


# --- The likely source ------------------------------------------------------------------------------------


def likely_source(finding: LeakFinding, entries: Iterable[AuditEntry], own_key_id: str | None) -> str:
    """The deleted key that a finding is, as the trail calls it; empty while it is none.

    A newer key is known by its id, which its secret ends with. An older one tells nothing of itself, and Mailgun shows
    no secret twice: only those that the bot itself has worked with since the incident began are known, by comparing
    with what the vault has. `own_key_id` is the key that the bot works with now; the one before is deleted by step 1.
    """
    if finding.key_id:
        named = re.compile(rf"(?<![\w-]){re.escape(finding.key_id)}(?![\w-])")
        for entry in entries:
            if entry.facts.action is Action.KEY_DELETED and named.search(entry.facts.subject):
                return entry.facts.subject
    if finding.is_own and own_key_id is not None and finding.key_id != own_key_id:
        return "the key that the bot worked with before"
    return ""


def in_words(results: Sequence[ScanResult]) -> str:
    """What a scan came to: "5 repositories scanned, 2 findings; 1 could not be read"."""
    read = [result for result in results if not result.unread]
    findings = sum(result.found for result in read)
    words = f"{count(len(read), 'repository', 'repositories')} scanned, {count(findings, 'finding')}"
    left = len(results) - len(read)
    return f"{words}; {left:,} could not be read" if left else words
