"""HTTP mode: the port, stopping, and what is logged."""

import logging
import threading
import time

import pytest

from handlers.server import PortUnusable, WebServer
from tests.handlers.conftest import PracticeSlack
from tests.handlers.http.http_door import (
    Kept,
    Served,
    click_payload,
    command,
    http_door,
    payload,
)


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    with http_door("http://127.0.0.1:9/") as served, pytest.raises(PortUnusable, match="Set PORT to another"):
        WebServer(served.port)


def test_stopping_waits_for_what_is_being_taken(slack: PracticeSlack) -> None:
    kept = Kept(takes=0.5)
    statuses: list[int] = []
    with http_door(slack.api, kept=kept) as served:
        asking = threading.Thread(target=lambda: statuses.append(served.send(command()).status))
        asking.start()
        time.sleep(0.2)
    asking.join()
    assert statuses == [200]
    assert len(kept.requests) == 1


def test_nothing_of_a_request_is_printed_at_debug(door: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door.send(command("something conspicuous"))
    door.send(payload(click_payload("approve", step="conspicuous")))
    door.send(payload(click_payload() | {"type": "conspicuous"}))
    assert len(door.kept.requests) == 2
    assert "conspicuous" not in caplog.text
