"""What Kingfisher writes with `--format jsonl`: a line for each finding, and one about the repositories at the end."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from recovery.leaks import FoundSecret
from recovery.secret import Secret


@dataclass
class Report:
    """What was read so far. `problem` says why a repository could not be read; `is_whole` that the end was reached.

    `folder` is the local repository, if it is one: files are named from there.
    """

    folder: str = ""
    is_whole: bool = False
    problem: str = ""
    _found: dict[tuple[str, str], FoundSecret] = field(default_factory=dict, repr=False)

    def read(self, lines: Iterable[bytes]) -> None:
        """Read these lines. One that is not understood is passed over: then the last one is missing, or says so."""
        for each in lines:
            try:
                told = json.loads(each)
            except ValueError:
                continue
            if isinstance(told, dict):
                self._finding(told.get("finding"))
                self._audit(told.get("audit"))

    @property
    def found(self) -> list[FoundSecret]:
        """Each secret once for each file, where it stood first; oldest first."""
        return sorted(self._found.values(), key=lambda one: (one.date or "9999", one.file, one.line))

    def _finding(self, told: Any) -> None:
        if not isinstance(told, dict) or not told.get("snippet"):
            return
        commit = _dict(_dict(told.get("git_metadata")).get("commit"))
        one = FoundSecret(
            secret=Secret(str(told["snippet"])),
            file=str(told.get("path") or "").removeprefix(f"{self.folder.rstrip('/')}/" if self.folder else ""),
            line=int(told.get("line") or 0),
            commit=str(commit.get("id") or ""),
            date=str(commit.get("date") or "")[:10],
            author=str(_dict(commit.get("author")).get("name") or ""),
        )
        place = (one.secret.reveal(), one.file)
        known = self._found.get(place)
        # The file on the disk tells less than the commit that brought it, and a later commit less than the first.
        if known is None or not known.commit or (one.commit and one.date < known.date):
            self._found[place] = one

    def _audit(self, told: Any) -> None:
        if not isinstance(told, dict):
            return
        self.is_whole = True
        for repository in told.get("repositories") or []:
            if _dict(_dict(repository).get("fetch")).get("status") == "failed":
                self.problem = "it could not be fetched: it is not there, not public, or out of reach."
            elif _dict(_dict(repository).get("scan")).get("status") not in (None, "completed"):
                self.problem = "a part of it could not be read."


def _dict(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}
