"""A look through the account survives single calls that fail: they are asked again, and the others are not."""

import time
from datetime import timedelta

import pytest

from recovery.errors import Later, OutsideError, Uncertain
from recovery.listing import TRIES, listed
from recovery.patience import LONGEST_WAIT
from recovery.state import StepStatus
from tests.recovery.world import REQUESTER, World

DOMAINS = 40


@pytest.fixture
def large(world: World) -> World:
    """An account of many domains, each of which is asked for its logins and its webhooks."""
    for number in range(DOMAINS):
        world.with_logins("app", domain=f"d{number}.acme.example")
    return world


def asked(world: World, call: str) -> int:
    return len(world.mailgun.called(call))


@pytest.mark.parametrize("error", [Uncertain("no answer"), Later("too many", seconds=2)])
def test_a_list_that_fails_is_asked_for_again_and_no_other(large: World, error: OutsideError) -> None:
    large.mailgun.fail("webhooks", error, times=TRIES - 1)
    large.type("", by=REQUESTER)
    large.work(timedelta(seconds=1))

    assert large.status("0") is StepStatus.DONE
    assert asked(large, "webhooks") == DOMAINS + TRIES - 1
    assert asked(large, "keys") == asked(large, "users") == 1


def test_one_that_fails_three_times_has_the_look_wait_as_a_task(large: World) -> None:
    large.mailgun.fail("webhooks", Uncertain("no answer"), "d7.", times=TRIES)
    large.type("", by=REQUESTER)
    large.work()

    assert large.status("0") is StepStatus.DONE
    assert asked(large, "keys") == 2


def test_a_list_is_put_off_as_often_as_it_takes_while_mailgun_takes_others(large: World) -> None:
    large.type("", by=REQUESTER)
    job = large.claim("survey")
    assert job is not None
    put_off = 0

    def ask() -> str:
        nonlocal put_off
        large.clock.pass_by(timedelta(seconds=2))
        if put_off == 3 * TRIES:
            return "taken"
        put_off += 1
        assert listed(job, lambda: "another") == "another"
        raise Later("others go first", seconds=0.01)

    assert listed(job, ask) == "taken"


def test_where_mailgun_takes_nothing_the_look_waits_as_a_task(large: World) -> None:
    large.mailgun.fail("webhooks", Later("others go first", seconds=LONGEST_WAIT), times=3 * DOMAINS)
    large.type("", by=REQUESTER)
    large.work()

    assert large.status("0") is StepStatus.DONE
    assert asked(large, "keys") > 1


def test_a_long_wait_that_mailgun_asks_for_takes_no_worker(large: World) -> None:
    large.mailgun.fail("webhooks", Later("far too many", seconds=10 * LONGEST_WAIT), "d7.")
    large.type("", by=REQUESTER)
    large.work()

    assert large.status("0") is StepStatus.DONE
    assert asked(large, "keys") == 2


def test_after_one_that_fails_for_good_no_more_are_begun(world: World) -> None:
    begun: list[int] = []

    def ask(number: int) -> None:
        if number == 0:
            raise Uncertain("no answer")
        begun.append(number)
        time.sleep(0.05)

    with pytest.raises(Uncertain):
        world.tools.at_once(ask, range(200))

    assert len(begun) < 100
