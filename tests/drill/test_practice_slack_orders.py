"""Orders to the practice Slack: what they show and change, and how a bad one is answered."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from drill.slack.workspaces import GENERAL, INCIDENT
from tests.drill.practice_slack import COMMAND, Practice, actions, button

TYPED = {"user": "UOLIVIA", "channel": INCIDENT, "command": COMMAND}


def test_messages_are_shown_with_their_threads_and_edits(slack: Practice) -> None:
    first = slack.post(text="first")
    slack.post(text="reply", thread_ts=first)
    slack.post(text="second")
    slack.client.chat_update(channel=INCIDENT, ts=first, text="changed")
    messages = slack.look("messages", channel=INCIDENT)["messages"]
    assert [message["text"] for message in messages] == ["changed", "second"]
    assert [reply["text"] for reply in messages[0]["replies"]] == ["reply"]
    assert "edited" in messages[0]


def test_a_direct_message_can_be_looked_up_by_its_person(slack: Practice) -> None:
    slack.post(channel="USAM", text="for Sam")
    assert slack.look("messages", channel="USAM")["messages"][0]["text"] == "for Sam"


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({**TYPED, "channel": None}, 400),
        ({**TYPED, "text": 7}, 400),
        ({**TYPED, "txt": "x"}, 400),
        ({**TYPED, "command": "mailgun-compromised"}, 400),
        ({**TYPED, "thread_ts": "1.000001"}, 400),
        ({**TYPED, "command": "/mailgun"}, 404),
        ({**TYPED, "user": "UNOBODY"}, 404),
        ({**TYPED, "channel": "CNONE"}, 404),
        ({**TYPED, "user": "UFINN"}, 403),
        ({**TYPED, "user": "URITA"}, 403),
    ],
)
def test_an_order_that_cannot_be_followed_is_answered_in_words(
    slack: Practice, order: dict[str, Any], status: int
) -> None:
    answer = slack.order("command", **order)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert slack.look("log")["entries"] == []


@pytest.mark.parametrize("orders", [None, {"do": "command"}, [7], [TYPED], [{**TYPED, "do": "shout"}]])
def test_what_cannot_be_done_at_once_is_answered_in_words(slack: Practice, orders: object) -> None:
    answer = slack.order("at_once", orders=orders)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_what_is_not_json_is_answered_in_words(slack: Practice) -> None:
    answer = requests.post(f"{slack.url}/_drill/click", data=b"{", timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"error": "the order is not JSON"})


def test_somebody_can_be_deactivated(slack: Practice) -> None:
    slack.patch("users/USAM", deleted=True)
    assert slack.client.users_info(user="USAM")["user"]["deleted"]


def test_the_bot_can_be_invited(slack: Practice) -> None:
    slack.patch(f"channels/{GENERAL}", bot_is_member=True)
    slack.post(channel=GENERAL)


@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("users/UNOBODY", {"deleted": True}, 404),
        ("users/USAM", {"deleted": "yes"}, 400),
        ("users/USAM", {"tz": "Mars/Olympus"}, 400),
        ("usergroups/SSECOPS", {"users": ["UNOBODY"]}, 400),
        ("settings", {"speed": 3}, 400),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(
    slack: Practice, path: str, changes: dict[str, Any], status: int
) -> None:
    before = slack.client.users_info(user="USAM")["user"]
    assert slack.patch(path, **changes).status_code == status
    assert slack.client.users_info(user="USAM")["user"] == before


def test_the_feed_tells_only_what_changed(slack: Practice) -> None:
    kept = slack.post()
    version = slack.look("feed", user="UOLIVIA", since="0")["version"]
    assert not slack.look("feed", user="UOLIVIA", since=str(version))["changed"]
    gone = slack.post()
    slack.client.chat_delete(channel=INCIDENT, ts=gone)
    news = slack.look("feed", user="UOLIVIA", since=str(version))["messages"]
    assert [(message["ts"], message["deleted"]) for message in news] == [(gone, True)]
    assert kept != gone


def test_nobodys_feed_shows_what_is_private_to_another(slack: Practice) -> None:
    slack.client.chat_postEphemeral(channel=INCIDENT, user="USAM", text="psst", blocks=[actions(button())])
    slack.post(channel="USAM", text="for Sam")
    feed = slack.look("feed", user="UOLIVIA", since="0")
    assert feed["ephemerals"] == []
    assert feed["messages"] == []


def test_the_page_is_served_whole(slack: Practice) -> None:
    page = requests.get(slack.url, timeout=5)
    assert "Practice Slack" in page.text
    for name in ("page.js", "blocks.js", "dialogs.js", "dom.js", "mrkdwn.js", "page.css"):
        assert requests.get(f"{slack.url}/static/{name}", timeout=5).status_code == 200


def test_a_permalink_opens_the_page_there(slack: Practice) -> None:
    ts = slack.post()
    link = slack.client.chat_getPermalink(channel=INCIDENT, message_ts=ts)["permalink"]
    answer = requests.get(link, timeout=5, allow_redirects=False)
    assert answer.headers["location"] == f"/#{INCIDENT}/{ts}"
