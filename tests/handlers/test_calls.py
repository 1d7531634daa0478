"""Calls of the Web API: at the pace that Slack is known to take of each method."""

import pytest

from drill.slack.api.endpoint import METHODS
from handlers.buckets import OwnBuckets
from handlers.calls import CALLS_A_MINUTE, Calls
from handlers.errors import SlowDown
from recovery.errors import Later, Paced
from tests.clocks import StillClock


def made(calls: Calls, method: str, most: int = 1_000) -> int:
    """How many calls there is room for at this moment."""
    for number in range(most):
        try:
            with calls.of(method):
                pass
        except Paced:
            return number
    return most


@pytest.mark.parametrize("method", CALLS_A_MINUTE)
def test_what_is_known_is_what_the_practice_slack_takes(method: str) -> None:
    tier = METHODS[method].tier
    assert tier is not None
    assert tier.value == CALLS_A_MINUTE[method]


@pytest.mark.parametrize(("method", "at_once"), [("chat.update", 25), ("users.info", 50), ("users.list", 10)])
def test_a_method_gets_half_of_a_minutes_calls_at_once(clock: StillClock, method: str, at_once: int) -> None:
    assert made(Calls(buckets=OwnBuckets(clock)), method) == at_once


def test_in_the_long_run_a_method_gets_what_its_tier_allows(clock: StillClock) -> None:
    calls = Calls(buckets=OwnBuckets(clock))
    made(calls, "chat.update")
    done = 0
    for second in range(1, 601):
        clock.now = float(second)
        done += made(calls, "chat.update")
    assert done == 500


def test_a_process_that_restarts_after_its_burst_takes_no_more_than_slack_has(clock: StillClock) -> None:
    assert sum(made(Calls(buckets=OwnBuckets(clock)), "users.info") for _ in range(2)) == CALLS_A_MINUTE["users.info"]


def test_a_shorter_pace_goes_for_methods_as_well(clock: StillClock) -> None:
    calls = Calls(pace=0.1, buckets=OwnBuckets(clock))
    made(calls, "chat.update")
    clock.now = 1.2
    assert made(calls, "chat.update") == 10


def test_no_pace_is_none_for_methods_either() -> None:
    assert made(Calls(pace=0), "users.list") == 1_000


def test_after_a_429_a_method_is_left_alone_for_as_long_as_slack_asked(clock: StillClock) -> None:
    calls = Calls(buckets=OwnBuckets(clock))
    with pytest.raises(SlowDown), calls.of("users.info"):
        raise SlowDown("slow down", seconds=9)
    with pytest.raises(Later) as raised, calls.of("users.info"):
        pass
    assert raised.value.seconds == 9
    assert made(calls, "users.list") == 10
