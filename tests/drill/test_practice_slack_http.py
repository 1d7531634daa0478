"""The practice Slack in HTTP mode: it posts what happens to the app's request URL, as Slack does."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest
from slack_sdk.signature import SignatureVerifier

from tests.drill.practice_slack import COMMAND, Practice, actions, button, practice_slack, wait_until


@dataclass
class App:
    """Stands where the app does: answers everything alike, after a while, and remembers what it was sent."""

    status: int = 200
    says: bytes = b""
    after: threading.Event = field(default_factory=threading.Event)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(app: App) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            app.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            app.headers.append(dict(self.headers))
            app.after.wait(10)
            self.send_response(app.status)
            self.send_header("Content-Length", str(len(app.says)))
            self.end_headers()
            self.wfile.write(app.says)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/slack/events"
    finally:
        app.after.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def app() -> App:
    quick = App()
    quick.after.set()
    return quick


@pytest.fixture
def slack(app: App) -> Iterator[Practice]:
    with practice_slack() as practice, serving(app) as url:
        practice.patch("settings", request_url=url)
        yield practice


def test_a_command_comes_as_a_form_that_slack_signed(slack: Practice, app: App) -> None:
    answer = slack.command(text="a key & more").json()
    assert answer["state"] == "acknowledged"
    fields = parse_qs(app.bodies[0].decode())
    assert (fields["command"], fields["user_id"], fields["text"]) == ([COMMAND], ["UOLIVIA"], ["a key & more"])
    verifier = SignatureVerifier(slack.workspace.app.signing_secret)
    assert verifier.is_valid_request(app.bodies[0], app.headers[0])


def test_a_click_comes_as_json_in_a_form(slack: Practice, app: App) -> None:
    ts = slack.post(blocks=[actions(button())])
    assert slack.click(ts, "approve").json()["state"] == "acknowledged"
    payload = json.loads(parse_qs(app.bodies[0].decode())["payload"][0])
    assert (payload["type"], payload["actions"][0]["action_id"]) == ("block_actions", "approve")


@pytest.mark.parametrize("says", [b'{"text": "No incident is open."}', b"No incident is open."])
def test_what_an_app_says_as_it_acknowledges_is_private(slack: Practice, app: App, says: bytes) -> None:
    app.says = says
    slack.command()
    assert [shown["text"] for shown in slack.private()] == ["No incident is open."]


@pytest.mark.parametrize("status", [401, 404, 500, 503, 302])
def test_a_refusal_is_told_to_the_person_and_not_tried_again(slack: Practice, app: App, status: int) -> None:
    app.status = status
    assert slack.command().json()["state"] == "refused"
    assert [shown["error"] for shown in slack.private()] == ["http_service_error"]
    assert len(app.bodies) == 1
    assert slack.look("log")["entries"][-1]["status"] == status


def test_an_app_that_is_not_there_is_told_to_the_person(slack: Practice) -> None:
    slack.patch("settings", request_url="http://127.0.0.1:9/slack/events")
    assert slack.command().json()["state"] == "not_connected"
    assert [shown["error"] for shown in slack.private()] == ["dispatch_failed"]


def test_an_app_that_is_too_slow_times_out_and_its_late_answer_is_noted(slack: Practice, app: App) -> None:
    slack.workspace.ack_seconds = 0.2
    app.after.clear()
    assert slack.command().json()["state"] == "timed_out"
    assert [shown["error"] for shown in slack.private()] == ["operation_timeout"]
    app.after.set()
    wait_until(lambda: slack.look("log")["entries"][-1]["acked_at"] is not None)
    assert slack.look("log")["entries"][-1]["state"] == "timed_out"
