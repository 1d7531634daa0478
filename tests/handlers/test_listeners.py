"""What people type, click and fill in, over a real connection to the practice Slack."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from handlers import blocks
from handlers.app import build_app
from handlers.identity import Identity
from handlers.intake import Intake
from handlers.messenger import SlackMessenger
from handlers.socket import Socket
from recovery.actions import Ask
from recovery.content import Button, Card, Control, Menu, Option, Row
from recovery.errors import Refused, Uncertain
from recovery.state import NewRequest, Request, Source
from recovery.text import line
from tests.handlers.conftest import PracticeSlack, practice_slack

KEY = "key-0123456789abcdef0123456789abcdef"


@dataclass
class Kept:
    """Stands where the database does: what was stored, and whether storing fails."""

    requests: list[NewRequest] = field(default_factory=list)
    trouble: Exception | None = None

    def keep(self, request: NewRequest) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.requests.append(request)

    @property
    def only(self) -> NewRequest:
        (request,) = self.requests
        return request


# One practice Slack and one connection for the module: slack_sdk takes three seconds to let a WebSocket go.


@pytest.fixture(scope="module")
def slack() -> Iterator[PracticeSlack]:
    with practice_slack() as practice:
        # All the tests post into one channel.
        practice.workspace.message_rate = 0
        yield practice


@pytest.fixture(scope="module")
def store() -> Kept:
    return Kept()


@pytest.fixture(scope="module")
def app(slack: PracticeSlack, store: Kept) -> App:
    intake = Intake(store.keep, lambda: datetime.now(UTC), str)
    return build_app(slack.workspace.app.bot_token, intake, base_url=slack.api)


@pytest.fixture(scope="module", autouse=True)
def socket(slack: PracticeSlack, app: App) -> Iterator[Socket]:
    connection = Socket(app, slack.workspace.app.app_token, base_url=slack.api)
    assert connection.connect_with_retry(threading.Event())
    until = time.monotonic() + 10
    while connection.connections is None:
        assert time.monotonic() < until, "Slack did not say hello"
        time.sleep(0.02)
    yield connection
    connection.close()


@pytest.fixture(autouse=True)
def kept(store: Kept) -> Kept:
    """What is stored during one test."""
    store.requests.clear()
    store.trouble = None
    return store


def post(client: WebClient, *controls: Control, rows: tuple[Row, ...] = ()) -> str:
    drawn = blocks.render(Card("A step", "A step", rows=rows, buttons=controls))
    return str(client.chat_postMessage(channel="CINCIDENT", text=drawn.text, blocks=drawn.blocks)["ts"])


def click(slack: PracticeSlack, ts: str, action_id: str, user: str = "UOLIVIA", **more: object) -> str:
    told = slack.order("click", user=user, channel="CINCIDENT", ts=ts, action_id=action_id, wait=True, **more)
    return str(told["state"])


def test_a_command_is_stored_without_its_secrets(slack: PracticeSlack, kept: Kept) -> None:
    told = slack.order(
        "command",
        user="UOLIVIA",
        channel="CGENERAL",
        command="/mailgun-compromised",
        text=f"spam since 9 & our key {KEY} leaked",
        wait=True,
    )

    assert told["state"] == "acknowledged"
    request = kept.only
    assert (request.source, request.action) == (Source.COMMAND, Ask.TYPED)
    assert (request.user_id, request.team_id, request.channel_id) == ("UOLIVIA", "TEXAMPLE", "CGENERAL")
    assert request.text == "spam since 9 & our key [removed] leaked"
    assert request.secrets_cut
    assert request.response_url
    assert request.received_at.tzinfo is not None


def test_a_click_carries_what_its_button_carries_and_nothing_else(
    slack: PracticeSlack, kept: Kept, client: WebClient
) -> None:
    ts = post(client, Button(Ask.APPROVE, "Approve", {"step": "1", "version": "7"}))

    assert click(slack, ts, "ask:approve:0") == "acknowledged"

    request = kept.only
    assert (request.source, request.action) == (Source.BUTTON, Ask.APPROVE)
    assert request.about == {"step": "1", "version": "7"}
    assert (request.channel_id, request.message_ts) == ("CINCIDENT", ts)
    assert "A step" not in repr(request)


@pytest.mark.parametrize(
    ("action_id", "value"),
    [
        ("approve_button", "{}"),
        ("ask:dance:0", "{}"),
        ("ask:approve:0", "not json"),
        ("ask:approve:0", json.dumps({"step": 1})),
        ("ask:approve:0", json.dumps(["step"])),
    ],
)
def test_a_button_that_is_not_understood_is_stored_as_such(
    slack: PracticeSlack, kept: Kept, client: WebClient, action_id: str, value: str
) -> None:
    button = {
        "type": "button",
        "action_id": action_id,
        "value": value,
        "text": {"type": "plain_text", "text": "Old"},
    }
    ts = client.chat_postMessage(channel="CINCIDENT", text="Old", blocks=[{"type": "actions", "elements": [button]}])[
        "ts"
    ]

    assert click(slack, str(ts), action_id) == "acknowledged"
    assert kept.only.action == Ask.UNKNOWN
    assert kept.only.about == {}
    assert kept.only.response_url


@pytest.mark.parametrize(
    ("options", "value"), [((Option("In an hour", "hour"), Option("Tomorrow", "tomorrow")), "tomorrow"), ((), "UGRETA")]
)
def test_a_choice_carries_what_its_menu_carries_and_what_was_chosen(
    slack: PracticeSlack, kept: Kept, client: WebClient, options: tuple[Option, ...], value: str
) -> None:
    ts = post(client, Button(Ask.CHECK, "Check now"), Menu(Ask.LATER, "Later", {"person": "7"}, options))

    assert click(slack, ts, "ask:later:1", value=value) == "acknowledged"

    request = kept.only
    assert (request.source, request.action) == (Source.BUTTON, Ask.LATER)
    assert request.about == {"person": "7", "chosen": value}
    assert (request.channel_id, request.message_ts) == ("CINCIDENT", ts)
    assert request.response_url
    assert "A step" not in repr(request)


def test_beside_a_menu_the_buttons_of_a_row_are_still_their_own(
    slack: PracticeSlack, kept: Kept, client: WebClient
) -> None:
    who, tell = Menu(Ask.IDENTIFY, "Who is it?", {"person": "7"}), Button(Ask.BY_HAND, "I tell them", {"person": "7"})
    ts = post(client, rows=(Row(line("Ann"), (who, tell)), Row(line("Bob"), (who, tell))))
    click(slack, ts, "ask:identify:2", value="USAM")
    click(slack, ts, "ask:by_hand:3")

    assert [(request.action, request.about) for request in kept.requests] == [
        (Ask.IDENTIFY, {"person": "7", "chosen": "USAM"}),
        (Ask.BY_HAND, {"person": "7"}),
    ]


def test_a_choice_that_is_made_twice_is_stored_twice(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    ts = post(client, Menu(Ask.LATER, "Later", {"person": "7"}, (Option("In an hour", "hour"),)))
    for _ in range(2):
        click(slack, ts, "ask:later:0", value="hour")

    assert len({request.dedupe for request in kept.requests}) == 2


@pytest.mark.parametrize(
    ("action_id", "block_id"),
    [("menu", "{}"), ("ask:dance:0", "{}"), ("ask:later:0", "who"), ("ask:later:0", '{"person":7}')],
)
def test_a_menu_that_is_not_understood_is_stored_as_such(
    slack: PracticeSlack, kept: Kept, client: WebClient, action_id: str, block_id: str
) -> None:
    placeholder = {"type": "plain_text", "text": "Old"}
    element = {"type": "users_select", "action_id": action_id, "placeholder": placeholder}
    block = {"type": "actions", "block_id": block_id, "elements": [element]}
    ts = client.chat_postMessage(channel="CINCIDENT", text="Old", blocks=[block])["ts"]

    assert click(slack, str(ts), action_id, value="USAM") == "acknowledged"
    assert kept.only.action == Ask.UNKNOWN
    assert kept.only.about == {}
    assert kept.only.response_url


def test_two_clicks_differ_and_are_both_stored(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    ts = post(client, Button(Ask.RETRY, "Retry", {"step": "1"}))
    click(slack, ts, "ask:retry:0")
    click(slack, ts, "ask:retry:0")

    assert len({request.dedupe for request in kept.requests}) == 2


def test_fifty_clicks_at_once_are_all_acknowledged(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    ts = post(client, Button(Ask.CHECK, "Check now", {"person": "1"}))
    with ThreadPoolExecutor(50) as people:
        states = list(people.map(lambda _: click(slack, ts, "ask:check:0"), range(50)))

    assert states == ["acknowledged"] * 50
    assert len(kept.requests) == 50


def test_what_cannot_be_stored_is_not_acknowledged_and_not_logged(
    slack: PracticeSlack, kept: Kept, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack.workspace, "ack_seconds", 0.5)
    kept.trouble = RuntimeError("INSERT … parameters: ('a password',)")
    told = slack.order(
        "command",
        user="UOLIVIA",
        channel="CINCIDENT",
        command="/mailgun-compromised",
        text="something happened",
        wait=True,
    )

    assert told["state"] == "timed_out"
    assert "RuntimeError" in caplog.text
    assert "a password" not in caplog.text
    assert "something happened" not in caplog.text


def test_skipping_asks_for_a_reason_first(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    ts = post(client, Button(Ask.SKIP, "Skip", {"step": "3"}))

    assert click(slack, ts, "ask:skip:0") == "acknowledged"
    assert kept.requests == []
    (view,) = slack.views("UOLIVIA")

    empty = slack.order("submit", user="UOLIVIA", view_id=view["id"], values={"words": "   "}, wait=True)
    assert empty["response"]["response_action"] == "errors"
    assert kept.requests == []

    reason = f"we have no SMTP users, {KEY}"
    slack.order("submit", user="UOLIVIA", view_id=view["id"], values={"words": reason}, wait=True)

    request = kept.only
    assert (request.source, request.action) == (Source.FORM, Ask.SKIP)
    assert request.text == "we have no SMTP users, [removed]"
    assert request.secrets_cut
    assert request.about == {"step": "3"}
    assert (request.channel_id, request.message_ts) == ("CINCIDENT", ts)
    assert request.response_url


@pytest.mark.parametrize(("action", "title"), [(Ask.STOP, "Stop reminding"), (Ask.CANNOT, "I cannot do this")])
def test_stopping_and_being_unable_ask_for_a_reason_first(
    slack: PracticeSlack, kept: Kept, client: WebClient, action: Ask, title: str
) -> None:
    ts = post(client, Button(action, "Why", {"person": "7"}))
    click(slack, ts, f"ask:{action}:0")
    view = slack.views("UOLIVIA")[-1]
    assert view["title"]["text"] == title

    empty = slack.order("submit", user="UOLIVIA", view_id=view["id"], values={"words": " "}, wait=True)
    assert empty["response"]["response_action"] == "errors"
    assert kept.requests == []
    reason = f"a phone without an authenticator, {KEY}"
    slack.order("submit", user="UOLIVIA", view_id=view["id"], values={"words": reason}, wait=True)

    assert (kept.only.source, kept.only.action, kept.only.about) == (Source.FORM, action, {"person": "7"})
    assert kept.only.text == "a phone without an authenticator, [removed]"


def test_a_choice_may_ask_for_words_too(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    ts = post(client, Menu(Ask.STOP, "Stop for", {"person": "7"}, (Option("Good", "good"),)))
    click(slack, ts, "ask:stop:0", value="good")
    assert kept.requests == []
    view = slack.views("UOLIVIA")[-1]
    slack.order("submit", user="UOLIVIA", view_id=view["id"], values={"words": "left"}, wait=True)

    assert (kept.only.action, kept.only.text) == (Ask.STOP, "left")
    assert kept.only.about == {"person": "7", "chosen": "good"}


def test_a_form_that_does_not_open_is_stored(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    slack.fault("views.open", "500")
    ts = post(client, Button(Ask.NOTE, "Note", {"topic": "hosting"}))

    assert click(slack, ts, "ask:note:0") == "acknowledged"
    assert kept.only.action == Ask.FORM_FAILED
    assert kept.only.about == {"topic": "hosting", "action": "note"}
    assert kept.only.response_url


def test_a_form_of_another_version_is_stored_as_unknown(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    ts = post(client, Button(Ask.SENT, "Sent", {}))
    click(slack, ts, "ask:sent:0")
    (view,) = slack.views("UOLIVIA")
    client.views_update(
        view_id=view["id"],
        view={
            "type": "modal",
            "callback_id": "old",
            "title": {"type": "plain_text", "text": "Old"},
            "blocks": [{"type": "divider"}],
            "submit": {"type": "plain_text", "text": "Send"},
        },
    )
    slack.order("submit", user="UOLIVIA", view_id=view["id"], values={}, wait=True)

    assert kept.only.action == Ask.UNKNOWN


def test_an_answer_reaches_the_person_where_the_bot_is_not(slack: PracticeSlack, kept: Kept, client: WebClient) -> None:
    slack.order("command", user="UMAX", channel="CGENERAL", command="/mailgun-compromised", text="help", wait=True)
    messenger = SlackMessenger(client, Identity(client))
    messenger.answer(Request(**vars(kept.only)), Card("This is how", lines=(line("Type a command."),)))

    (shown,) = slack.workspace.ephemerals("CGENERAL", "UMAX")
    assert shown.text == "This is how"


def test_a_used_up_response_url_is_followed_by_a_direct_message(
    slack: PracticeSlack, kept: Kept, client: WebClient
) -> None:
    slack.order("command", user="USAM", channel="CGENERAL", command="/mailgun-compromised", text="help", wait=True)
    messenger = SlackMessenger(client, Identity(client))
    for _ in range(6):
        messenger.answer(Request(**vars(kept.only)), Card("This is how"))

    direct = slack.workspace.dm_with("USAM")
    assert direct is not None
    assert len(list(slack.workspace.ephemerals("CGENERAL", "USAM"))) == 5
    assert len(slack.workspace.messages(direct.id)) == 1


def test_nothing_is_printed_at_debug(
    slack: PracticeSlack, kept: Kept, client: WebClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ts = post(client, Button(Ask.APPROVE, "Approve", {"step": "conspicuous"}))
    click(slack, ts, "ask:approve:0")

    assert kept.only.about == {"step": "conspicuous"}
    assert "conspicuous" not in caplog.text
    assert slack.workspace.app.bot_token not in caplog.text


def test_hello_says_how_many_connections_there_are(socket: Socket) -> None:
    assert socket.connections == 1
    assert socket.is_connected()


def hello(socket: Socket, connections: object) -> None:
    """Slack's greeting on a connection that was made anew, or on the first one."""
    socket._hear_hello(None, {"type": "hello", "num_connections": connections}, None)


def wondered(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)


@pytest.fixture
def unconnected(app: App) -> Iterator[Callable[..., Socket]]:
    """Makes sockets that are not connected; each with so many processes of the bot known."""
    made: list[Socket] = []

    def make(processes: Callable[[], int]) -> Socket:
        made.append(Socket(app, "xapp-1", base_url="http://127.0.0.1:9/api/", processes=processes))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_connections_that_no_process_explains_are_warned_of_once(
    unconnected: Callable[..., Socket], caplog: pytest.LogCaptureFixture
) -> None:
    lonely = unconnected(lambda: 1)
    hello(lonely, 1)
    hello(lonely, 2)
    assert wondered(caplog) == 0, "while slack_sdk replaces a connection there are two"
    for _ in range(3):
        hello(lonely, 5)
    assert wondered(caplog) == 1
    assert "that Slack has: 5; processes of the bot on its database: 1" in caplog.text
    hello(lonely, 1)
    hello(lonely, 5)
    assert wondered(caplog) == 2, "it had been right in between"


def test_two_connections_at_the_start_of_one_process_are_one_too_many(
    unconnected: Callable[..., Socket], caplog: pytest.LogCaptureFixture
) -> None:
    hello(unconnected(lambda: 1), 2)
    assert wondered(caplog) == 1


def test_as_many_connections_as_processes_are_right(
    unconnected: Callable[..., Socket], caplog: pytest.LogCaptureFixture
) -> None:
    hello(unconnected(lambda: 4), 4)
    assert wondered(caplog) == 0


@pytest.mark.parametrize("connections", [None, "2", {}])
def test_a_greeting_that_does_not_count_is_minded_by_nobody(
    unconnected: Callable[..., Socket], caplog: pytest.LogCaptureFixture, connections: object
) -> None:
    hello(unconnected(lambda: 1), connections)
    assert wondered(caplog) == 0


def test_while_the_database_is_away_nobody_wonders(
    unconnected: Callable[..., Socket], caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> int:
        raise Uncertain("the database is away")

    hello(unconnected(away), 9)
    assert wondered(caplog) == 0


def test_a_wrong_app_token_ends_the_start_with_words(slack: PracticeSlack, app: App) -> None:
    wrong = Socket(app, "xapp-1-wrong", base_url=slack.api)
    with pytest.raises(Refused, match="SLACK_APP_TOKEN"):
        wrong.connect_with_retry(threading.Event())
    wrong.close()


def test_a_slack_that_is_down_at_start_is_tried_again_and_no_proxy_is_minded(
    slack: PracticeSlack, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)
    slack.fault("apps.connections.open", "500")
    late = Socket(app, slack.workspace.app.app_token, base_url=slack.api)
    assert late.connect_with_retry(threading.Event())
    late.close()


def test_a_start_can_be_stopped(app: App) -> None:
    unreachable = Socket(app, "xapp-1", base_url="http://127.0.0.1:9/api/")
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert not unreachable.connect_with_retry(stop)
    unreachable.close()
