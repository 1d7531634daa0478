"""Files in the practice Slack: brought unseen, shared once, found again by what they are."""

from datetime import UTC, datetime

import pytest
from slack_sdk import WebClient

from handlers.calls import Calls
from handlers.files import bring, shares
from handlers.identity import Identity
from handlers.messenger import SlackMessenger
from recovery.content import Card, Document, Marker, MarkerKind, Place
from recovery.errors import Later, OutsideError, Refused, Uncertain
from recovery.text import Who, line
from tests.handlers.conftest import PracticeSlack

TRAIL = Document("trail.csv", "number,who\n1,Zoë\n")
WORDS = line("For ", Who("UOLIVIA"), ": <!channel>")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def messenger(client: WebClient, identity: Identity) -> SlackMessenger:
    return SlackMessenger(client, identity, Calls(pace=0))


@pytest.fixture
def thread(messenger: SlackMessenger) -> Place:
    return Place("CINCIDENT", messenger.post(Place("CINCIDENT"), Card("A board"), Marker(MarkerKind.BOARD, "db:1")))


def files(slack: PracticeSlack) -> list[list[str]]:
    """The files of each message in the channel that has any."""
    return [[file["name"] for file in m.files] for m in slack.workspace.messages("CINCIDENT") if m.files]


def test_a_file_that_is_brought_is_seen_by_nobody(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    messenger.bring(TRAIL)
    assert files(slack) == []


def test_a_file_is_shared_in_the_thread_with_words_beside_it(
    slack: PracticeSlack, messenger: SlackMessenger, thread: Place
) -> None:
    began = now()
    file_id = messenger.bring(TRAIL)
    messenger.share(thread, file_id, TRAIL, WORDS)

    *_, message = slack.workspace.messages("CINCIDENT")
    assert message.thread_ts == thread.thread_ts
    assert message.text == "For <@UOLIVIA>: &lt;!channel&gt;"
    assert files(slack) == [["trail.csv"]]
    assert messenger.find_file(thread, file_id, began) == [message.ts]
    assert messenger.find_file(thread, "FOTHER", began) == []


def test_the_file_has_the_text_and_no_token_goes_with_it(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    messenger.bring(TRAIL)
    (upload,) = [entry for entry in slack.log() if entry["method"] == "upload"]

    assert upload["body"]["content"] == TRAIL.text
    assert slack.workspace.app.bot_token not in str(upload)


def test_somebody_elses_file_is_not_ours(slack: PracticeSlack, messenger: SlackMessenger, thread: Place) -> None:
    channel = slack.workspace.channels["CINCIDENT"]
    slack.workspace.post(channel, "UMAX", "", thread_ts=thread.thread_ts, files=[{"id": "F1", "name": "trail.csv"}])

    assert messenger.find_file(thread, "F1", datetime.fromtimestamp(0, UTC)) == []


def test_a_file_is_known_by_its_id_where_slack_shows_no_more_of_it() -> None:
    assert shares({"files": [{"id": "F1", "file_access": "check_file_info"}]}, "F1")
    assert shares({"x_files": ["F1"]}, "F1")
    assert not shares({"text": "F1"}, "F1")


@pytest.mark.parametrize("path", ["files.getUploadURLExternal", "/upload/*", "files.completeUploadExternal"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [("500", Uncertain), ("garbage", Uncertain), ("drop", Uncertain), ("hang", Uncertain), ("429", Later)],
)
def test_a_fault_is_told_apart_and_nothing_is_repeated(
    slack: PracticeSlack, identity: Identity, thread: Place, path: str, fault: str, error: type[OutsideError]
) -> None:
    if (path, fault) == ("/upload/*", "garbage"):
        pytest.skip("what the address answers beside its status means nothing")
    messenger = SlackMessenger(slack.client(timeout=1), identity, Calls(pace=0))
    slack.fault(path, fault, when="after", **({"seconds": 7} if fault == "429" else {}))

    with pytest.raises(error) as raised:
        messenger.share(thread, messenger.bring(TRAIL), TRAIL, WORDS)

    assert len(files(slack)) <= 1
    assert "number,who" not in str(raised.value)
    if isinstance(raised.value, Later):
        assert raised.value.seconds == 7


def test_a_missing_permission_is_named(slack: PracticeSlack, messenger: SlackMessenger) -> None:
    slack.workspace.app.scopes.discard("files:write")
    with pytest.raises(Refused, match="files:write"):
        messenger.bring(TRAIL)


@pytest.mark.parametrize(("place", "code"), [("CGENERAL", "not_in_channel"), ("CNOWHERE", "invalid_channel")])
def test_a_refusal_says_what_to_do(messenger: SlackMessenger, place: str, code: str) -> None:
    with pytest.raises(Refused, match="/invite") as raised:
        messenger.share(Place(place), messenger.bring(TRAIL), TRAIL, WORDS)
    assert raised.value.code == code


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://elsewhere.example/upload", "ftp://127.0.0.1/"])
def test_an_address_that_is_not_safe_gets_nothing(client: WebClient, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(client, "files_getUploadURLExternal", lambda **_: {"upload_url": url, "file_id": "F1"})
    with pytest.raises(Uncertain):
        bring(client, Calls(pace=0), TRAIL)


def test_a_file_that_is_shared_keeps_slacks_pace(client: WebClient, identity: Identity, thread: Place) -> None:
    messenger = SlackMessenger(client, identity, Calls(pace=60))
    messenger.share(thread, messenger.bring(TRAIL), TRAIL, WORDS)
    with pytest.raises(Later):
        messenger.share(thread, messenger.bring(TRAIL), TRAIL, WORDS)
