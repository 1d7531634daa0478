"""HTTP mode at the real endpoint: what is taken, what is refused, and that nobody is held up."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient

from drill.slack.requesturl import signed_headers
from handlers import blocks, http
from handlers import server as serving
from handlers.server import PortUnusable, WebServer
from recovery.actions import Ask
from recovery.content import Button, Card
from recovery.errors import Uncertain
from recovery.state import Source
from tests.handlers.conftest import PracticeSlack, practice_slack
from tests.handlers.http_door import (
    SECRET,
    Kept,
    Served,
    click_payload,
    command,
    command_fields,
    form_payload,
    http_door,
    payload,
)


@pytest.fixture(scope="module")
def slack() -> Iterator[PracticeSlack]:
    with practice_slack() as practice:
        practice.workspace.app.signing_secret = SECRET
        yield practice


@pytest.fixture(scope="module")
def opened(slack: PracticeSlack) -> Iterator[Served]:
    with http_door(slack.api, slack.workspace.app.bot_token) as served:
        slack.workspace.request_url = served.url
        yield served


@pytest.fixture
def door(opened: Served) -> Served:
    """The door, and nothing stored yet."""
    opened.kept.reset()
    return opened


@pytest.fixture
def kept(door: Served) -> Kept:
    return door.kept


def post(client: WebClient, *buttons: Button) -> str:
    drawn = blocks.render(Card("A step", "A step", buttons=buttons))
    return str(client.chat_postMessage(channel="CINCIDENT", text=drawn.text, blocks=drawn.blocks)["ts"])


def click(slack: PracticeSlack, ts: str, action_id: str) -> str:
    told = slack.order("click", user="UOLIVIA", channel="CINCIDENT", ts=ts, action_id=action_id, wait=True)
    return str(told["state"])


# --- What is taken ----------------------------------------------------------------------------------------


def test_a_command_is_stored_and_acknowledged(slack: PracticeSlack, kept: Kept) -> None:
    told = slack.order(
        "command", user="UOLIVIA", channel="CGENERAL", command="/mailgun-compromised", text="a key & more", wait=True
    )
    assert told["state"] == "acknowledged"
    assert (kept.only.source, kept.only.action, kept.only.text) == (Source.COMMAND, Ask.TYPED, "a key & more")
    assert (kept.only.user_id, kept.only.team_id, kept.only.channel_id) == ("UOLIVIA", "TEXAMPLE", "CGENERAL")
    assert kept.only.response_url


def test_a_click_is_stored_and_acknowledged(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    ts = post(client, Button(Ask.APPROVE, "Approve", {"step": "1", "version": "7"}))
    assert click(slack, ts, "ask:approve:0") == "acknowledged"
    assert (kept.only.action, kept.only.about, kept.only.message_ts) == (
        Ask.APPROVE,
        {"step": "1", "version": "7"},
        ts,
    )


def test_a_form_opens_asks_for_words_and_is_stored_with_them(
    slack: PracticeSlack, kept: Kept, client: WebClient
) -> None:
    ts = post(client, Button(Ask.SKIP, "Skip", {"step": "3"}))
    assert click(slack, ts, "ask:skip:0") == "acknowledged"
    (view,) = slack.views("UOLIVIA")
    empty = slack.order("submit", user="UOLIVIA", view_id=view["id"], values={"words": " "}, wait=True)
    assert empty["response"]["response_action"] == "errors"
    assert kept.requests == []
    sent = slack.order("submit", user="UOLIVIA", view_id=view["id"], values={"words": "we have none"}, wait=True)
    assert sent["state"] == "acknowledged"
    assert (kept.only.action, kept.only.text, kept.only.about) == (Ask.SKIP, "we have none", {"step": "3"})


def test_a_command_may_speak_of_a_payload(door: Served) -> None:
    """Bolt by itself would read a body with this word in it as a click without a payload."""
    assert door.send(command("our payload= was read")).status == 200
    assert door.kept.only.text == "our payload= was read"


def test_slacks_test_of_the_certificate_is_answered(door: Served) -> None:
    assert door.send(urlencode({"ssl_check": "1", "token": "abc"}).encode()).status == 200
    assert door.kept.requests == []


def test_what_cannot_be_stored_is_not_acknowledged_and_not_logged(
    slack: PracticeSlack, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.trouble = Uncertain("INSERT … parameters: ('a password',)")
    told = slack.order(
        "command", user="UOLIVIA", channel="CINCIDENT", command="/mailgun-compromised", text="something", wait=True
    )
    assert (told["state"], slack.log()[-1]["status"]) == ("refused", 503)
    assert "Uncertain" in caplog.text
    assert "a password" not in caplog.text
    assert "something happened" not in caplog.text


def test_fifty_clicks_at_once_are_all_acknowledged_within_three_seconds(
    slack: PracticeSlack, kept: Kept, client: WebClient
) -> None:
    kept.takes = 0.1
    ts = post(client, Button(Ask.CHECK, "Check now", {"person": "1"}))
    with ThreadPoolExecutor(50) as people:
        states = list(people.map(lambda _: click(slack, ts, "ask:check:0"), range(50)))
    assert states == ["acknowledged"] * 50
    assert len(kept.requests) == 50


def test_what_has_waited_too_long_for_a_thread_is_not_taken(door: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack has told the person by then that it did not work: so it must not."""
    monkeypatch.setattr(http, "START_WITHIN", 0.2)
    door.kept.takes = 0.5
    with ThreadPoolExecutor(40) as people:
        bodies = [command(trigger_id=f"1.2.{number}") for number in range(40)]
        statuses = sorted(answer.status for answer in people.map(door.send, bodies))
    assert set(statuses) == {200, 503}
    assert len(door.kept.requests) == statuses.count(200)


# --- From whom --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "secret"),
    [(0, "another-secret"), (-301, SECRET), (301, SECRET), (-86_400, SECRET)],
    ids=["signed with another secret", "older than five minutes", "from the future", "of yesterday"],
)
def test_what_slack_did_not_sign_just_now_is_refused(door: Served, off: float, secret: str) -> None:
    answer = door.send(command(), at=time.time() + off, secret=secret)
    assert answer.status == 401
    assert door.kept.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Slack_Signature": "v0=" + "0" * 64},
        {"X_Slack_Signature": "v0=" + "é" * 64},
        {"X_Slack_Signature": ""},
        {"X_Slack_Signature": "v1=" + "0" * 64},
        {"X_Slack_Request_Timestamp": "now"},
        {"X_Slack_Request_Timestamp": "-1"},
        {"X_Slack_Request_Timestamp": "1e9"},
        {"X_Slack_Request_Timestamp": "9" * 5000},
        {"X_Slack_Request_Timestamp": "٣"},
    ],
    ids=lambda headers: "-".join(f"{name}={value[:9]!a}" for name, value in headers.items()),
)
def test_odd_signatures_and_times_are_refused(door: Served, headers: dict[str, str]) -> None:
    encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert door.send(command(), **encoded).status == 401
    assert door.kept.requests == []


def test_a_request_without_a_signature_is_refused(door: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert door.ask(command(), form).status == 401
    assert door.kept.requests == []


def test_a_body_that_was_changed_on_its_way_is_refused(door: Served) -> None:
    headers = signed_headers(SECRET, command("skip 1 no need"), time.time())
    assert door.ask(command("approve 1"), headers).status == 401
    assert door.kept.requests == []


def test_two_signatures_are_none(door: Served) -> None:
    body = command()
    lines = [f"{name}: {value}" for name, value in signed_headers(SECRET, body, time.time()).items()]
    head = ["POST /slack/events HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, lines[-1], "", ""]
    with door.connected() as bare:
        bare.sendall("\r\n".join(head).encode() + body)
        assert bare.recv(100).startswith(b"HTTP/1.1 401")


def test_refusals_are_told_to_the_log_once_with_what_to_look_at_and_nothing_of_what_came(
    door: Served, caplog: pytest.LogCaptureFixture, slack: PracticeSlack
) -> None:
    with http_door(slack.api) as fresh:
        for _ in range(20):
            fresh.send(command("our password is hunter2"), secret="another")
            fresh.send(command("our password is hunter2"), at=time.time() - 1000)
    assert caplog.text.count("SLACK_SIGNING_SECRET") == 1
    assert caplog.text.count("clock of this machine") == 1
    assert "hunter2" not in caplog.text


# --- The same once more -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [command(), payload(click_payload()), payload(form_payload())],
    ids=["command", "click", "form"],
)
def test_a_replayed_request_is_answered_alike_and_stored_once(door: Served, body: bytes) -> None:
    at = time.time()
    answers = [door.send(body, at=at) for _ in range(3)]
    assert {(answer.status, answer.body) for answer in answers} == {(200, "")}
    assert len(door.kept.requests) == 1


def test_a_replayed_click_opens_no_second_form_and_tells_nobody_of_a_failure(
    door: Served, slack: PracticeSlack, client: WebClient
) -> None:
    ts = post(client, Button(Ask.SKIP, "Skip", {"step": "4"}))
    click(slack, ts, "ask:skip:0")
    event = slack.log()[-1] if slack.log()[-1]["kind"] == "event" else slack.log()[-2]
    body = payload(event["payload"])
    opened = len(slack.views("UOLIVIA"))
    at = time.time()
    first = door.send(body, at=at)
    stored = list(door.kept.requests)
    assert door.send(body, at=at).status == first.status
    assert door.kept.requests == stored
    assert len(slack.views("UOLIVIA")) == opened


def test_replays_at_the_same_moment_are_one(door: Served) -> None:
    door.kept.takes = 0.3
    at, body = time.time(), command()
    with ThreadPoolExecutor(10) as senders:
        answers = list(senders.map(lambda _: door.send(body, at=at), range(10)))
    assert {answer.status for answer in answers} == {200}
    assert len(door.kept.requests) == 1


def test_what_was_not_stored_may_come_again(door: Served) -> None:
    at, body = time.time(), command()
    door.kept.trouble = Uncertain("the database is away")
    assert door.send(body, at=at).status == 503
    door.kept.trouble = None
    assert door.send(body, at=at).status == 200
    assert len(door.kept.requests) == 1


# --- What it is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_refused(door: Served, method: str) -> None:
    body = command()
    assert door.ask(body, signed_headers(SECRET, body, time.time()), method=method).status == 405
    assert door.kept.requests == []


@pytest.mark.parametrize("path", ["/", "/slack/events/", "/slack", "/slack/events/x", "/%00", "//slack/events", "/é"])
def test_another_path_is_not_found(door: Served, path: str) -> None:
    body = command()
    encoded = path.encode().decode("latin-1") if path.isascii() else "/%C3%A9"
    assert door.ask(body, signed_headers(SECRET, body, time.time()), path=encoded).status == 404
    assert door.kept.requests == []


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "é"])
def test_another_type_of_content_is_refused(door: Served, kind: str) -> None:
    assert door.send(command(), Content_Type=kind.encode().decode("latin-1")).status == 415
    assert door.kept.requests == []


KINDS = ["shortcut", "message_action", "block_suggestion", "view_closed", "event_callback", "url_verification"]


@pytest.mark.parametrize("kind", [*KINDS, "dialog_submission", "interactive_message", "new"])
def test_what_the_bot_does_not_listen_to_is_refused_without_effect(door: Served, kind: str) -> None:
    answer = door.send(payload(click_payload() | {"type": kind, "callback_id": "x", "event": {"type": "message"}}))
    # Bolt answers a verification of the address by itself.
    assert answer.status == (200 if kind == "url_verification" else 404)
    assert door.kept.requests == []


def test_another_command_is_refused(door: Served) -> None:
    assert door.send(command(command="/another")).status == 404
    assert door.kept.requests == []


MALFORMED = {
    "empty": b"",
    "no form": b"hello",
    "no text": b"payload=\xff\xfe",
    "no text, percent-encoded": b"command=%ff%fe",
    "NUL": b"\x00" * 100,
    "no JSON": b"payload={",
    "JSON without a form": json.dumps(click_payload()).encode(),
    "a list": payload([click_payload()]),
    "a text": payload("block_actions"),
    "a number": payload(7),
    "null": payload(None),
    "an empty object": payload({}),
    "deep": b"payload=" + b"[" * 100_000,
    "deep objects": b"payload=" + b'{"a":' * 50_000,
    "a number without end": b'payload={"type":' + b"9" * 100_000 + b"}",
    "many fields": b"&".join(b"a%d=1" % number for number in range(1000)),
    "a click without actions": payload(click_payload() | {"actions": []}),
    "a click with an action that is none": payload(click_payload() | {"actions": [7]}),
    "a click without an action's id": payload(click_payload() | {"actions": [{"type": "button"}]}),
    "a click of nobody": payload(click_payload() | {"user": None}),
    "a click of a list": payload(click_payload() | {"user": [{"id": "UOLIVIA"}]}),
    "a click of somebody without an id": payload(click_payload() | {"user": {"name": "olivia"}}),
    "a click of a number": payload(click_payload() | {"user": {"id": 7}}),
    "a click in a container that is none": payload(click_payload() | {"container": "C1"}),
    "a click with an answer's address that is none": payload(click_payload() | {"response_url": {"a": 1}}),
    "an event that is none": payload(click_payload() | {"event": "x"}),
    "a form without a view": payload(form_payload() | {"view": None}),
    "a form with a view that is none": payload(form_payload() | {"view": [1]}),
    "a form whose words are a list": payload(form_payload() | {"view": {"id": "V1", "callback_id": []}}),
    "a command without its command": urlencode({"text": "x"}).encode(),
    "a command of nobody": urlencode({**command_fields(), "user_id": ""}).encode(),
    "a command of a sentence": command(user_id="who, me?"),
    "a command without a trigger": urlencode(
        {name: value for name, value in command_fields().items() if name != "trigger_id"}
    ).encode(),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_malformed_is_refused_calmly(door: Served, caplog: pytest.LogCaptureFixture, what: str) -> None:
    answer = door.send(MALFORMED[what])
    assert answer.status in (400, 404)
    assert door.kept.requests == []
    assert "Traceback" not in answer.body + caplog.text


def test_characters_that_no_database_takes_are_left_out(door: Served) -> None:
    assert door.send(command("a\x00b")).status == 200
    form = form_payload("half a \ud83d character")
    assert door.send(payload(form)).status == 200
    assert [request.text for request in door.kept.requests] == ["ab", "half a  character"]


def test_an_exotic_form_cannot_smuggle_in_what_is_no_text(door: Served) -> None:
    form = form_payload()
    form["view"]["private_metadata"] = json.dumps({"action": "skip", "about": {}, "channel_id": ["C1"]})
    assert door.send(payload(form)).status == 400
    assert door.kept.requests == []


# --- Huge and slow ----------------------------------------------------------------------------------------


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


# --- The port ---------------------------------------------------------------------------------------------


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
