"""Whether the repositories can be scanned, for `python bot.py check`."""

import shutil
from collections.abc import Sequence

from leaks.kingfisher import NO_GIT, NOT_INSTALLED, where_kingfisher_is
from recovery.checks import Finding
from recovery.text import count


def check_leaks(targets: Sequence[str]) -> list[Finding]:
    """Whether what `LEAK_SCAN` needs is there; nothing is scanned."""
    what = "Scan of repositories"
    if not targets:
        return [Finding(what, True, "not asked for; LEAK_SCAN names what to scan")]
    if where_kingfisher_is() is None:
        return [Finding(what, False, NOT_INSTALLED)]
    if shutil.which("git") is None:
        return [Finding(what, False, NO_GIT)]
    return [Finding(what, True, f"Kingfisher and git are there for {count(len(targets), 'entry', 'entries')}")]
