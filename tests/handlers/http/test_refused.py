"""HTTP mode: what Slack did not sign just now, and what is none of what Slack sends, is refused without effect."""

import json
import time
from urllib.parse import urlencode

import pytest

from drill.slack.requesturl import signed_headers
from tests.handlers.conftest import PracticeSlack
from tests.handlers.http.http_door import (
    SECRET,
    Served,
    click_payload,
    command,
    command_fields,
    form_payload,
    http_door,
    payload,
)


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
