"""HTTP mode: what is taken is stored and acknowledged, once for however often it is sent."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient

from handlers import blocks, http
from recovery.actions import Ask
from recovery.content import Button, Card
from recovery.errors import Uncertain
from recovery.state import Source
from tests.handlers.conftest import PracticeSlack
from tests.handlers.http.http_door import (
    Kept,
    Served,
    click_payload,
    command,
    form_payload,
    payload,
)


def post(client: WebClient, *buttons: Button) -> str:
    drawn = blocks.render(Card("A step", "A step", buttons=buttons))
    return str(client.chat_postMessage(channel="CINCIDENT", text=drawn.text, blocks=drawn.blocks)["ts"])


def click(slack: PracticeSlack, ts: str, action_id: str) -> str:
    told = slack.order("click", user="UOLIVIA", channel="CINCIDENT", ts=ts, action_id=action_id, wait=True)
    return str(told["state"])


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
    # So long that all of them have come before the first thread is free again.
    door.kept.takes = 3.0
    with ThreadPoolExecutor(40) as people:
        bodies = [command(trigger_id=f"1.2.{number}") for number in range(40)]
        statuses = sorted(answer.status for answer in people.map(door.send, bodies))
    assert set(statuses) == {200, 503}
    assert len(door.kept.requests) == statuses.count(200)


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
