"""Somebody who keeps an eye on the thread: Priya, the second approver."""

import time
from contextlib import suppress

from drill.actors import COMMAND, NotTaken
from drill.ordering import OrderFailed
from tests.crashes.run import CrashRun

LOOK_EVERY = 4.0
"""Seconds until she looks again: what she typed has had its effect by then, or was not taken."""


class Watch:
    """Presses Retry where a step needs attention, and Approve where one is offered another round."""

    def __init__(self, run: CrashRun) -> None:
        self._run = run
        self._next_look = 0.0
        self.did: list[str] = []
        """What she had to do: none of it is wrong, but each is a person's time."""

    def look(self) -> None:
        """Do what is to be done by now. What the bot does not take is done again at the next look."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY
        for number, status, failure in self._run.rows(_STUCK):
            self._types("retry" if status == "needs attention" else "approve", str(number), str(failure))

    def _types(self, word: str, number: str, why: str) -> None:
        with suppress(NotTaken, OrderFailed):
            self._run.priya.types(f"{COMMAND} {word} {number}")
            self.did.append(f"{word} {number}: {why}")


_STUCK = (
    "SELECT s.number, s.status, (SELECT max(t.failure) FROM tasks t WHERE t.step_id = s.id AND t.status = 'failed')"
    " FROM steps s WHERE s.status = 'needs attention' OR (s.status = 'waiting' AND s.round > 1)"
)
