"""Crashes between a click and its decision: it was delivered, stored, acknowledged, claimed, and no further.

Nothing in the bot helps here. A trigger in its database refuses the next stage, so that the one before it can be
met for certain; and the kill comes from the wire, or from whoever watches the database.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.crashes.run import CrashRun
from tests.crashes.wire import kill

WATCHED_FOR = 10.0
WATCH_EVERY = 0.005


class Stage(StrEnum):
    """How far a click got."""

    DELIVERED = "delivered, not stored"
    STORED = "stored, not acknowledged"
    ACKNOWLEDGED = "acknowledged, not claimed"
    CLAIMED = "claimed, not decided"


DEEDS = ("open", "approve 1", "note hosting, form", "save 1", "check dana")
"""One deed of each kind: a command, a button, a form, a button of a direct message, one that waits for Mailgun."""


@dataclass(frozen=True)
class _Statement:
    """What the database is told to refuse."""

    event: str
    table: str
    when: str = ""

    def refuse(self, run: CrashRun) -> None:
        """From here on such a statement fails, and its transaction with it."""
        trigger = f"CREATE TRIGGER refused BEFORE {self.event} ON {self.table} FOR EACH ROW {self.when}"
        if run.database_url.startswith("sqlite"):
            run.execute(f"{trigger} BEGIN SELECT RAISE(ABORT, 'refused'); END")
        else:
            body = "$$ BEGIN RAISE EXCEPTION 'refused'; END $$"
            run.execute(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS {body}")
            run.execute(f"{trigger} EXECUTE FUNCTION refuse()")

    def accept(self, run: CrashRun) -> None:
        """It is refused no more."""
        on = "" if run.database_url.startswith("sqlite") else f" ON {self.table}"
        run.execute(f"DROP TRIGGER refused{on}")


_CLAIM = _Statement("UPDATE OF status", "tasks", "WHEN (NEW.kind = 'judge' AND NEW.status = 'running')")
_NEXT = {
    Stage.DELIVERED: _Statement("INSERT", "requests"),
    Stage.STORED: _CLAIM,
    Stage.ACKNOWLEDGED: _CLAIM,
    Stage.CLAIMED: _Statement("UPDATE OF outcome", "requests"),
}
"""What each stage comes before."""

_UNJUDGED = "SELECT 1 FROM tasks WHERE kind = 'judge' AND finished_at IS NULL AND attempts"
_IS_THERE = {
    Stage.DELIVERED: "SELECT 1 WHERE (SELECT count(*) FROM requests) = {known}",
    Stage.STORED: f"{_UNJUDGED} = 0",
    Stage.ACKNOWLEDGED: f"{_UNJUDGED} = 0",
    Stage.CLAIMED: f"{_UNJUDGED} > 0",
}


@dataclass(frozen=True, order=True)
class ClickCase:
    """The bot is killed when somebody's deed has come so far, and no further."""

    deed: str
    stage: Stage
    database: str

    def __str__(self) -> str:
        return f"click “{self.deed}” {self.stage}, {self.database}"

    def arm(self, run: CrashRun) -> "ClickBlow":
        """Have it happen in that run."""
        blow = ClickBlow(self, run)
        run.on_deed = blow.meet
        return blow


class ClickBlow:
    """One such crash in one run."""

    def __init__(self, case: ClickCase, run: CrashRun) -> None:
        self._case = case
        self._run = run
        self._met = False
        self._fired = False

    @property
    def fired(self) -> bool:
        """Whether the bot was killed at that stage."""
        return self._fired

    def meet(self, deed: str) -> None:
        """Called just before a deed is done: the first one of that name is met."""
        if self._met or deed != self._case.deed:
            return
        self._met = True
        run, stage = self._run, self._case.stage
        _NEXT[stage].refuse(run)
        known = run.rows("SELECT count(*) FROM requests")[0][0]
        is_there = _IS_THERE[stage].format(known=known)
        match stage:
            case Stage.DELIVERED:
                run.slack_wire.at_delivery = lambda: self._kill(is_there)
            case Stage.STORED:
                run.slack_wire.at_acknowledgement = lambda: self._kill(is_there, seen=False)
            case Stage.ACKNOWLEDGED:
                run.slack_wire.at_acknowledgement = lambda: self._kill(is_there, seen=True)
            case Stage.CLAIMED:
                watch = _watching(lambda: run.has(is_there), lambda: self._kill(is_there))
                threading.Thread(target=watch, daemon=True).start()

    def _kill(self, is_there: str, seen: bool = True) -> bool:
        """Kill the bot, look whether that was the stage, and let the next one happen from here on."""
        kill(self._run.bot.pid)
        self._fired = self._run.has(is_there)
        _NEXT[self._case.stage].accept(self._run)
        return seen


def _watching(look: Callable[[], bool], then: Callable[[], object]) -> Callable[[], None]:
    def watch() -> None:
        end = time.monotonic() + WATCHED_FOR
        while time.monotonic() < end:
            if look():
                then()
                return
            time.sleep(WATCH_EVERY)

    return watch
