"""Who is in the practice Slack, as it tells the app, and what changes about people while the app runs."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from drill.slack.api.endpoint import METHODS
from drill.slack.workspaces import INCIDENT
from tests.drill.practice_slack import Practice, code, practice_slack, refused

KINDS = ["UOLIVIA", "UGRETA", "UFINN", "URITA", "UBOT", "USLACKBOT"]


def members(slack: Practice) -> dict[str, dict[str, Any]]:
    return {member["id"]: member for member in slack.client.users_list(limit=1000)["members"]}


# The list


@pytest.mark.parametrize("user", KINDS)
def test_the_list_shows_everybody_as_asking_for_them_does(slack: Practice, user: str) -> None:
    assert members(slack)[user] == slack.client.users_info(user=user)["user"]


def test_of_the_deactivated_little_is_left(slack: Practice) -> None:
    finn = members(slack)["UFINN"]
    assert finn.keys() == {"id", "team_id", "name", "deleted", "is_bot", "is_app_user", "profile"}
    assert (finn["deleted"], finn["profile"]["real_name"]) == (True, "Finn Former")


def test_slackbot_does_not_say_that_it_is_a_bot(slack: Practice) -> None:
    slackbot = members(slack)["USLACKBOT"]
    assert (slackbot["is_bot"], slackbot["deleted"]) == (False, False)
    assert code(refused(slack.client.conversations_open, users="USLACKBOT")) == "cannot_dm_bot"


def test_the_list_has_addresses_only_with_their_scope(slack: Practice) -> None:
    assert members(slack)["USAM"]["profile"]["email"] == "sam@example.com"
    slack.workspace.app.scopes.discard("users:read.email")
    assert not [member for member in members(slack).values() if "email" in member["profile"]]


def test_the_list_needs_its_scope(slack: Practice) -> None:
    slack.workspace.app.scopes.discard("users:read")
    assert refused(slack.client.users_list).response["needed"] == "users:read"


def test_pages_follow_one_another_in_the_same_order_to_an_empty_cursor(slack: Practice) -> None:
    found, cursor = [], None
    while cursor != "":
        page = slack.client.users_list(limit=3, cursor=cursor)
        found += [member["id"] for member in page["members"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert found == list(members(slack))


def test_the_list_is_asked_for_by_form_or_query(slack: Practice) -> None:
    url, header = f"{slack.url}/api/users.list", {"Authorization": f"Bearer {slack.client.token}"}
    form = requests.post(url, data={"limit": 2}, headers=header, timeout=5).json()
    query = requests.post(f"{url}?limit=2", headers=header, timeout=5).json()
    assert len(form["members"]) == 2
    assert form["members"] == query["members"]


@pytest.mark.parametrize("cursor", ["nonsense", "bm9uZQ==", base64.b64encode(b"next:-2").decode(), "é"])
def test_a_made_up_cursor_is_refused(slack: Practice, cursor: str) -> None:
    assert code(refused(slack.client.users_list, cursor=cursor)) == "invalid_cursor"


@pytest.mark.parametrize("limit", [1001, -1])
def test_a_page_has_at_most_a_thousand(slack: Practice, limit: int) -> None:
    assert code(refused(slack.client.users_list, limit=limit)) == "invalid_limit"


# Rates


def test_without_tiers_people_can_be_looked_up_as_often_as_one_likes(slack: Practice) -> None:
    for _ in range(30):
        slack.client.users_list(limit=1)


def test_the_list_is_in_tier_2() -> None:
    with practice_slack(tiers=True) as slack:
        for _ in range(20):
            slack.client.users_list(limit=1)
        error = refused(slack.client.users_list, limit=1)
        assert (error.response.status_code, code(error)) == (429, "ratelimited")
        assert error.response.headers["Retry-After"] == "3"
        slack.clock.pass_by(3)
        slack.client.users_list(limit=1)


def test_looking_up_an_address_is_in_tier_3(slack: Practice) -> None:
    slack.patch("settings", tiers=True)
    for _ in range(50):
        slack.client.users_lookupByEmail(email="sam@example.com")
    assert code(refused(slack.client.users_lookupByEmail, email="sam@example.com")) == "ratelimited"


def test_redrawing_is_in_tier_3_wherever_the_messages_are() -> None:
    with practice_slack(tiers=True) as slack:
        places = [(INCIDENT, slack.post()), ("DSAM", slack.post(channel="USAM"))]
        for number in range(50):
            channel, ts = places[number % 2]
            slack.client.chat_update(channel=channel, ts=ts, text="x")
        for channel, ts in places:
            assert code(refused(slack.client.chat_update, channel=channel, ts=ts, text="x")) == "ratelimited"


def test_every_method_is_in_a_tier_save_posting_which_is_counted_by_channel() -> None:
    assert [name for name, method in METHODS.items() if method.tier is None] == ["chat.postMessage"]


def test_a_rate_of_the_runs_own_goes_before_the_tiers() -> None:
    with practice_slack(tiers=True, method_rates={"users.list": 1}) as slack:
        slack.client.users_list()
        assert code(refused(slack.client.users_list)) == "ratelimited"


# Changes


def test_somebody_who_leaves_is_not_found_until_they_are_back(slack: Practice) -> None:
    slack.patch("users/USAM", deleted=True)
    assert code(refused(slack.client.users_lookupByEmail, email="sam@example.com")) == "users_not_found"
    assert code(refused(slack.client.conversations_open, users="USAM")) == "user_disabled"
    slack.patch("users/USAM", deleted=False)
    assert slack.client.users_lookupByEmail(email="sam@example.com")["user"]["id"] == "USAM"
    slack.post(channel="USAM")


def test_an_address_that_somebody_left_behind_finds_who_has_it_now(slack: Practice) -> None:
    slack.patch("users/UDANA", email="finn@example.com")
    assert slack.client.users_lookupByEmail(email="FINN@example.com")["user"]["id"] == "UDANA"
    assert code(refused(slack.client.users_lookupByEmail, email="dana@example.com")) == "users_not_found"


def test_an_address_can_be_taken_away(slack: Practice) -> None:
    slack.patch("users/USAM", email="")
    assert "email" not in slack.client.users_info(user="USAM")["user"]["profile"]


def test_somebody_moves_to_another_time_zone(slack: Practice) -> None:
    slack.patch("users/USAM", tz="Asia/Tokyo")
    sam = slack.client.users_info(user="USAM")["user"]
    assert (sam["tz"], sam["tz_offset"]) == ("Asia/Tokyo", 9 * 3600)


@pytest.mark.parametrize("error", ["messages_tab_disabled", "cannot_dm_bot"])
def test_a_direct_message_may_be_refused_altogether_and_again_allowed(slack: Practice, error: str) -> None:
    slack.patch("users/USAM", dm_refusal=error)
    assert code(refused(slack.client.conversations_open, users="USAM")) == error
    assert code(refused(slack.post, channel="USAM")) == error
    slack.post(channel="UDANA")
    slack.patch("users/USAM", dm_refusal="")
    slack.post(channel="USAM")


def test_a_closed_direct_message_opens_and_takes_nothing(slack: Practice) -> None:
    slack.patch("users/USAM", dm_closed=True)
    dm = slack.client.conversations_open(users="USAM")["channel"]["id"]
    assert code(refused(slack.post, channel=dm)) == "restricted_action"
