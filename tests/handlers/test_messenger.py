"""What the bot says, in the practice Slack over real HTTP, and how it fails there."""

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk import WebClient

from handlers.buckets import OwnBuckets
from handlers.calls import Calls
from handlers.clients import web_client
from handlers.identity import Identity
from handlers.messenger import SlackMessenger
from recovery.actions import Ask
from recovery.content import Card, Marker, MarkerKind, Place, SecretGroup, SecretItem, SecretsMessage
from recovery.errors import Later, OutsideError, Paced, Refused, TooLong, Uncertain, Unreachable
from recovery.secret import Secret
from recovery.state import Request, Source
from recovery.text import line
from tests.clocks import StillClock
from tests.handlers.conftest import PracticeSlack

CARD = Card("Something happened", "A board", (line("Step 1"),))
MARKER = Marker(MarkerKind.BOARD, "db:1", {"incident": 1, "key": "not this"})
HERE = Place("CINCIDENT")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def messenger(client: WebClient, identity: Identity) -> SlackMessenger:
    return SlackMessenger(client, identity, Calls(pace=0))


def request(**fields: Any) -> Request:
    given = {
        "dedupe": "1",
        "source": Source.BUTTON,
        "action": Ask.STATUS,
        "user_id": "UOLIVIA",
        "team_id": "TEXAMPLE",
        "channel_id": "CINCIDENT",
        "received_at": now(),
    }
    return Request(**{**given, **fields})


def test_a_message_is_posted_redrawn_and_deleted(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    ts = messenger.post(HERE, CARD, MARKER)
    messenger.redraw("CINCIDENT", ts, Card("Now", "Another board"), MARKER)

    (message,) = slack.workspace.messages("CINCIDENT")
    assert message.ts == ts
    assert message.blocks[0]["text"]["text"] == "Another board"
    assert message.metadata == {
        "event_type": "mailgun_recovery_board",
        "event_payload": {"incident": 1, "key": "db:1"},
    }

    messenger.delete("CINCIDENT", ts)
    messenger.delete("CINCIDENT", ts)
    assert message.deleted


def test_nothing_unfolds(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    messenger.post(HERE, CARD, MARKER)
    (call,) = [entry for entry in slack.log() if "chat.postMessage" in str(entry)]
    assert "'unfurl_links': False" in str(call)


def test_a_message_is_found_by_its_marker(messenger: SlackMessenger) -> None:
    began = now()
    first = messenger.post(HERE, CARD, MARKER)
    messenger.post(HERE, CARD, Marker(MarkerKind.BOARD, "db:2"))
    messenger.post(HERE, CARD, Marker(MarkerKind.STEP, "db:1"))
    second = messenger.post(HERE, CARD, MARKER)
    reply = messenger.post(Place("CINCIDENT", first), CARD, MARKER)

    assert messenger.find(HERE, MARKER, began) == [first, second]
    assert reply in messenger.find(Place("CINCIDENT", first), MARKER, began)
    assert messenger.find(HERE, MARKER, began + timedelta(hours=1)) == []


def test_every_page_is_looked_at(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    slack.workspace.message_rate = 0
    began = now()
    ts = messenger.post(HERE, CARD, MARKER)
    channel = slack.workspace.channels["CINCIDENT"]
    for number in range(450):
        slack.workspace.post(channel, "UOLIVIA", f"chatter {number}")

    assert messenger.find(HERE, MARKER, began) == [ts]


def test_another_apps_message_with_our_marker_is_not_ours(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    metadata = {"event_type": "mailgun_recovery_board", "event_payload": {"key": "db:1"}}
    slack.workspace.post(slack.workspace.channels["CINCIDENT"], "UMAX", "hello", metadata=metadata)

    assert messenger.find(HERE, MARKER, now() - timedelta(hours=1)) == []


def test_a_direct_message_is_opened_and_linked_to(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    direct = messenger.open_direct("UNOAH")
    ts = messenger.post(Place(direct), CARD, MARKER)

    assert messenger.permalink(direct, ts).startswith(slack.url)


# Answers


def answered(slack: PracticeSlack, channel: str, user: str) -> list[Any]:
    return [shown.text for shown in slack.workspace.ephemerals(channel, user)]


def response_url(slack: PracticeSlack, path: str) -> str:
    return f"{slack.url}/response/{path}"


def test_without_a_response_url_an_answer_is_ephemeral(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    messenger.answer(request(), CARD)
    assert answered(slack, "CINCIDENT", "UOLIVIA") == ["Something happened"]


def test_a_used_response_url_is_replaced(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    messenger.answer(request(response_url=response_url(slack, "gone")), CARD)
    assert answered(slack, "CINCIDENT", "UOLIVIA") == ["Something happened"]


@pytest.mark.parametrize("channel", ["CGENERAL", "CNOWHERE", ""])
def test_where_the_bot_is_not_an_answer_is_a_direct_message(
    slack: PracticeSlack, messenger: SlackMessenger, channel: str
) -> None:
    messenger.answer(request(channel_id=channel), CARD)
    direct = slack.workspace.dm_with("UOLIVIA")

    assert direct is not None
    assert [message.text for message in slack.workspace.messages(direct.id)] == ["Something happened"]


@pytest.mark.parametrize("fault", ["drop", "garbage", "500"])
def test_an_answer_that_may_have_arrived_is_not_repeated(
    slack: PracticeSlack, messenger: SlackMessenger, fault: str
) -> None:
    slack.fault("/response/*", fault)
    with pytest.raises(Uncertain):
        messenger.answer(request(response_url=response_url(slack, "x")), CARD)
    assert answered(slack, "CINCIDENT", "UOLIVIA") == []


# Failures


@pytest.mark.parametrize(
    ("fault", "error"),
    [("500", Uncertain), ("garbage", Uncertain), ("drop", Uncertain), ("hang", Uncertain), ("429", Later)],
)
def test_a_fault_is_told_apart_and_nothing_is_repeated(
    slack: PracticeSlack, identity: Identity, fault: str, error: type[OutsideError]
) -> None:
    messenger = SlackMessenger(slack.client(timeout=1), identity, Calls(pace=0))
    slack.fault("chat.postMessage", fault, when="after", **({"seconds": 7} if fault == "429" else {}))

    with pytest.raises(error) as raised:
        messenger.post(HERE, CARD, MARKER)

    assert len(slack.workspace.messages("CINCIDENT")) <= 1
    if isinstance(raised.value, Later):
        assert raised.value.seconds == 7


def test_a_slack_that_cannot_be_reached_was_told_nothing(identity: Identity) -> None:
    nowhere = web_client("xoxb-1", "http://127.0.0.1:9/api/")
    with pytest.raises(Later):
        SlackMessenger(nowhere, identity).post(HERE, CARD, MARKER)


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [("CGENERAL", "not_in_channel", "/invite"), ("CNOWHERE", "channel_not_found", "/invite")],
)
def test_a_refusal_says_what_to_do(messenger: SlackMessenger, place: str, code: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as raised:
        messenger.post(Place(place), CARD, MARKER)
    assert raised.value.code == code


def test_a_missing_permission_is_named(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    slack.workspace.app.scopes.discard("chat:write")
    with pytest.raises(Refused, match="chat:write"):
        messenger.post(HERE, CARD, MARKER)


def test_a_messages_tab_that_is_off_is_named(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    slack.workspace.app.messages_tab_enabled = False
    with pytest.raises(Refused, match="Messages tab"):
        messenger.post(Place(messenger.open_direct("UNOAH")), CARD, MARKER)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deleted": True}, "user_disabled"),
        ({"is_bot": True}, "cannot_dm_bot"),
        ({"is_stranger": True}, "user_not_visible"),
        ({"dm_refusal": "restricted_action"}, "restricted_action"),
        ({"dm_refusal": "channel_not_found"}, "channel_not_found"),
    ],
)
def test_somebody_whose_direct_message_does_not_open_cannot_be_written_to(
    slack: PracticeSlack, messenger: SlackMessenger, change: dict[str, Any], code: str
) -> None:
    vars(slack.workspace.users["USAM"]).update(change)

    with pytest.raises(Unreachable) as raised:
        messenger.open_direct("USAM")
    assert raised.value.code == code
    assert messenger.post(Place(messenger.open_direct("UNOAH")), CARD, MARKER)


def test_nobody_cannot_be_written_to(messenger: SlackMessenger) -> None:
    with pytest.raises(Unreachable) as raised:
        messenger.open_direct("UNOBODY")
    assert raised.value.code == "user_not_found"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deleted": True}, "is_archived"),
        ({"dm_closed": True}, "restricted_action"),
        ({"dm_refusal": "cannot_dm_bot"}, "cannot_dm_bot"),
        ({"dm_refusal": "not_in_channel"}, "not_in_channel"),
        ({"dm_refusal": "is_inactive"}, "is_inactive"),
    ],
)
def test_somebody_whose_direct_message_takes_nothing_any_more_cannot_be_written_to(
    slack: PracticeSlack, messenger: SlackMessenger, change: dict[str, Any], code: str
) -> None:
    direct = messenger.open_direct("USAM")
    ts = messenger.post(Place(direct), CARD, MARKER)
    vars(slack.workspace.users["USAM"]).update(change)

    for place in (Place(direct), Place(direct, ts)):
        with pytest.raises(Unreachable) as raised:
            messenger.post(place, CARD, MARKER)
        assert raised.value.code == code


@pytest.mark.parametrize(("place", "code"), [("CGENERAL", "not_in_channel"), ("CNOWHERE", "channel_not_found")])
def test_a_channel_that_takes_nothing_is_no_person(messenger: SlackMessenger, place: str, code: str) -> None:
    with pytest.raises(Refused) as raised:
        messenger.post(Place(place), CARD, MARKER)
    assert (type(raised.value), raised.value.code) == (Refused, code)


def test_a_token_that_is_refused_is_about_nobody(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    direct = messenger.open_direct("USAM")
    slack.workspace.app.bot_token = "xoxb-another"

    for call in (lambda: messenger.open_direct("USAM"), lambda: messenger.post(Place(direct), CARD, MARKER)):
        with pytest.raises(Refused) as raised:
            call()
        assert (type(raised.value), raised.value.code) == (Refused, "invalid_auth")


def test_a_handover_that_is_too_long_is_refused_as_such_without_telling_what_it_holds(
    messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    items = tuple(SecretItem(f"login{number}@example.com", Secret("s3cret" * 6)) for number in range(300))
    message = SecretsMessage("New passwords", "New passwords", (), (SecretGroup("example.com", items),))

    with pytest.raises(TooLong) as raised:
        messenger.post(HERE, message, MARKER)

    assert "s3cret" not in str(raised.value)
    assert "s3cret" not in caplog.text
    assert messenger.measure(message) > 9000


def test_an_answer_cut_short_is_not_logged(
    slack: PracticeSlack, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.fault("chat.postMessage", "garbage", when="after")
    with pytest.raises(Uncertain):
        messenger.post(HERE, CARD, MARKER)
    assert [record for record in caplog.records if record.name.startswith(("slack_sdk", "handlers"))] == []


# Pace


@pytest.fixture
def paced(client: WebClient, identity: Identity, clock: StillClock) -> SlackMessenger:
    return SlackMessenger(client, identity, Calls(pace=1, burst=1, buckets=OwnBuckets(clock)))


SECRETS = SecretsMessage("A key", "A key", (), (SecretGroup("example.com", (SecretItem("login", Secret("s3cret")),)),))


def handover(number: int) -> Marker:
    return Marker(MarkerKind.HANDOVER, f"db:{number}")


def test_a_channel_gets_one_message_at_a_time(paced: SlackMessenger, clock: StillClock) -> None:
    paced.post(HERE, CARD, MARKER)
    with pytest.raises(Paced) as raised:
        paced.post(HERE, CARD, MARKER)
    assert raised.value.seconds == 1

    clock.now = 1.0
    paced.post(HERE, CARD, MARKER)


def test_each_channel_has_a_pace_of_its_own(paced: SlackMessenger) -> None:
    paced.post(HERE, CARD, MARKER)
    paced.post(Place(paced.open_direct("UNOAH")), CARD, MARKER)


def test_redrawing_waits_for_no_post(paced: SlackMessenger) -> None:
    ts = paced.post(HERE, CARD, MARKER)
    paced.redraw("CINCIDENT", ts, CARD, MARKER)


def test_a_private_answer_in_a_direct_message_keeps_the_pace_as_well(paced: SlackMessenger) -> None:
    paced.post(Place(paced.open_direct("UOLIVIA")), CARD, MARKER)
    with pytest.raises(Paced):
        paced.answer(request(channel_id=""), CARD)


def test_a_message_with_secrets_goes_before_whatever_else_waits(paced: SlackMessenger, clock: StillClock) -> None:
    paced.post(HERE, CARD, MARKER)
    for content, marker in ((CARD, MARKER), (SECRETS, handover(1))):
        with pytest.raises(Paced):
            paced.post(HERE, content, marker)

    clock.now = 1.0
    with pytest.raises(Paced):
        paced.post(HERE, CARD, MARKER)
    paced.post(HERE, SECRETS, handover(1))


def test_wiping_a_handover_goes_before_whatever_else_is_redrawn(
    slack: PracticeSlack, paced: SlackMessenger, clock: StillClock
) -> None:
    ts = paced.post(HERE, SECRETS, handover(1))
    with pytest.raises(Paced) as later:
        for _ in range(50):
            paced.redraw("CINCIDENT", ts, CARD, MARKER)
    with pytest.raises(Paced):
        paced.redraw("CINCIDENT", ts, CARD, handover(1))

    clock.now = later.value.seconds
    with pytest.raises(Paced):
        paced.redraw("CINCIDENT", ts, CARD, MARKER)
    paced.redraw("CINCIDENT", ts, CARD, handover(1))


def test_after_a_429_the_channel_is_left_alone_for_as_long_as_slack_asked(
    slack: PracticeSlack, paced: SlackMessenger, clock: StillClock
) -> None:
    slack.fault("chat.postMessage", "429", seconds=7)
    for _ in range(3):
        with pytest.raises(Later) as raised:
            paced.post(HERE, CARD, MARKER)
        assert raised.value.seconds == 7
    assert [entry["method"] for entry in slack.log() if entry["kind"] == "call"] == []

    clock.now = 7.0
    paced.post(HERE, CARD, MARKER)


def test_at_the_pace_of_a_real_clock_a_slack_without_bursts_refuses_nothing(
    slack: PracticeSlack, client: WebClient, identity: Identity
) -> None:
    slack.workspace.message_rate, slack.workspace.burst = 20.0, 1
    messenger = SlackMessenger(client, identity, Calls(pace=0.05))
    posted = 0
    while posted < 10:
        try:
            messenger.post(HERE, CARD, MARKER)
        except Paced as later:
            time.sleep(later.seconds)
        else:
            posted += 1
    assert all(entry["ok"] for entry in slack.log())
