"""How fast Mailgun is called: as fast as the bot can, until Mailgun refuses a call with 429; then near the limit that
this shows.

Mailgun says of no account how many calls it takes. So the limit is looked for, as CUBIC does it in TCP: a refusal
lowers the rate at once. Then it climbs back along a cubic curve, fast while it is far from the rate at which Mailgun
refused, slowly near that, and fast again beyond, should the limit have grown. The curve has no measure of its own: a
limit of 5 calls a second is found as one of 500 is.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

LEAST_LOWERED, MOST_LOWERED = 0.9, 0.7
"""What a refusal leaves of the rate: the share of calls that was taken at it, within these."""

STRETCH = 15.0
"""In so many seconds beyond the rate that was refused, the curve doubles it: shorter finds a grown limit sooner, longer
tries the limit less often. At 50 calls a second one of 300 is refused."""

FORGOTTEN = 10.0
"""So many times the rate that was refused is as good as no limit."""

LEAST_RATE = 1.0
"""In calls a second. A refused call asks to wait by itself; a rate has no use below that."""

PAUSE = 0.1
"""In seconds. What a pause between two calls has beyond it counts for a tenth: while few calls are made they prove
little, and in ten minutes without any the limit is forgotten, but not in one."""

MOMENT = 1.0
"""In seconds. What was sent before that does not say how fast calls were sent when the first was refused."""

SOONEST = 0.01
"""In seconds. No answer comes sooner than that after its call."""

logger = logging.getLogger("mailgun")


class NoTurn(Exception):
    """Others wait already for as long as this one would. There is one again in so many `seconds`."""

    def __init__(self, seconds: float, rate: float) -> None:
        super().__init__(f"none of {rate:.3g} turns a second is free for {seconds:.3g} s")
        self.seconds = seconds
        self.rate = rate


@dataclass(frozen=True)
class Turn:
    """When a call may be sent: `at`, by the pace's clock, in `wait` seconds. `era` is that of the rate."""

    at: float
    wait: float
    era: int


class Pace:
    """The pace of one process. Any number of threads take turns; each gets the one after the last that was given."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._refused_at_rate: float | None = None
        self._lowered_to = 0.0
        self._age = 0.0
        self._era = 0
        self._taken = self._too_many = 0
        self._free_at = self._asked_at = clock()
        self._sent: deque[float] = deque()

    @property
    def rate(self) -> float | None:
        """Calls a second at present; None while no limit is known."""
        with self._lock:
            return self._rate()

    def turn(self, longest: float) -> Turn:
        """The next free turn. Raises `NoTurn` where that is further off than `longest` seconds: then it stays free."""
        with self._lock:
            now = self._clock()
            rate = self._grown(now)
            wait = 0.0
            if rate is None:
                self._remember(now)
            else:
                wait = max(self._free_at - now, 0.0)
                if wait > longest:
                    raise NoTurn(wait - longest, rate)
                self._free_at = now + wait + 1 / rate
            return Turn(now + wait, wait, self._era)

    def taken(self, turn: Turn) -> None:
        """Mailgun answered that call with anything but 429."""
        with self._lock:
            if turn.era == self._era:
                self._taken += 1

    def refused(self, turn: Turn) -> None:
        """Mailgun answered that call with 429.

        The rate is lowered once for all calls whose turns were given at it: they were on their way together.
        """
        with self._lock:
            if turn.era != self._era:
                return
            now = self._clock()
            self._too_many += 1
            share = self._taken / (self._taken + self._too_many)
            before = max(self._rate() or self._sent_since(turn, now), LEAST_RATE)
            self._refused_at_rate = before
            self._lowered_to = max(before * min(max(share, MOST_LOWERED), LEAST_LOWERED), LEAST_RATE)
            self._age = 0.0
            # Not at once: Mailgun has nothing to give at this moment.
            self._free_at = max(self._free_at, now + 1 / self._lowered_to)
            self._begin_era()
            logger.info("Mailgun refused a call at %.3g calls a second: %.3g from now on", before, self._lowered_to)

    def _rate(self) -> float | None:
        """The cubic curve: from the lowered rate through the one that was refused, where it is flat, and beyond."""
        top = self._refused_at_rate
        if top is None:
            return None
        back_at = STRETCH * (1 - self._lowered_to / top) ** (1 / 3)
        return float(top * (1 + ((self._age - back_at) / STRETCH) ** 3))

    def _grown(self, now: float) -> float | None:
        """The rate after the time that went by since the last call asked."""
        passed = now - self._asked_at
        self._asked_at = now
        self._age += min(passed, PAUSE) + max(passed - PAUSE, 0.0) / 10
        rate, top = self._rate(), self._refused_at_rate
        if rate is not None and top is not None and rate > FORGOTTEN * top:
            rate = self._refused_at_rate = None
            self._begin_era()
        return rate

    def _begin_era(self) -> None:
        """The rate is another one: what is still on its way proves nothing about it."""
        self._era += 1
        self._taken = self._too_many = 0
        self._sent.clear()

    def _remember(self, now: float) -> None:
        """Keep when a call was sent, for the first refusal to go by."""
        self._sent.append(now)
        while self._sent[0] < now - MOMENT:
            self._sent.popleft()

    def _sent_since(self, turn: Turn, now: float) -> float:
        """How fast calls were sent while that one was on its way. Rather too much than too little: what is too fast
        shows with the next answer, what is too slow only after many."""
        since = max(turn.at, now - MOMENT)
        return sum(since <= at < now for at in self._sent) / max(now - since, SOONEST)
