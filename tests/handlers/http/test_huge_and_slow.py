"""HTTP mode: huge requests are refused, and slow clients hold up nobody."""

import threading
import time
from contextlib import ExitStack

import pytest

from drill.slack.requesturl import signed_headers
from handlers import http
from handlers import server as serving
from tests.handlers.http.http_door import (
    SECRET,
    Served,
    click_payload,
    command,
    payload,
)


def head(length: int | None, body: bytes = b"") -> bytes:
    """The beginning of a request with a signature that could be one; chunked without a length."""
    size = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
    lines = [f"{name}: {value}" for name, value in signed_headers(SECRET, body, time.time()).items()]
    return "\r\n".join(["POST /slack/events HTTP/1.1", "Host: x", size, *lines, "", ""]).encode()


def test_a_body_of_a_mebibyte_is_taken(door: Served) -> None:
    body = payload(click_payload() | {"message": {"text": "x" * (http.MOST - 3000)}})
    assert http.MOST - 5000 < len(body) <= http.MOST
    assert door.send(body).status == 200
    assert len(door.kept.requests) == 1


def test_a_body_that_announces_more_is_refused_before_it_is_read(door: Served) -> None:
    with door.connected() as bare:
        bare.sendall(head(http.MOST + 1))
        assert bare.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_in_pieces_is_refused_as_soon_as_it_is_too_large(door: Served) -> None:
    with door.connected() as bare:
        bare.sendall(head(None))
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        for _ in range(http.MOST // 0x10000):
            bare.sendall(piece)
        bare.sendall(piece[:100])
        assert bare.recv(100).startswith(b"HTTP/1.1 413")
    assert door.kept.requests == []


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Anything"])
def test_huge_headers_are_refused(door: Served, name: str) -> None:
    with door.connected() as bare:
        bare.sendall(
            b"POST /slack/events HTTP/1.1\r\nHost: x\r\n" + f"{name}: ".encode() + b"x" * 100_000 + b"\r\n\r\n"
        )
        assert bare.recv(100).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("length", ["-1", "x", "1, 2", "9" * 30, "1e3", ""])
def test_odd_lengths_are_refused(door: Served, length: str) -> None:
    with door.connected() as bare:
        bare.sendall(head(7).replace(b"Content-Length: 7", b"Content-Length: " + length.encode()))
        assert bare.recv(100)[:10] in (b"HTTP/1.1 4", b"")


def test_a_body_that_comes_byte_by_byte_is_given_up(door: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_WITHIN", 0.5)
    with door.connected() as bare:
        bare.sendall(head(10_000))
        began = time.monotonic()
        bare.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - began < 5:
            bare.sendall(b"x")
            try:
                answer = bare.recv(100)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("said", [b"", b"POST /slack/ev", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_that_asks_for_nothing_is_let_go(
    door: Served, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(serving, "REQUEST_WITHIN", 0.5)
    with door.connected() as bare:
        bare.sendall(said)
        began = time.monotonic()
        with pytest.raises(ConnectionResetError):
            assert bare.recv(100) == b"", "let go without an answer"
            raise ConnectionResetError
    assert time.monotonic() - began < 3


def test_slow_clients_hold_up_nobody(door: Served) -> None:
    with ExitStack() as stack:
        for number in range(serving.CONNECTIONS + 20):
            slow = stack.enter_context(door.connected())
            slow.sendall(head(5000) if number % 2 else b"POST /slack/events HTT")
        began = time.monotonic()
        for _ in range(20):
            assert door.send(command()).status == 200
        assert time.monotonic() - began < 3
    assert len(door.kept.requests) == 20


def test_clients_that_keep_their_connections_hold_up_nobody(door: Served) -> None:
    with ExitStack() as stack:
        for _ in range(serving.CONNECTIONS + 20):
            kept = stack.enter_context(door.connected())
            kept.sendall(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert kept.recv(100).startswith(b"HTTP/1.1 404")
        for _ in range(20):
            assert door.send(command()).status == 200


def test_a_slow_database_holds_up_only_who_waits_for_it(door: Served) -> None:
    door.kept.takes = 1.0
    slow = threading.Thread(target=door.send, args=(command(),))
    slow.start()
    time.sleep(0.1)
    began = time.monotonic()
    assert door.ask(path="/elsewhere").status == 404
    assert time.monotonic() - began < 0.5
    slow.join()


def test_a_client_that_leaves_early_does_not_undo_what_it_asked_for(door: Served) -> None:
    door.kept.takes = 0.3
    body = command()
    with door.connected() as bare:
        bare.sendall(head(len(body), body) + body)
        time.sleep(0.1)
    end = time.monotonic() + 3
    while not door.kept.requests and time.monotonic() < end:
        time.sleep(0.02)
    assert len(door.kept.requests) == 1
