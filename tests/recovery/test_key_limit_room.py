"""At the plan's limit with room for one replacement at a time: whoever finds none waits while another makes some."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from recovery.account import KeySpec
from recovery.content import Marker, MarkerKind
from recovery.errors import KeyLimitReached, Uncertain
from recovery.jobs import Job
from recovery.ports import NewKey
from recovery.state import StepStatus
from tests.recovery.keys import with_room_for_one_at_a_time
from tests.recovery.world import World

HANDOVER = "handover D-"
REPLACE = "api_keys.replace"


@pytest.fixture
def one_at_a_time(world: World) -> World:
    with_room_for_one_at_a_time(world)
    return world


@pytest.mark.parametrize("seconds", [0, 0.6, 1.5, 2.4])
def test_a_send_whose_end_is_uncertain_makes_its_room_later_and_nobody_is_asked(
    one_at_a_time: World, seconds: float
) -> None:
    def slow(marker: Marker) -> None:
        """The other key is tried again and again while the send goes on."""
        if marker.kind is MarkerKind.HANDOVER:
            one_at_a_time.slack.while_posting = lambda marker: None
            until = one_at_a_time.clock.now() + timedelta(seconds=seconds)
            one_at_a_time.drain(REPLACE)
            while one_at_a_time.clock.now() < until:
                one_at_a_time.clock.pass_by(timedelta(seconds=0.1))
                one_at_a_time.drain(REPLACE)

    one_at_a_time.slack.fail("post", Uncertain("timed out"), HANDOVER)
    one_at_a_time.slack.while_posting = slow
    one_at_a_time.work()

    assert one_at_a_time.status("1") is StepStatus.DONE


@pytest.mark.parametrize("times", [2, 3])
def test_an_old_key_whose_deletion_is_tried_again_makes_its_room_later_and_nobody_is_asked(
    one_at_a_time: World, times: int
) -> None:
    one_at_a_time.mailgun.fail("delete_key", Uncertain("timed out"), times=times)
    one_at_a_time.work()

    assert one_at_a_time.status("1") is StepStatus.DONE


def test_room_that_was_made_between_mailguns_answer_and_the_look_for_it_is_used(
    one_at_a_time: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, is_sending, goes_on = one_at_a_time, Event(), Event()
    world.drain("api_keys.begin")

    def held_up(marker: Marker) -> None:
        if marker.kind is MarkerKind.HANDOVER and not is_sending.is_set():
            is_sending.set()
            assert goes_on.wait(20)

    world.slack.while_posting = held_up
    with ThreadPoolExecutor(1) as other:
        sent = other.submit(world.run, claimed(world))
        assert is_sending.wait(20)
        world.run(claimed(world))
        world.clock.pass_by(timedelta(seconds=1.1))
        create_key = world.mailgun.create_key

        def full(spec: KeySpec) -> NewKey:
            """By the time that anybody looks, the other job has deleted its old key."""
            try:
                return create_key(spec)
            except KeyLimitReached:
                goes_on.set()
                sent.result(20)
                raise

        with monkeypatch.context() as once:
            once.setattr(world.mailgun, "create_key", full)
            world.run(claimed(world))
    world.work()

    assert world.status("1") is StepStatus.DONE


def claimed(world: World) -> Job:
    job = world.claim(REPLACE)
    assert job
    return job
