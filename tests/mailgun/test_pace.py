"""How the pace finds a limit that nobody names, and keeps close to it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from drill.buckets import Bucket
from mailgun.pace import LEAST_RATE, MOST_LOWERED, NoTurn, Pace, Turn
from tests.clocks import StillClock

LONGEST = 2.0


@pytest.fixture
def clock() -> StillClock:
    return StillClock(1000.0)


@pytest.fixture
def pace(clock: StillClock) -> Pace:
    return Pace(clock)


def called_for_a_second(pace: Pace, clock: StillClock, calls: int) -> list[Turn]:
    """So many calls, evenly over a second. None of them is answered yet."""
    turns = []
    for _ in range(calls):
        turns.append(pace.turn(LONGEST))
        clock.now += 1 / calls
    return turns


def limited(pace: Pace, clock: StillClock, calls: int = 100) -> float:
    """Have the pace meet its first 429 at that many calls a second; the rate since."""
    first, *others = called_for_a_second(pace, clock, calls)
    for turn in others:
        pace.taken(turn)
    pace.refused(first)
    assert pace.rate is not None
    return pace.rate


# --- Until a limit is known ---


def test_no_call_waits_until_one_was_refused(pace: Pace) -> None:
    turns = [pace.turn(LONGEST) for _ in range(1000)]
    for turn in turns:
        pace.taken(turn)

    assert {turn.wait for turn in turns} == {0.0}
    assert pace.rate is None


def test_the_first_refusal_sets_the_rate_a_little_below_that_of_the_calls_around_it(
    pace: Pace, clock: StillClock
) -> None:
    called_for_a_second(pace, clock, 5)
    assert limited(pace, clock, calls=100) == pytest.approx(90)


# --- Turns ---


def test_turns_are_given_in_order_and_evenly(pace: Pace, clock: StillClock) -> None:
    rate = limited(pace, clock)
    waits = [pace.turn(LONGEST).wait for _ in range(5)]
    assert waits == pytest.approx([number / rate for number in range(1, 6)], rel=0.01)


def test_a_turn_that_is_too_far_off_stays_free(pace: Pace, clock: StillClock) -> None:
    limited(pace, clock)
    while pace.turn(LONGEST).wait < LONGEST - 0.1:
        pass
    with pytest.raises(NoTurn) as first:
        pace.turn(longest=1.0)
    with pytest.raises(NoTurn) as second:
        pace.turn(longest=1.0)
    assert first.value.seconds == second.value.seconds

    clock.now += first.value.seconds
    assert pace.turn(longest=1.0).wait == pytest.approx(1.0)


def test_what_nobody_used_is_not_made_up_for(pace: Pace, clock: StillClock) -> None:
    limited(pace, clock)
    clock.now += 10
    assert [pace.turn(LONGEST).wait > 0 for _ in range(3)] == [False, True, True]


# --- Down ---


def test_calls_that_were_refused_together_lower_the_rate_once(pace: Pace, clock: StillClock) -> None:
    turns = called_for_a_second(pace, clock, 10)
    pace.refused(turns[0])
    lowered = pace.rate
    for turn in turns[1:]:
        pace.refused(turn)
    assert pace.rate == lowered


def test_a_call_that_waits_for_its_turn_meanwhile_is_one_of_them(pace: Pace, clock: StillClock) -> None:
    limited(pace, clock)
    before, waiting = pace.turn(LONGEST), pace.turn(LONGEST)
    pace.refused(before)
    lowered = pace.rate
    clock.now += waiting.wait
    pace.refused(waiting)
    assert pace.rate == lowered


def test_the_more_are_refused_the_more_it_is_lowered(pace: Pace, clock: StillClock) -> None:
    before = limited(pace, clock)
    taken, refused = pace.turn(LONGEST), pace.turn(LONGEST)
    pace.taken(taken)
    pace.refused(refused)
    assert pace.rate == pytest.approx(before * MOST_LOWERED, rel=0.01)


def test_it_is_not_lowered_for_ever(pace: Pace) -> None:
    for _ in range(100):
        pace.refused(pace.turn(longest=100))
    assert pace.rate == LEAST_RATE


# --- Up, and away ---


def test_it_climbs_slowly_near_what_was_refused_and_fast_beyond(pace: Pace, clock: StillClock) -> None:
    limited(pace, clock, calls=100)

    def rate_after(seconds: float) -> float:
        for _ in range(round(seconds * 10)):
            clock.now += 0.1
            pace.turn(longest=1e9)
        return pace.rate or 0.0

    near, over, beyond = rate_after(5), rate_after(5), rate_after(10)
    assert 99 < near <= over < 101
    assert beyond > 120


def test_a_minute_of_quiet_forgets_no_limit_and_an_hour_does(pace: Pace, clock: StillClock) -> None:
    limited(pace, clock, calls=100)
    clock.now += 60
    pace.turn(LONGEST)
    assert pace.rate == pytest.approx(100, rel=0.01)

    clock.now += 3600
    pace.turn(LONGEST)
    assert pace.rate is None


def test_what_was_sent_before_a_limit_was_forgotten_sets_none(pace: Pace, clock: StillClock) -> None:
    limited(pace, clock)
    late = pace.turn(LONGEST)
    clock.now += 3600
    pace.turn(LONGEST)
    pace.refused(late)
    assert pace.rate is None


# --- Whole rotations, simulated ---


@dataclass
class Rotation:
    """So many threads that call one after another, at a Mailgun that takes `latency` for an answer. No time passes."""

    limit: Callable[[float], float]
    burst: int = 10
    threads: int = 16
    latency: float = 0.1
    answers: list[tuple[float, bool]] = field(default_factory=list)

    def run(self, seconds: float) -> Rotation:
        clock = StillClock(now=0.0)
        pace, bucket = Pace(clock), Bucket()
        events: list[tuple[float, int, Callable[[], None]]] = []
        count = 0

        def after(wait: float, do: Callable[[], None]) -> None:
            nonlocal count
            count += 1
            heapq.heappush(events, (clock.now + wait, count, do))

        def ask() -> None:
            try:
                turn = pace.turn(LONGEST)
            except NoTurn as full:
                after(full.seconds, ask)
            else:
                after(turn.wait, lambda: send(turn))

        def send(turn: Turn) -> None:
            wait = bucket.take(clock.now, self.limit(clock.now), self.burst)
            self.answers.append((clock.now, not wait))
            after(self.latency, lambda: answered(turn, not wait))

        def answered(turn: Turn, is_taken: bool) -> None:
            if is_taken:
                pace.taken(turn)
                ask()
            else:
                pace.refused(turn)
                after(1.0, ask)

        for _ in range(self.threads):
            after(0.0, ask)
        while clock.now < seconds:
            clock.now, _, do = heapq.heappop(events)
            do()
        return self

    def taken(self, begin: float, end: float) -> float:
        """The calls that were taken, a second."""
        return sum(ok for at, ok in self.answers if begin <= at < end) / (end - begin)

    def refused(self, begin: float, end: float) -> float:
        """The share of calls that were refused."""
        answers = [ok for at, ok in self.answers if begin <= at < end]
        return 1 - sum(answers) / len(answers)


@pytest.mark.parametrize(("limit", "burst"), [(50, 10), (50, 500), (120, 20), (20, 3)])
def test_nearly_all_of_a_limit_is_used_and_nearly_nothing_refused(limit: int, burst: int) -> None:
    rotation = Rotation(lambda _: limit, burst).run(70)
    assert rotation.taken(10, 70) > 0.95 * limit
    assert rotation.refused(10, 70) < 0.02


def test_the_limit_is_found_in_a_few_seconds() -> None:
    rotation = Rotation(lambda _: 50).run(20)
    assert rotation.taken(5, 20) > 45
    assert rotation.refused(5, 20) < 0.02


def test_a_limit_that_falls_and_grows_is_followed() -> None:
    rotation = Rotation(lambda at: 50 if at < 30 else 20 if at < 60 else 100).run(100)
    assert rotation.taken(40, 60) > 18
    assert rotation.refused(40, 60) < 0.03
    assert rotation.taken(90, 100) > 90


def test_a_limit_of_a_few_calls_a_second_is_found_too() -> None:
    rotation = Rotation(lambda _: 5, burst=5).run(120)
    assert rotation.taken(60, 120) > 4.5
    assert rotation.refused(60, 120) < 0.1
