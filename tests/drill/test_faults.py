"""Faults of the practice servers, seen by a client as networks and services show them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from drill.faults import FaultMiddleware, Faults
from drill.serving import PracticeServer
from drill.waiting import wait_for


class Shop:
    """A server with one thing to do: it keeps what is posted."""

    def __init__(self, latency: float = 0.0) -> None:
        self.kept: list[str] = []
        faults = Faults()

        async def keep(request: Request) -> Response:
            self.kept.append((await request.body()).decode())
            return JSONResponse({"kept": len(self.kept)})

        async def echo(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text(await websocket.receive_text())
            await websocket.close()

        routes = [
            *faults.routes(),
            Route("/api/{name:path}", keep, methods=["GET", "POST"]),
            WebSocketRoute("/echo", echo),
        ]
        app = FaultMiddleware(
            Starlette(routes=routes), faults, latency, path_names=lambda path: (path, path.rpartition("/")[2])
        )
        self.server = PracticeServer(app)
        self.url = self.server.url

    def order(self, **order: Any) -> requests.Response:
        return requests.post(f"{self.url}/_drill/faults", json=order, timeout=5)

    def post(self, path: str = "/api/things", body: str = "a thing", timeout: float = 5) -> requests.Response:
        return requests.post(self.url + path, data=body, timeout=timeout)

    def faults(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = requests.get(f"{self.url}/_drill/faults", timeout=5).json()["faults"]
        return told

    def running(self) -> AbstractContextManager[PracticeServer]:
        return self.server


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    with shop.running():
        yield shop


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_without_faults_requests_are_answered(shop: Shop) -> None:
    assert shop.post().json() == {"kept": 1}


def test_several_servers_run_in_one_process() -> None:
    one, other = Shop(), Shop()
    with one.running(), other.running():
        assert one.url != other.url
        assert one.post().status_code == other.post().status_code == 200


def test_a_stopped_server_frees_its_port_at_once() -> None:
    shop = Shop()
    with shop.running():
        assert shop.post().status_code == 200
    with pytest.raises(requests.ConnectionError):
        shop.post()
    with PracticeServer(Starlette(), shop.server.port) as again:
        assert requests.get(again.url, timeout=5).status_code == 404


def test_an_app_that_cannot_start_is_told() -> None:
    @asynccontextmanager
    async def broken(app: Starlette) -> AsyncIterator[None]:
        raise OSError("no room")
        yield

    with pytest.raises(RuntimeError, match="did not start"), PracticeServer(Starlette(lifespan=broken)):
        pass


def test_websockets_pass_untouched(shop: Shop) -> None:
    shop.order(do="drop")
    with connect(shop.url.replace("http", "ws") + "/echo") as websocket:
        websocket.send("hello")
        assert websocket.recv() == "hello"


@pytest.mark.parametrize(("when", "kept"), [("before", []), ("after", ["a thing"])])
@pytest.mark.parametrize("do", ["400", "429", "500", "drop", "garbage"])
def test_before_is_never_applied_and_after_is(shop: Shop, do: str, when: str, kept: list[str]) -> None:
    shop.order(do=do, when=when)
    try:
        assert shop.post().content != b'{"kept":1}'
    except requests.ConnectionError:
        assert do == "drop"
    assert shop.kept == kept


@pytest.mark.parametrize("do", ["400", "429", "500"])
def test_an_error_status_is_json_with_words(shop: Shop, do: str) -> None:
    shop.order(do=do, message="try again after 2 seconds")
    answer = shop.post()
    assert (answer.status_code, answer.json()) == (int(do), {"message": "try again after 2 seconds"})
    assert "Retry-After" not in answer.headers


def test_429_says_when_to_come_back(shop: Shop) -> None:
    shop.order(do="429", seconds=3)
    assert shop.post().headers["Retry-After"] == "3"


def test_garbage_is_a_success_that_is_not_json(shop: Shop) -> None:
    shop.order(do="garbage")
    answer = shop.post()
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_drop_closes_the_connection_without_an_answer(shop: Shop) -> None:
    shop.order(do="drop")
    with pytest.raises(requests.ConnectionError) as caught:
        shop.post()
    assert not isinstance(caught.value, requests.Timeout)


def test_drop_on_a_connection_that_was_kept_open(shop: Shop) -> None:
    with requests.Session() as session:
        session.get(f"{shop.url}/api/things", timeout=5)
        shop.order(do="drop")
        with pytest.raises(requests.ConnectionError):
            session.get(f"{shop.url}/api/things", timeout=5)
        assert session.get(f"{shop.url}/api/things", timeout=5).status_code == 200


def test_hang_is_silent_until_the_client_gives_up(shop: Shop) -> None:
    shop.order(do="hang", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        shop.post(timeout=0.2)
    assert shop.kept == []


def test_hang_ends_after_its_seconds(shop: Shop) -> None:
    shop.order(do="hang", seconds=0.2)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        shop.post()
    assert 0.2 <= time.monotonic() - started < 3


def test_a_hanging_connection_does_not_hold_up_the_end() -> None:
    shop = Shop()
    with shop.running():
        shop.order(do="hang")
        with pytest.raises(requests.ReadTimeout):
            shop.post(timeout=0.1)
        started = time.monotonic()
    assert time.monotonic() - started < 2


def test_late_is_applied_when_the_client_has_gone(shop: Shop) -> None:
    shop.order(do="late", seconds=0.4)
    with pytest.raises(requests.ReadTimeout):
        shop.post(timeout=0.1)
    assert shop.kept == []
    deadline = time.monotonic() + 5
    while not shop.kept and time.monotonic() < deadline:
        time.sleep(0.02)
    assert shop.kept == ["a thing"]


def test_late_never_answers(shop: Shop) -> None:
    shop.order(do="late", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        shop.post()


def test_slow_is_applied_in_its_time_and_never_answered(shop: Shop) -> None:
    shop.order(do="slow", seconds=0.2)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        shop.post()
    assert shop.kept == ["a thing"]
    assert 0.2 <= time.monotonic() - started < 3


def test_slow_does_not_outlive_its_client(shop: Shop) -> None:
    shop.order(do="slow", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        shop.post(timeout=0.1)
    wait_for("it to be applied", lambda: shop.kept == ["a thing"], seconds=5)


def test_lag_is_for_lists_only(shop: Shop) -> None:
    shop.order(do="lag", seconds=60)
    assert shop.post().json() == {"kept": 1}


@pytest.mark.parametrize(("when", "kept"), [("before", []), ("after", ["a thing"])])
def test_kill_kills_the_process_and_answers_nobody(
    shop: Shop, victim: subprocess.Popen[bytes], when: str, kept: list[str]
) -> None:
    shop.order(do="kill", pid=victim.pid, when=when)
    with pytest.raises(requests.ConnectionError):
        shop.post()
    assert victim.wait(5) == -9
    assert shop.kept == kept


def test_kill_of_a_process_that_is_gone_drops_the_connection(shop: Shop, victim: subprocess.Popen[bytes]) -> None:
    victim.kill()
    victim.wait()
    shop.order(do="kill", pid=victim.pid)
    with pytest.raises(requests.ConnectionError):
        shop.post()


def test_a_fault_fires_once_unless_told_otherwise(shop: Shop) -> None:
    shop.order(do="500")
    assert [shop.post().status_code for _ in range(3)] == [500, 200, 200]


def test_a_fault_fires_from_its_occurrence_on_as_often_as_told(shop: Shop) -> None:
    shop.order(do="500", occurrence=2, times=2)
    assert [shop.post().status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_only_matching_requests_count(shop: Shop) -> None:
    shop.order(do="500", occurrence=2, match={"contains": "red"})
    assert [shop.post(body=body).status_code for body in ("red", "blue", "red")] == [200, 200, 500]


@pytest.mark.parametrize(
    ("match", "fires"),
    [
        ({"method": "post"}, True),
        ({"method": "GET"}, False),
        ({"path": "/api/box/a@b"}, True),
        ({"path": "/api/box"}, False),
        ({"path": "/api/*/a@b"}, True),
        ({"path": "/api/*"}, True),
        ({"path": "a@b"}, True),
        ({"path": "/api/box/a?b"}, False),
        ({"contains": "size=4"}, True),
        ({"contains": "[red]"}, True),
        ({"contains": "%5Bred%5D"}, True),
        ({"contains": "box"}, True),
        ({"contains": "blue"}, False),
        ({"method": "POST", "path": "/api/*", "contains": "blue"}, False),
        ({}, True),
    ],
)
def test_match(shop: Shop, match: dict[str, str], fires: bool) -> None:
    shop.order(do="500", match=match)
    answer = shop.post("/api/box/a%40b?size=4", body="colour=%5Bred%5D")
    assert (answer.status_code == 500) is fires


def test_the_oldest_fault_fires_and_all_count(shop: Shop) -> None:
    shop.order(do="500")
    shop.order(do="429", occurrence=2)
    assert [shop.post().status_code for _ in range(2)] == [500, 429]


def test_faults_tell_how_often_they_matched_and_fired(shop: Shop) -> None:
    shop.order(do="500", match={"path": "/api/things"})
    shop.post()
    shop.post()
    (fault,) = shop.faults()
    assert (fault["matched"], fault["fired"], fault["do"]) == (2, 1, "500")


def test_cleared_faults_are_gone(shop: Shop) -> None:
    shop.order(do="500")
    requests.delete(f"{shop.url}/_drill/faults", timeout=5)
    assert shop.faults() == []
    assert shop.post().status_code == 200


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({}, "'do' must be one of: kill, 400, 429, 500"),
        ({"do": "explode"}, "'do' must be one of"),
        ({"do": 429}, "'do' must be a text"),
        ({"do": "drop", "when": "never"}, "'when' must be one of: before, after"),
        ({"do": "kill"}, "needs the 'pid'"),
        ({"do": "kill", "pid": 1}, "'pid' must be a whole number of at least 2"),
        ({"do": "late"}, "needs the 'seconds'"),
        ({"do": "slow"}, "needs the 'seconds'"),
        ({"do": "lag"}, "needs the 'seconds'"),
        ({"do": "drop", "occurrence": 0}, "'occurrence' must be a whole number"),
        ({"do": "drop", "times": "two"}, "'times' must be a whole number"),
        ({"do": "hang", "seconds": -1}, "'seconds' must be a number"),
        ({"do": "drop", "match": "all"}, "'match' must be a JSON object"),
        ({"do": "drop", "match": {"url": "/"}}, "'match' has unknown fields: url"),
        ({"do": "drop", "ocurrence": 2}, "the order has unknown fields: ocurrence"),
    ],
)
def test_a_malformed_order_is_refused_in_words(shop: Shop, order: dict[str, Any], words: str) -> None:
    answer = shop.order(**order)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert shop.faults() == []


def test_an_order_that_is_not_json_is_refused_in_words(shop: Shop) -> None:
    answer = requests.post(f"{shop.url}/_drill/faults", data="do: drop", timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"error": "the order is not JSON"})


def test_latency_comes_after_the_effect_and_spares_orders() -> None:
    shop = Shop(latency=0.5)
    with shop.running():
        started = time.monotonic()
        shop.order(do="500", occurrence=9)
        assert time.monotonic() - started < 0.4
        with pytest.raises(requests.ReadTimeout):
            shop.post(timeout=0.2)
        assert shop.kept == ["a thing"]
        started = time.monotonic()
        shop.post()
        assert time.monotonic() - started >= 0.5
