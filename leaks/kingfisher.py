"""Kingfisher, run on one repository at a time. https://github.com/mongodb/kingfisher"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from leaks.child import TooLong, environment, lines_of
from leaks.report import Report
from leaks.scratch import delete_left_behind, scratch
from recovery.errors import CannotRead
from recovery.leaks import FoundSecret, LeakScanner

RULES = Path(__file__).parent / "rules"
OF_MAILGUN = (
    "betterleaks.mailgun-private-api-token",
    "betterleaks.mailgun-pub-key",
    "betterleaks.mailgun-signing-key",
    "mailgun-recovery",
)
"""Kingfisher's rules for Mailgun's keys, and ours in `RULES`."""

GITHUB = "https://api.github.com/"
ORGANISATION = re.compile(r"github:(?P<name>[\w-]+)")

NOT_INSTALLED = (
    "Kingfisher is not installed. Whoever runs the bot installs it with: pip install --require-hashes -r "
    "requirements/leaks.txt. The note can be written by hand meanwhile."
)
NO_GIT = "git is not installed where the bot runs, and Kingfisher needs it to fetch a repository."

_QUIETLY = ("--quiet", "--no-update-check")
_SCAN = (
    # Nothing that is found is tried out.
    "--no-validate",
    "--format=jsonl",
    # Each place of a secret, to choose the first commit among them.
    "--no-dedup",
    # Compiled in a third of a second; a cache would be left behind.
    "--no-rule-cache",
    *_QUIETLY,
)


class Kingfisher(LeakScanner):
    """Runs the `kingfisher` program, with `limit` for each repository.

    Nothing secret is in its arguments or its environment. Clones are in a folder of their own below `parent`, the
    machine's folder for temporary files unless it is named, and are deleted with it.
    """

    def __init__(self, limit: timedelta, *, github: str = GITHUB, parent: Path | None = None) -> None:
        self._limit = limit
        self._github = github
        self._parent = parent or Path(tempfile.gettempdir())

    def delete_left_behind(self) -> None:
        """Delete the clones of a process that was killed."""
        delete_left_behind(self._parent)

    def repositories(self, target: str, alive: Callable[[], None]) -> list[str]:
        organisation = ORGANISATION.fullmatch(target)
        if organisation is None:
            return [target]
        arguments = ["github", f"--organization={organisation['name']}", f"--api-url={self._github}", "--list-only"]
        with scratch(self._parent) as folder, closing(self._lines(folder, [*arguments, *_QUIETLY], alive)) as lines:
            urls = [line.decode(errors="replace").strip() for line in lines]
        listed = [url for url in urls if url.startswith(("https://", "http://"))]
        if not listed:
            raise CannotRead("GitHub listed no public repositories of that organisation, or could not be asked.")
        return listed

    def scan(self, repository: str, alive: Callable[[], None]) -> list[FoundSecret]:
        is_local = repository.startswith("/")
        if is_local and not Path(repository).is_dir():
            raise CannotRead("there is no such folder where the bot runs.")
        report = Report(folder=repository if is_local else "")
        with scratch(self._parent) as folder:
            rules = [f"--rules-path={RULES}", *(f"--rule={name}" for name in OF_MAILGUN)]
            limit = f"--git-repo-timeout={max(int(self._limit.total_seconds()), 1)}"
            arguments = [*_SCAN, *rules, limit, f"--git-clone-dir={folder}", "--", repository]
            with closing(self._lines(folder, arguments, alive)) as lines:
                report.read(lines)
        if report.problem or not report.is_whole:
            raise CannotRead(report.problem or "Kingfisher could not scan it.")
        return report.found

    def _lines(self, folder: Path, arguments: list[str], alive: Callable[[], None]) -> Generator[bytes]:
        program = where_kingfisher_is()
        if program is None:
            raise CannotRead(NOT_INSTALLED)
        if shutil.which("git") is None:
            raise CannotRead(NO_GIT)
        environ, seconds = environment(os.environ, folder), self._limit.total_seconds()
        try:
            yield from lines_of([program, "scan", *arguments], environ, folder, alive, seconds)
        except TooLong:
            raise CannotRead(f"it was not done within {_in_words(seconds)}, which LEAK_SCAN_TIME allows.") from None
        except OSError as error:
            raise CannotRead(f"Kingfisher could not be started: {error.strerror}.") from error


def where_kingfisher_is() -> str | None:
    """The program, beside the Python that runs us or on the PATH; None where it is not installed."""
    return shutil.which("kingfisher", path=str(Path(sys.executable).parent)) or shutil.which("kingfisher")


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
