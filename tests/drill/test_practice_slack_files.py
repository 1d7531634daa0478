"""Files in the practice Slack, seen through slack_sdk's own client."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from drill.slack.workspaces import GENERAL, INCIDENT
from tests.drill.practice_slack import Practice, code, refused

TEXT = "number,who\n1,Zoë\n"


def announced(slack: Practice, name: str = "trail.csv", text: str = TEXT) -> tuple[str, str]:
    answer = slack.client.files_getUploadURLExternal(filename=name, length=len(text.encode()))
    return str(answer["upload_url"]), str(answer["file_id"])


def uploaded(slack: Practice, **named: str) -> str:
    url, file_id = announced(slack, **named)
    assert requests.post(url, TEXT.encode(), timeout=5).status_code == 200
    return file_id


def complete(slack: Practice, *ids: str, **where: Any) -> Any:
    return slack.client.files_completeUploadExternal(files=[{"id": one, "title": "The trail"} for one in ids], **where)


def test_slacks_own_upload_in_one_go_works(slack: Practice) -> None:
    parent = slack.post()
    slack.client.files_upload_v2(
        filename="trail.csv", content=TEXT, channel=INCIDENT, thread_ts=parent, initial_comment="The trail"
    )
    _, message = slack.client.conversations_replies(channel=INCIDENT, ts=parent)["messages"]

    assert message["text"] == "The trail"
    assert [file["name"] for file in message["files"]] == ["trail.csv"]
    assert (message["user"], message["upload"]) == ("UBOT", True)


def test_the_address_is_the_practice_servers_own(slack: Practice) -> None:
    url, _ = announced(slack)
    assert url.startswith(f"{slack.url}/upload/")


def test_an_address_takes_one_file_of_the_length_that_was_said(slack: Practice) -> None:
    url, _ = announced(slack)

    assert requests.post(url, b"something longer than that, or shorter", timeout=5).status_code == 404
    assert requests.post(url, TEXT.encode(), timeout=5).status_code == 200
    assert requests.post(url, TEXT.encode(), timeout=5).status_code == 404


def test_a_file_is_seen_once_it_is_shared(slack: Practice) -> None:
    file_id = uploaded(slack)
    assert slack.look("messages", channel=INCIDENT)["messages"] == []

    answer = complete(slack, file_id, channel_id=INCIDENT)
    (message,) = slack.look("messages", channel=INCIDENT)["messages"]
    assert [file["id"] for file in message["files"]] == [file_id]
    assert [file["id"] for file in answer["files"]] == [file_id]
    assert requests.get(message["files"][0]["url_private"], timeout=5).text == TEXT


def test_without_a_channel_a_file_stays_private(slack: Practice) -> None:
    complete(slack, uploaded(slack))
    assert slack.look("messages", channel=INCIDENT)["messages"] == []


def test_a_file_is_completed_once_and_after_it_was_uploaded(slack: Practice) -> None:
    _, waiting = announced(slack)
    done = uploaded(slack)
    complete(slack, done, channel_id=INCIDENT)

    for file_id in (waiting, done, "FNONE"):
        assert code(refused(complete, slack, file_id, channel_id=INCIDENT)) == "file_not_found"


@pytest.mark.parametrize(("channel", "error"), [(GENERAL, "not_in_channel"), ("CNONE", "invalid_channel")])
def test_where_the_bot_is_not_no_file_is_shared(slack: Practice, channel: str, error: str) -> None:
    assert code(refused(complete, slack, uploaded(slack), channel_id=channel)) == error


def test_an_archived_channel_takes_no_file(slack: Practice) -> None:
    slack.patch(f"channels/{INCIDENT}", is_archived=True)
    assert code(refused(complete, slack, uploaded(slack), channel_id=INCIDENT)) == "is_archived"


def test_a_thread_that_is_not_there_takes_no_file(slack: Practice) -> None:
    error = refused(complete, slack, uploaded(slack), channel_id=INCIDENT, thread_ts="1.000000")
    assert code(error) == "thread_not_found"


def test_files_need_their_scope(slack: Practice) -> None:
    slack.workspace.app.scopes.discard("files:write")
    error = refused(announced, slack)
    assert (code(error), error.response["needed"]) == ("missing_scope", "files:write")
    assert code(refused(complete, slack, "F1")) == "missing_scope"


@pytest.mark.parametrize("length", ["0", "many", "-1"])
def test_a_length_that_is_none_is_refused(slack: Practice, length: str) -> None:
    error = refused(slack.client.api_call, "files.getUploadURLExternal", params={"filename": "x", "length": length})
    assert code(error) == "invalid_arguments"


@pytest.mark.parametrize("files", [None, "[]", '[{"title": "x"}]', "{}"])
def test_a_completion_of_nothing_is_refused(slack: Practice, files: str | None) -> None:
    error = refused(slack.client.api_call, "files.completeUploadExternal", params={"files": files})
    assert code(error) == "invalid_arguments"


def test_a_shared_file_counts_as_a_message_for_slacks_pace(slack: Practice) -> None:
    slack.patch("settings", burst=1, message_rate=0.1)
    complete(slack, uploaded(slack), channel_id=INCIDENT)
    assert code(refused(complete, slack, uploaded(slack), channel_id=INCIDENT)) == "ratelimited"


def test_the_bot_can_delete_a_message_with_a_file(slack: Practice) -> None:
    complete(slack, uploaded(slack), channel_id=INCIDENT)
    (message,) = slack.client.conversations_history(channel=INCIDENT)["messages"]
    slack.client.chat_delete(channel=INCIDENT, ts=message["ts"])
    assert slack.client.conversations_history(channel=INCIDENT)["messages"] == []


def test_the_log_has_what_was_uploaded(slack: Practice) -> None:
    complete(slack, uploaded(slack), channel_id=INCIDENT)
    calls = [(entry["method"], entry["ok"]) for entry in slack.look("log")["entries"]]

    assert calls == [("files.getUploadURLExternal", True), ("upload", True), ("files.completeUploadExternal", True)]
    assert TEXT in [entry["body"].get("content") for entry in slack.look("log")["entries"]]
    assert json.dumps(slack.look("feed", user="UOLIVIA", since="0")["messages"]).count("trail.csv") > 0
