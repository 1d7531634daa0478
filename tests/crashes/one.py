"""One run in a process of its own: unharmed, or with one crash; played, checked, and told in plain values."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from drill.evidence import stored
from drill.process import BotGone
from drill.waiting import NotInTime
from tests.crashes.cases import Spot, count, key_ids, spot_of
from tests.crashes.checks import check
from tests.crashes.databases import Templates, folder_in_memory
from tests.crashes.findings import Finding, Harm
from tests.crashes.play import play
from tests.crashes.run import CrashRun, crash_run, slowed

ATTEMPTS = 3
"""How often a case is tried when its fault does not fire: under load, ticks fall elsewhere."""


class Blow(Protocol):
    """A crash that was ordered."""

    @property
    def fired(self) -> bool: ...


class Harming(Protocol):
    """A case: a crash that can be ordered in any run, and its database."""

    @property
    def database(self) -> str: ...

    def arm(self, run: CrashRun) -> Blow: ...


@dataclass(frozen=True)
class Outcome:
    """What became of one case. `findings` are empty and `fired` is true where all is well."""

    name: str
    fired: bool = True
    findings: Sequence[Finding] = ()
    kept: Path | None = None
    """Where the bot's log and the requests of a run that went wrong are."""

    @property
    def is_well(self) -> bool:
        return self.fired and not self.findings

    def told(self) -> str:
        """For whoever has to find out why: what is wrong, and what repeats it."""
        lines = [f"\n{self.name}", *(f"  {finding}" for finding in self.findings)]
        lines += [] if self.fired else ["  not reached: the recovery did without that"]
        lines.append(f"  again: make crash ONLY={self.name!r}")
        lines += [f"  kept: {self.kept}"] if self.kept else []
        return "\n".join(lines)


@dataclass(frozen=True)
class Unharmed:
    """What a run without any crash needed."""

    spots: Counter[Spot] = field(default_factory=Counter)
    findings: Sequence[Finding] = ()

    @property
    def requests(self) -> int:
        return self.spots.total()


def run_unharmed(database: str, templates: Templates, slower: int = 1) -> Unharmed:
    """A whole recovery without a crash, its ticks so many times slower."""
    times = slowed(slower)
    with (
        folder_in_memory() as folder,
        templates.copy(database, folder) as url,
        crash_run(folder, url, None, **times) as run,
    ):
        ending = _played(run)
        spots = count(run.heard, run.before)
        return Unharmed(spots, ending or check(run))


def run_case(case: Harming, templates: Templates, keep_in: Path, slower: int = 1) -> Outcome:
    """A whole recovery with one crash, its ticks so many times slower; again, where the crash did not come about."""
    outcome = Outcome(str(case))
    for _ in range(ATTEMPTS):
        outcome = _attempt(case, templates, keep_in, slowed(slower))
        if outcome.fired or outcome.findings:
            break
    return outcome


def _attempt(case: Harming, templates: Templates, keep_in: Path, times: dict[str, str]) -> Outcome:
    with (
        folder_in_memory() as folder,
        templates.copy(case.database, folder) as url,
        crash_run(folder, url, None, **times) as run,
    ):
        run.start()
        blow = case.arm(run)
        ending = _played(run)
        fired = blow.fired
        # What is wrong with a recovery that is not over would only follow from that.
        findings = ending or check(run)
        kept = _keep(run, str(case), keep_in, findings) if findings else None
        return Outcome(str(case), fired, findings, kept=kept)


def _played(run: CrashRun) -> list[Finding]:
    """Play it; what kept it from its end is a finding."""
    try:
        play(run)
    except (NotInTime, BotGone) as error:
        return [Finding(Harm.LOST, f"the recovery did not come to its end. {error}")]
    finally:
        run.rest()
    return []


def _keep(run: CrashRun, name: str, keep_in: Path, findings: Sequence[Finding]) -> Path:
    """Copy what explains a failure to where it can be looked at."""
    folder = keep_in / "".join(c if c.isalnum() or c in "#@._-" else "-" for c in name)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(run.bot.log_path, folder / "bot.log")
    ids = key_ids(run.before)
    requests = [f"{each.at:.3f} {spot_of(each, ids)}: {each.status}" for each in run.heard]
    (folder / "requests.txt").write_text("\n".join(sorted(requests)))
    (folder / "findings.txt").write_text("\n".join(map(str, findings)))
    if run.database_url.startswith("sqlite"):
        for part in Path(run.database_url.removeprefix("sqlite:///")).parent.glob("recovery.db*"):
            shutil.copy(part, folder)
    else:
        (folder / "rows.txt").write_bytes(stored(run.database_url))
    return folder
