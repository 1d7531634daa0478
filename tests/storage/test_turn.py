"""Turns: one thread at a time, who is in a hurry first."""

import threading
import time

from storage.turn import Turn
from tests.storage.given import at_once


def test_one_at_a_time() -> None:
    turn, inside, most = Turn(), 0, 0

    def go() -> None:
        nonlocal inside, most
        for _ in range(50):
            assert turn.acquire(10)
            inside += 1
            most = max(most, inside)
            time.sleep(0)
            inside -= 1
            turn.release()

    at_once([go] * 8)
    assert most == 1


def test_who_is_in_a_hurry_goes_before_who_came_earlier() -> None:
    turn, order = Turn(), list[str]()
    assert turn.acquire(1)

    def write(name: str, hurried: bool) -> None:
        assert turn.acquire(10, hurried=hurried)
        order.append(name)
        turn.release()

    threads = []
    for name, hurried in (("worker", False), ("click", True)):
        threads.append(threading.Thread(target=write, args=(name, hurried)))
        threads[-1].start()
        time.sleep(0.1)
    turn.release()
    for thread in threads:
        thread.join(10)
    assert order == ["click", "worker"]


def test_whoever_gives_up_holds_up_nobody() -> None:
    turn = Turn()
    assert turn.acquire(1)
    assert not turn.acquire(0.05, hurried=True)
    assert not turn.acquire(0.05)
    turn.release()
    assert turn.acquire(1)


def test_as_many_at_a_time_as_there_are_places() -> None:
    turn = Turn(2)
    assert turn.acquire(1) and turn.acquire(1, hurried=True)
    assert not turn.acquire(0.05)
    turn.release()
    assert turn.acquire(1)
