"""A scanner in memory: it finds what it is told to find, where it is told to."""

from collections.abc import Callable
from dataclasses import dataclass, field

from recovery.errors import CannotRead
from recovery.leaks import FoundSecret, LeakScanner
from recovery.secret import Secret


@dataclass
class FakeScanner(LeakScanner):
    """`holds` is what each repository holds, `organisations` what each entry stands for that is no repository,
    `unread` why one cannot be read. `meanwhile` happens in the middle of each scan."""

    holds: dict[str, list[FoundSecret]] = field(default_factory=dict)
    organisations: dict[str, list[str]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    meanwhile: Callable[[str], None] = lambda repository: None
    scanned: list[str] = field(default_factory=list)

    def has(self, repository: str, secret: str, file: str = ".env", author: str = "Ann", line: int = 1) -> None:
        """This secret stands in a file of the repository's first commit."""
        found = FoundSecret(
            Secret(secret), file, line, "ed39c48ac88f30dcc875806379edbae554722553", "2026-03-01", author
        )
        self.holds.setdefault(repository, []).append(found)

    def repositories(self, target: str, alive: Callable[[], None]) -> list[str]:
        alive()
        self._refuse(target)
        return self.organisations.get(target, [target])

    def scan(self, repository: str, alive: Callable[[], None]) -> list[FoundSecret]:
        alive()
        self.meanwhile(repository)
        alive()
        self._refuse(repository)
        self.scanned.append(repository)
        return self.holds.get(repository, [])

    def _refuse(self, name: str) -> None:
        if name in self.unread:
            raise CannotRead(self.unread[name])
