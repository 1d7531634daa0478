"""One seed, from its beginning to what was found, in plain values."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests

from drill.ordering import JsonObject
from drill.process import BotGone
from drill.waiting import NotInTime
from tests.crashes import deeds
from tests.crashes.checks import check
from tests.crashes.databases import Templates, folder_in_memory
from tests.crashes.findings import Harm
from tests.crashes.play import play, quiet
from tests.soak.run import SoakRun, soak_run

GIVES_UP_AFTER = 240.0
"""How long people try to get something done. In bad weather the bot is away more often than after one crash."""

NOT_FINISHED = "not finished"
HARMS = (*(harm.value for harm in Harm), NOT_FINISHED)
"""What can be wrong, in the order of the last line."""


@dataclass(frozen=True)
class Outcome:
    """What came of one seed. `wrong` has what is wrong, by its harm."""

    seed: int
    database: str
    seconds: float
    kills: int
    starts: int
    weather: dict[str, JsonObject]
    by_hand: list[str] = field(default_factory=list)
    """What a person had to do beside deciding: retries and second rounds."""
    wrong: list[tuple[str, str]] = field(default_factory=list)
    kept: Path | None = None
    """Where the bot's log, the database and the requests are, if that was asked for."""

    def told(self) -> str:
        """For whoever has to find out why: what is wrong, and what the weather was."""
        lines = [f"\nseed {self.seed} ({self.database}), {self.seconds:.0f} s: {len(self.wrong)} things are wrong"]
        lines += [f"  {harm}: {words}" for harm, words in self.wrong]
        lines += [f"  {server}: {_told(weather)}" for server, weather in self.weather.items()]
        lines.append(f"  the bot was started {self.starts} times, and killed {self.kills} times between requests")
        lines += [f"  by hand: {what}" for what in self.by_hand]
        lines.append(f"  again: make soak SEED={self.seed}")
        lines += [f"  kept: {self.kept}"] if self.kept else []
        return "\n".join(lines)


def soak(seed: int, database: str, templates: Templates, keep_in: Path | None = None) -> Outcome:
    """Play a recovery through in the weather of that seed, let it clear up, and look at what there is.

    `keep_in` gets a folder with what explains it, if anything is wrong.
    """
    began = time.monotonic()
    with folder_in_memory() as folder, templates.copy(database, folder) as url, soak_run(seed, folder, url) as run:
        wrong = _what_is_wrong(run)
        return Outcome(
            seed=seed,
            database=database,
            seconds=time.monotonic() - began,
            kills=run.kills,
            starts=run.starts,
            weather=run.weather(),
            by_hand=run.watch.did,
            wrong=wrong,
            kept=_keep(run, folder, keep_in / f"seed-{seed}") if wrong and keep_in else None,
        )


def _what_is_wrong(run: SoakRun) -> list[tuple[str, str]]:
    try:
        _live_through(run)
    except (NotInTime, BotGone, requests.RequestException) as late:
        # The last of them: a practice server that did not get its turn on a machine with too much to do.
        run.rest()
        return [(NOT_FINISHED, str(late))]
    run.rest()
    return [(str(finding.harm), finding.words) for finding in check(run)]


def _live_through(run: SoakRun) -> None:
    deeds.GIVES_UP_AFTER = GIVES_UP_AFTER
    run.begin()
    try:
        play(run)
    finally:
        run.clear_up()
    run.tend()
    # What is due by now: wipes, redraws, the end of the trail.
    quiet(run)


def _keep(run: SoakRun, folder: Path, kept: Path) -> Path:
    """Copy what explains a failure to where it can be looked at."""
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept)
    heard = [f"{each.at:.3f} {each.server} {each.method} {each.path} {each.status}" for each in run.heard]
    (kept / "requests.txt").write_text("\n".join(sorted(heard)))
    (kept / "handovers.txt").write_text("\n".join(_handovers(run)))
    return kept


def _handovers(run: SoakRun) -> list[str]:
    """How each handover and each task about one stood in the end. A PostgreSQL database is not in the folder."""
    handovers = "SELECT id, number, step_id, status, attempt, planned_at, sent_at, ended_at, wiped_at, message_ts"
    tasks = "SELECT id, key, status, attempts, payload, failure, not_before, finished_at"
    rows = [
        *run.rows(f"{handovers} FROM handovers ORDER BY id"),
        *run.rows(f"{tasks} FROM tasks WHERE kind LIKE 'handover.%' ORDER BY id"),
    ]
    return [" | ".join(map(str, row)) for row in rows]


def _told(weather: JsonObject) -> str:
    done = ", ".join(f"{what} {times}" for what, times in weather["done"].items())
    return f"{weather['requests']} requests; {done}; slowest {weather['longest_slow']} s"
