"""`/healthz`: up or down by part, soon, and nothing more."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from handlers.health import Health
from handlers.server import WebServer


def up() -> bool:
    return True


def down() -> bool:
    return False


def broken() -> bool:
    raise RuntimeError("postgresql://bot:hunter2@db is away")


@contextmanager
def served(**parts: Callable[[], bool]) -> Iterator[str]:
    server = WebServer(0)
    server.serve([Health(parts).route()])
    try:
        yield f"http://127.0.0.1:{server.port}/healthz"
    finally:
        server.close(time.monotonic() + 5)


def test_when_all_is_up_it_says_so() -> None:
    with served(database=up, slack=up) as url:
        answer = requests.get(url, timeout=5)
    assert answer.status_code == 200
    assert answer.json() == {"status": "up", "database": "up", "slack": "up"}


@pytest.mark.parametrize("trouble", [down, broken])
def test_what_is_down_is_named_and_nothing_else_is_told(trouble: Callable[[], bool]) -> None:
    with served(database=trouble, slack=up) as url:
        answer = requests.get(url, timeout=5)
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "database": "down", "slack": "up"}


def test_it_can_be_asked_by_head() -> None:
    with served(database=down) as url:
        answer = requests.head(url, timeout=5)
    assert (answer.status_code, answer.content) == (503, b"")


def test_nobody_keeps_an_answer() -> None:
    with served(database=up) as url:
        assert requests.get(url, timeout=5).headers["cache-control"] == "no-store"


def test_what_hangs_is_down_within_two_seconds_and_is_not_waited_for_again() -> None:
    released = threading.Event()
    asked: list[None] = []

    def hangs() -> bool:
        asked.append(None)
        return released.wait(20)

    with served(database=hangs, slack=up) as url:
        began = time.monotonic()
        first = requests.get(url, timeout=5)
        took, began = time.monotonic() - began, time.monotonic()
        later = [requests.get(url, timeout=5) for _ in range(5)]
        assert time.monotonic() - began < 1
        released.set()
        time.sleep(1.1)
        again = requests.get(url, timeout=5)
    assert took < 2
    assert {answer.status_code for answer in [first, *later]} == {503}
    assert first.json()["slack"] == "up"
    assert again.status_code == 200, "back as soon as it answers"
    assert len(asked) == 2, "a database that hangs is not asked once more by everybody"


def test_one_answer_serves_everybody_for_a_second() -> None:
    asked: list[None] = []

    def counts() -> bool:
        asked.append(None)
        return True

    with served(database=counts) as url:
        for _ in range(30):
            requests.get(url, timeout=5)
    assert len(asked) <= 2


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_done_there(method: str) -> None:
    with served(database=up) as url:
        assert requests.request(method, url, timeout=5).status_code == 405
