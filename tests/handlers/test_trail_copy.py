"""The trail as it stands in Slack: read as it is, and held against what was drawn, without false alarms."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient

from handlers.blocks import render
from handlers.blocks.trail import as_shown, unlike
from handlers.calls import Calls
from handlers.identity import Identity
from handlers.messenger import SlackMessenger
from handlers.trail_copy import trail_message
from recovery.audit import Action, AuditEntry
from recovery.content import Card, Marker, MarkerKind, Place, Trail
from recovery.ports import TrailMessage
from tests.handlers.conftest import PracticeSlack
from tests.recovery.builders import entries, facts

TRAIL = tuple(
    entries(
        facts(Action.OPENED, actor="UOLIVIA", result="spam & worse <from> us 😱 ©"),
        facts(Action.APPROVED, "step 1, API keys", actor="UPRIYA"),
        facts(Action.HANDED_OVER, "handover 3", whom="UOLIVIA", result="two\nlines"),
        facts(Action.PERSON_TOLD, "2FA: ann@acme.example", private=True),
    )
)
LONG_AGO = datetime.fromtimestamp(0, UTC)


def marker(those: tuple[AuditEntry, ...] = TRAIL) -> Marker:
    first, last = those[0].number, those[-1].number
    details: dict[str, str | int | list[str]] = {"first": first, "last": last, "hashes": [e.hash for e in those]}
    return Marker(MarkerKind.AUDIT, f"db:7:thread:{first}-{last}", details)


@pytest.fixture
def messenger(client: WebClient, identity: Identity) -> SlackMessenger:
    return SlackMessenger(client, identity, Calls(pace=0))


@pytest.fixture
def thread(messenger: SlackMessenger) -> Place:
    return Place("CINCIDENT", messenger.post(Place("CINCIDENT"), Card("A board"), Marker(MarkerKind.BOARD, "db:1")))


@pytest.fixture
def posted(messenger: SlackMessenger, thread: Place) -> str:
    return messenger.post(thread, Trail(TRAIL), marker())


def only(messenger: SlackMessenger, place: Place) -> TrailMessage:
    (message,) = messenger.trail(place, LONG_AGO)
    return message


# --- Read from Slack --------------------------------------------------------------------------------------------


def test_a_trail_message_says_its_numbers_and_hashes(messenger: SlackMessenger, thread: Place, posted: str) -> None:
    message = only(messenger, thread)

    assert (message.ts, message.is_ours, message.is_edited) == (posted, True, False)
    assert message.key == "db:7:thread:1-4"
    assert message.hashes == {entry.number: entry.hash for entry in TRAIL}
    assert messenger.unlike(message.shown, TRAIL) is None


def test_what_is_edited_shows(slack: PracticeSlack, messenger: SlackMessenger, thread: Place, posted: str) -> None:
    other = [*TRAIL[:2], replace(TRAIL[2], facts=replace(TRAIL[2].facts, result="one line")), TRAIL[3]]
    blocks = render(Trail(tuple(other))).blocks
    slack.client().chat_update(channel="CINCIDENT", ts=posted, text="edited", blocks=blocks)
    message = only(messenger, thread)

    assert message.is_edited
    assert message.hashes == {entry.number: entry.hash for entry in TRAIL}
    assert messenger.unlike(message.shown, TRAIL) == TRAIL[2]


def test_a_message_whose_metadata_is_gone_is_one_without_a_key(
    slack: PracticeSlack, messenger: SlackMessenger, thread: Place, posted: str
) -> None:
    slack.client().chat_update(channel="CINCIDENT", ts=posted, text="nothing", metadata={})
    message = only(messenger, thread)

    assert (message.is_ours, message.key, message.hashes) == (True, "", {})


def test_somebody_elses_imitation_is_told_apart(slack: PracticeSlack, messenger: SlackMessenger, thread: Place) -> None:
    payload = {"key": "db:7:thread:1-4", **marker().details}
    metadata = {"event_type": "mailgun_recovery_audit", "event_payload": payload}
    channel = slack.workspace.channels["CINCIDENT"]
    slack.workspace.post(channel, "UMAX", "hello", thread_ts=thread.thread_ts, metadata=metadata)

    assert not only(messenger, thread).is_ours


def test_boards_files_and_peoples_words_are_no_part_of_the_trail(
    slack: PracticeSlack, messenger: SlackMessenger, thread: Place
) -> None:
    channel = slack.workspace.channels["CINCIDENT"]
    slack.workspace.post(channel, "UMAX", "what now?", thread_ts=thread.thread_ts)
    slack.workspace.post(channel, "UBOT", "", thread_ts=thread.thread_ts, files=[{"id": "F1", "name": "trail.csv"}])

    assert messenger.trail(thread, LONG_AGO) == []


def test_what_slack_says_in_the_bots_name_is_no_part_of_the_trail() -> None:
    assert trail_message({"ts": "1.0", "subtype": "channel_join", "text": "joined"}, is_ours=True) is None


def test_a_thread_that_is_not_there_is_empty(messenger: SlackMessenger) -> None:
    assert messenger.trail(Place("CINCIDENT", "1.000000"), LONG_AGO) == []


def test_a_channel_is_read_to_its_end_in_order(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    slack.workspace.message_rate = 0
    first = messenger.post(Place("CINCIDENT"), Trail(TRAIL), marker())
    for number in range(250):
        slack.workspace.post(slack.workspace.channels["CINCIDENT"], "UOLIVIA", f"chatter {number}")
    second = messenger.post(Place("CINCIDENT"), Trail(TRAIL), marker())

    assert [message.ts for message in messenger.trail(Place("CINCIDENT"), LONG_AGO)] == [first, second]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"first": 1, "last": 2, "hashes": ["a"]},
        {"first": 1, "last": 10**12, "hashes": ["a"]},
        {"first": 0, "last": 0, "hashes": ["a"]},
        {"first": "1", "last": "1", "hashes": ["a"]},
        {"first": 1, "last": 1, "hashes": "a"},
        {"first": 2, "last": 1, "hashes": []},
    ],
)
def test_metadata_that_makes_no_sense_has_no_hashes(payload: dict[str, Any]) -> None:
    metadata = {"event_type": "mailgun_recovery_audit", "event_payload": {"key": "db:7:thread:1-1", **payload}}
    message = trail_message({"ts": "1.0", "metadata": metadata}, is_ours=True)

    assert message is not None
    assert message.hashes == {}


# --- What it says -----------------------------------------------------------------------------------------------


def shown(*those: AuditEntry) -> str:
    return as_shown({"blocks": render(Trail(those)).blocks})


def test_an_entry_is_drawn_as_it_always_was() -> None:
    """Whoever changes how an entry is drawn makes `audit verify` cry out about every message posted before: draw
    older entries as they were."""
    assert shown(*TRAIL).split("\n") == [
        "<!date^1795521600^{date_short_pretty} {time}|2026-11-24 12:00 UTC>  <@UOLIVIA> opened the incident — "
        "spam &amp; worse &lt;from&gt; us 😱 ©",
        "<!date^1795521600^{date_short_pretty} {time}|2026-11-24 12:00 UTC>  <@UPRIYA> approved step 1, API keys",
        "<!date^1795521600^{date_short_pretty} {time}|2026-11-24 12:00 UTC>  The bot handed over handover 3 to "
        "<@UOLIVIA> — two",
        "lines",
        "<!date^1795521600^{date_short_pretty} {time}|2026-11-24 12:00 UTC>  The bot told a person",
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("😱", ":scream:").replace("©", ":copyright:"),
        lambda text: text.replace(" 😱 ©", ""),
        lambda text: text.replace("  ", " ").replace("\n", " ") + "\n",
    ],
    ids=["as it was", "emoji as codes", "without emoji", "other spaces"],
)
def test_what_slack_rewrites_is_no_difference(change: Any) -> None:
    assert unlike(change(shown(*TRAIL)), TRAIL) is None


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (lambda text: text.replace("UPRIYA", "UOLIVIA"), 2),
        (lambda text: text.replace("opened the incident", "opened an incident"), 1),
        (lambda text: text.replace("spam &amp; worse", "spam"), 1),
        (lambda text: text.replace("two\nlines", "two\nother lines"), 3),
        (lambda text: text.replace("1795521600", "1795521601", 1), 1),
        (lambda text: text.replace("handover 3", "handover 33"), 3),
        (lambda text: "\n".join(text.split("\n")[:2]), 3),
        (lambda text: text + " and more", 4),
        (lambda text: "", 1),
    ],
)
def test_what_somebody_rewrites_is_named_by_its_entry(change: Any, number: int) -> None:
    found = unlike(change(shown(*TRAIL)), TRAIL)

    assert found is not None
    assert found.number == number


def test_a_block_or_an_attachment_that_was_added_is_a_difference() -> None:
    blocks = render(Trail(TRAIL)).blocks
    added = {"type": "section", "text": {"type": "mrkdwn", "text": "All is well."}}

    assert unlike(as_shown({"blocks": [*blocks, added]}), TRAIL)
    assert unlike(as_shown({"blocks": blocks, "attachments": [{"text": "All is well."}]}), TRAIL)
    assert unlike(as_shown({"text": "no blocks any more"}), TRAIL)


@settings(deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=20))
def test_whatever_was_said_is_like_itself(said: list[str]) -> None:
    trail = tuple(entries(*(facts(Action.NOTED, text, result=text) for text in said)))

    assert unlike(shown(*trail), trail) is None


def test_a_text_made_for_it_does_not_keep_the_check_busy() -> None:
    trail = tuple(entries(facts(Action.NOTED, "😱 " * 150, result="x")))
    began = time.monotonic()

    assert unlike(shown(*trail).replace("x", "y"), trail)
    assert unlike(shown(*trail).replace("😱", ":scream:").replace("x", "y"), trail)
    assert time.monotonic() - began < 1


@settings(deadline=None)
@given(st.text(alphabet="abc -.", min_size=1, max_size=30), st.text(alphabet="abc -.", min_size=1, max_size=30))
def test_other_words_are_a_difference(one: str, other: str) -> None:
    trail = tuple(entries(facts(Action.NOTED, one)))
    differs = "".join(one.split()) != "".join(other.split())
    found = unlike(shown(*entries(facts(Action.NOTED, other))), trail)

    assert found is not None or not differs
