"""The door of the real process: who is turned away there, what has no effect, and that nobody is held up."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests
from hypothesis import HealthCheck, given, settings

from drill.ordering import JsonObject
from drill.slack.delivery import EventKind
from drill.slack.requesturl import encoded, signed_headers
from handlers.http import MOST
from tests.e2e.recovery_run import Run, recovery_run
from tests.handlers.http.http_door import Answer, Kept, Served
from tests.handlers.payloads import KEY, bodies

HTTP = {"SLACK_APP_TOKEN": ""}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A bot in HTTP mode, and an incident in a channel with a guest and somebody of another company."""
    with recovery_run(tmp_path_factory.mktemp("doors"), **HTTP) as run:
        run.let_in("greta", "rita")
        run.open_incident()
        yield run


def door(run: Run) -> Served:
    """The bot's door, to go to oneself."""
    port = run.bot.port()
    assert port is not None
    return Served(port, Kept())


def sent(run: Run, body: bytes, *, at: float | None = None, secret: str = "") -> Answer:
    """A request as Slack would sign it, or with another secret."""
    return door(run).send(body, at=at, secret=secret or run.slack.workspace.app.signing_secret)


def last_payload(run: Run, kind: EventKind) -> JsonObject:
    """What Slack sent last."""
    events = [entry for entry in run.slack.log() if entry["kind"] == "event" and entry["type"] == kind]
    payload: JsonObject = events[-1]["payload"]
    return payload


def everything_is_judged(run: Run) -> None:
    run.wait(
        "every request to be judged", lambda: run.value("SELECT count(*) FROM requests WHERE outcome IS NULL") == 0
    )


# --- From whom --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("off", "secret"), [(0, "not-slacks"), (-301, ""), (301, "")], ids=["forged", "old", "early"])
def test_what_slack_did_not_just_sign_is_refused_without_effect(opened: Run, off: float, secret: str) -> None:
    opened.says(opened.olivia, "status")
    body = encoded(EventKind.SLASH_COMMANDS, last_payload(opened, EventKind.SLASH_COMMANDS) | {"text": "approve 1"})
    before, stored = opened.state(), opened.value("SELECT count(*) FROM requests")
    assert sent(opened, body, at=time.time() + off, secret=secret).status == 401
    assert opened.value("SELECT count(*) FROM requests") == stored
    assert opened.state() == before


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("dana", "You are not among those who may decide here"),
        ("greta", "A guest cannot do this"),
        ("rita", "You belong to another workspace"),
    ],
    ids=["plain member", "guest", "member of another workspace"],
)
def test_who_may_not_decide_is_told_so_and_changes_nothing(opened: Run, who: str, why: str) -> None:
    before = opened.state()
    assert why in opened.clicked(opened.person(who), opened.card(1), "approve")
    assert opened.state() == before


def test_a_stranger_who_claims_to_be_of_the_workspace_is_looked_up(opened: Run) -> None:
    """What a payload says of somebody's workspace is not believed: Slack is asked."""
    before = opened.state()
    opened.clicked(opened.person("rita"), opened.card(1), "approve")
    payload = last_payload(opened, EventKind.INTERACTIVE)
    payload["user"]["team_id"] = payload["team"]["id"] = "TEXAMPLE"
    payload["actions"][0]["action_ts"] = "7.000001"
    answered = opened.answers_to(opened.person("rita"))
    assert sent(opened, encoded(EventKind.INTERACTIVE, payload)).status == 200
    assert "another workspace" in opened.answer_after(opened.person("rita"), answered)
    assert opened.state() == before


def test_who_was_deactivated_a_moment_ago_decides_nothing(begin_run: Callable[..., Run]) -> None:
    run = begin_run(**HTTP)
    run.open_incident()
    before = run.state()
    run.slack.orders.fault({"path": "users.info"}, "429", seconds=1)
    answered = run.answers_to(run.priya)
    run.priya.clicks(run.card(1), "approve", confirmed=True)
    run.slack.orders.change("users/UPRIYA", deleted=True)
    assert "active member" in run.answer_after(run.priya, answered)
    assert run.state() == before


def test_who_left_the_group_of_approvers_may_decide_no_longer_than_ten_seconds(begin_run: Callable[..., Run]) -> None:
    run = begin_run(APPROVERS="SSECOPS", **HTTP)
    sam = run.person("sam")
    run.open_incident(by=sam)
    run.slack.orders.change("usergroups/SSECOPS", users=["UPRIYA"])
    run.wait("the bot to know", lambda: "not among those" in run.says(sam, "retry 1"), seconds=11)
    before = run.state()
    assert "not among those" in run.clicked(sam, run.card(1), "approve")
    assert run.state() == before


# --- Once more --------------------------------------------------------------------------------------------


def test_a_replayed_approval_has_no_second_effect_also_after_a_restart(begin_run: Callable[..., Run]) -> None:
    run = begin_run(**HTTP)
    run.open_incident()
    run.complete(2)
    body = encoded(EventKind.INTERACTIVE, last_payload(run, EventKind.INTERACTIVE))
    everything_is_judged(run)
    before, answered = run.state(), run.answers_to(run.olivia)
    at = time.time()
    for _ in range(3):
        assert sent(run, body, at=at).status == 200
    run.bot.stop()
    run.restart()
    assert sent(run, body, at=at).status == 200
    run.says(run.priya, "status")
    everything_is_judged(run)
    assert run.state() == before
    assert run.answers_to(run.olivia) == answered


# --- Nonsense, size and slowness --------------------------------------------------------------------------


def test_nonsense_has_no_effect_and_leaves_no_trace_of_a_secret(opened: Run) -> None:
    """Dana may decide nothing: so whatever of it is understood changes nothing either."""
    before = opened.state()

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(bodies)
    def calm(body: bytes) -> None:
        answer = sent(opened, body.replace(b"UOLIVIA", b"UDANA"))
        assert answer.status in (200, 400, 404)
        assert "Traceback" not in answer.body

    calm()
    everything_is_judged(opened)
    assert opened.state() == before
    assert KEY not in opened.database_dump()
    assert KEY not in opened.log_text()
    assert "Traceback" not in opened.log_text()
    assert opened.bot.health()[0] == 200


def test_what_is_too_large_is_refused(opened: Run) -> None:
    assert sent(opened, b"text=" + b"x" * (MOST - 5)).status == 404, "no command of ours, of the largest size"
    with door(opened).connected() as bare:
        headers = signed_headers(opened.slack.workspace.app.signing_secret, b"", time.time())
        lines = [f"{name}: {value}" for name, value in headers.items()]
        bare.sendall(
            "\r\n".join(["POST /slack/events HTTP/1.1", "Host: x", "Content-Length: 99999999", *lines, "", ""]).encode()
        )
        assert bare.recv(100).startswith(b"HTTP/1.1 413")


def test_a_page_of_dots_holds_up_nobody(opened: Run) -> None:
    """Looking for secrets in what somebody typed must not take longer the odder it is."""
    began = time.monotonic()
    opened.says(opened.person("dana"), "a." * 15_000)
    assert time.monotonic() - began < 3


def test_slow_clients_hold_up_nobody(opened: Run) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(door(opened).connected()) for _ in range(200)]
        for number, one in enumerate(slow):
            one.sendall([b"", b"POST /slack/events HTTP/1.1\r\nHost: x\r\n", b"GET /heal"][number % 3])
        before = time.monotonic()
        opened.says(opened.person("dana"), "status")
        assert opened.bot.health()[0] == 200
        assert time.monotonic() - before < 3


def test_nothing_else_is_served(opened: Run) -> None:
    for path in ("/", "/slack/events/", "/docs", "/.env", "/healthz/../slack"):
        assert requests.get(f"http://127.0.0.1:{opened.bot.port()}{path}", timeout=5).status_code in (404, 405)
