"""The weather of the practice servers: each kind does what its name says, by chance that a seed decides."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from drill.failures import Failure
from drill.orders import Order
from drill.waiting import wait_for
from drill.weather import LONGEST_LAG, LONGEST_SLOW, Kind, Weather
from tests.drill.shelf import ANSWERED, Shelf


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    with shelf.server:
        yield shelf


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def done(weather: Weather, requests: int, method: str = "POST", path: str = "/us/v1/keys") -> list[str]:
    """What so many requests meet, one after the other; empty for those that meet nothing."""
    met = []
    for _ in range(requests):
        before = Counter(weather.done)
        weather.meets(method, path)
        met.append(next(iter(weather.done - before), ""))
    return met


# --- Each kind does what its name says --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("429", "429"),
        ("500", "500"),
        ("hang", "silence"),
        ("drop", "dropped"),
        ("garbage", "garbage"),
    ],
)
def test_the_client_meets_what_the_kind_says(shelf: Shelf, kind: str, outcome: str) -> None:
    shelf.weather(seed=1, share=1, kinds=[kind])
    assert {shelf.outcome() for _ in range(4)} == {outcome}


@pytest.mark.parametrize("kind", ["500", "hang", "drop", "garbage"])
def test_whether_it_was_applied_is_chance_and_counted(shelf: Shelf, kind: str) -> None:
    shelf.weather(seed=3, share=1, kinds=[kind])
    for _ in range(8):
        shelf.outcome()
    counts = shelf.told()["done"]
    assert set(counts) == {f"{kind} before", f"{kind} after"}
    assert len(shelf.kept) == counts[f"{kind} after"]


def test_429_is_never_applied_and_asks_for_a_short_wait(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["429"])
    answers = [shelf.put() for _ in range(40)]
    assert shelf.kept == []
    headers = {answer.headers.get("Retry-After") for answer in answers}
    assert headers == {"0", "1", None}
    unsaid = [answer.json()["message"] for answer in answers if "Retry-After" not in answer.headers]
    assert all("try again after " in words for words in unsaid)


def test_slow_is_applied_while_the_client_waits_and_never_answered(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["slow"])
    began = time.monotonic()
    with pytest.raises(requests.ConnectionError) as caught:
        shelf.put()
    assert not isinstance(caught.value, requests.Timeout)
    assert 0.2 <= time.monotonic() - began < LONGEST_SLOW + 0.5
    assert len(shelf.kept) == 1
    assert 0.2 <= shelf.told()["longest_slow"] < LONGEST_SLOW + 0.5


def test_slow_is_applied_at_once_when_the_client_goes_away(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["slow"])
    with pytest.raises(requests.ReadTimeout):
        shelf.put(timeout=0.05)
    wait_for("it to be applied", lambda: shelf.kept, seconds=0.15)
    assert shelf.told()["longest_slow"] < 0.2


def test_what_nobody_waits_for_any_more_is_not_applied(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1e-9)
    request = b"POST /us/v1/keys HTTP/1.1\r\nHost: shelf\r\nContent-Length: 7\r\n\r\na thing"
    address = ("127.0.0.1", shelf.server.port)
    with socket.create_connection(address) as before, socket.create_connection(address) as connection:
        before.sendall(b"GET /_drill/busy HTTP/1.1\r\nHost: shelf\r\n\r\n")
        time.sleep(0.1)
        connection.sendall(request)
    wait_for("it to be counted", lambda: shelf.told()["done"] == {"client gone": 1})
    assert shelf.kept == []


@pytest.mark.parametrize("seed", range(6))
def test_kill_kills_the_process_before_the_request_is_applied_or_after(
    shelf: Shelf, victim: subprocess.Popen[bytes], seed: int
) -> None:
    shelf.weather(seed=seed, share=1, kinds=["kill"], pid=victim.pid)
    assert shelf.outcome() == "dropped"
    assert victim.wait(5) == -9
    (what,) = shelf.told()["done"]
    assert shelf.kept == [] if what == "kill before" else len(shelf.kept) == 1


def test_a_killed_process_is_forgotten(shelf: Shelf, victim: subprocess.Popen[bytes]) -> None:
    shelf.weather(seed=1, share=1, kinds=["kill"], pid=victim.pid)
    assert [shelf.outcome() for _ in range(3)] == ["dropped"] * 3
    assert shelf.told()["pid"] is None
    assert sum(count for what, count in shelf.told()["done"].items() if what.startswith("kill")) == 1


def test_a_list_does_not_show_yet_what_was_made_just_now(shelf: Shelf) -> None:
    shelf.put("old")
    assert shelf.listed() == ["old"]
    shelf.weather(seed=1, share=1, kinds=["lag"])
    shelf.put("new")
    assert shelf.listed() == ["old"]
    assert shelf.told()["done"] == {"lag": 1, "lag that shows": 1}
    wait_for("the list to show it", lambda: shelf.listed() == ["old", "new"], seconds=LONGEST_LAG + 0.5)


def test_a_list_still_shows_what_was_deleted_just_now(shelf: Shelf) -> None:
    shelf.put("old")
    assert shelf.listed() == ["old"]
    shelf.weather(seed=1, share=1, kinds=["lag"])
    requests.delete(f"{shelf.url}/us/v1/keys/old", timeout=5)
    assert shelf.listed() == ["old"]


def test_a_list_still_shows_what_an_order_has_just_changed(shelf: Shelf) -> None:
    assert shelf.listed() == []
    shelf.weather(seed=1, share=1, kinds=["lag"])
    requests.post(f"{shelf.url}/_drill/shelf", data="new", timeout=5)
    assert shelf.listed() == []


def test_a_list_is_never_older_than_a_moment(shelf: Shelf) -> None:
    assert shelf.listed() == []
    shelf.put("one")
    time.sleep(LONGEST_LAG)
    shelf.weather(seed=1, share=1, kinds=["lag"])
    shelf.put("two")
    # The last answer has neither, but the time before the first is too long ago.
    assert shelf.listed() == ["one", "two"]


def test_messages_show_with_a_delay(shelf: Shelf) -> None:
    shelf.put("old", "/api/chat.postMessage")
    time.sleep(LONGEST_LAG)
    shelf.weather(seed=1, share=1, kinds=["lag"])
    shelf.put("new", "/api/chat.postMessage")
    assert shelf.listed("/api/conversations.history") == ["old"]
    # Slack's client asks with POST.
    asked = requests.post(f"{shelf.url}/api/conversations.history", timeout=5).json()
    assert [message["id"] for message in asked["messages"]] == ["old"]
    wait_for("the new one", lambda: shelf.listed("/api/conversations.history") == ["old", "new"], LONGEST_LAG + 0.5)


def test_only_lists_lag(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["lag"])
    assert shelf.outcome() == ANSWERED
    assert shelf.told()["done"] == {}


# --- Chance -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.05, 0.2, 0.7, 1])
def test_the_share_holds(share: float) -> None:
    weather = Weather(seed=11, share=share)
    bad = [what for what in done(weather, 5000) if what]
    assert abs(len(bad) / 5000 - share) < 0.02


def test_every_kind_comes() -> None:
    weather = Weather(seed=11, share=1, pid=2)
    met = {what.partition(" ")[0] for what in [*done(weather, 400), *done(weather, 50, "GET")]}
    assert met == set(Kind)


def test_only_the_kinds_that_were_ordered_come() -> None:
    weather = Weather(seed=11, share=1, kinds=(Kind.DROP, Kind.TOO_MANY))
    assert {what.partition(" ")[0] for what in done(weather, 200)} == {"drop", "429"}


def test_the_same_seed_and_requests_give_the_same_weather() -> None:
    asked = [("POST", "/us/v1/keys"), ("GET", "/us/v1/keys"), ("POST", "/api/chat.postMessage")] * 200

    def met(seed: int) -> list[Failure | None]:
        weather = Weather(seed=seed, share=0.2)
        return [weather.meets(method, path) for method, path in asked]

    assert met(5) == met(5)
    assert met(5) != met(6)


def test_what_comes_between_changes_nothing_for_a_request() -> None:
    alone, among = Weather(seed=5, share=0.3), Weather(seed=5, share=0.3)
    expected = [alone.meets("POST", "/us/v1/keys") for _ in range(100)]
    found = []
    for number in range(100):
        for _ in range(number % 3):
            among.meets("GET", "/us/v4/domains")
        found.append(among.meets("POST", "/us/v1/keys"))
    assert found == expected


@pytest.mark.parametrize(
    ("method", "one", "other"),
    [
        ("DELETE", "/us/v1/keys/f2153fd0-f1277777", "/us/v1/keys/0badcafe-00c0ffee"),
        ("POST", "/response/Ab-3_xYz", "/response/ZZ9plural"),
    ],
)
def test_ids_that_differ_from_run_to_run_are_no_chance(method: str, one: str, other: str) -> None:
    first, second = Weather(seed=5, share=0.5), Weather(seed=5, share=0.5)
    assert [first.meets(method, one) for _ in range(50)] == [second.meets(method, other) for _ in range(50)]


# --- Orders -----------------------------------------------------------------------------------------------


def test_orders_are_never_touched(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["drop"])
    for _ in range(20):
        assert requests.post(f"{shelf.url}/_drill/shelf", data="a thing", timeout=5).status_code == 200
    assert shelf.told()["requests"] == 0


def test_websockets_are_never_touched(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["drop"])
    with connect(shelf.url.replace("http", "ws") + "/socket") as websocket:
        websocket.send("hello")
        assert websocket.recv() == "hello"


def test_answers_to_clicks_meet_it_too(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["drop"])
    assert shelf.outcome("/response/Ab-3_xYz") == "dropped"


def test_a_fault_that_was_ordered_comes_first(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["drop"])
    requests.post(f"{shelf.url}/_drill/faults", json={"do": "500"}, timeout=5)
    assert [shelf.outcome() for _ in range(2)] == ["500", "dropped"]


def test_before_any_order_it_is_fair(shelf: Shelf) -> None:
    assert {shelf.outcome() for _ in range(20)} == {ANSWERED}
    assert shelf.told()["requests"] == 0


def test_it_ends_and_what_it_did_can_be_read(shelf: Shelf) -> None:
    shelf.weather(seed=1, share=1, kinds=["drop"])
    shelf.outcome()
    assert shelf.weather(share=0).status_code == 200
    assert shelf.outcome() == ANSWERED
    told = shelf.told()
    assert (told["seed"], told["share"], told["requests"], sum(told["done"].values())) == (1, 0, 1, 1)


def test_an_order_with_the_same_seed_goes_on_and_another_begins_anew() -> None:
    straight, turned = Weather(seed=5, share=0.5), Weather(seed=5, share=0.5)
    expected = done(straight, 60)
    found = done(turned, 30)
    follow(turned, seed=5, share=0.5, pid=77)
    found += done(turned, 30)
    assert [what.replace("kill", "drop") for what in found] == [what.replace("kill", "drop") for what in expected]
    assert (turned.requests, turned.pid) == (60, None if any("kill" in what for what in found) else 77)
    follow(turned, seed=6, share=0.5)
    assert (turned.requests, turned.done) == (0, Counter())


def follow(weather: Weather, **order: object) -> None:
    weather.follow(Order(order))


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({}, "'share' must be a number from 0 to 1"),
        ({"seed": 1, "share": 1.5}, "'share' must be a number from 0 to 1"),
        ({"seed": 1, "share": "half"}, "'share' must be a number from 0 to 1"),
        ({"share": 0.2}, "weather needs a 'seed'"),
        ({"seed": "one", "share": 0.2}, "'seed' must be a whole number"),
        ({"seed": 1, "share": 0.2, "kinds": ["hail"]}, "'kinds' must be some of: 429, 500, hang"),
        ({"seed": 1, "share": 0.2, "pid": 1}, "'pid' must be a whole number of at least 2"),
        ({"seed": 1, "share": 0.2, "wind": 3}, "the order has unknown fields: wind"),
    ],
)
def test_a_malformed_order_is_refused_in_words_and_changes_nothing(
    shelf: Shelf, order: dict[str, Any], words: str
) -> None:
    answer = shelf.weather(**order)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert shelf.told()["share"] == 0
