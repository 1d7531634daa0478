"""The practice Slack's Web API, seen through slack_sdk's own client."""

from __future__ import annotations

import pytest

from drill.slack.workspaces import GENERAL, INCIDENT, PARTNERS
from tests.drill.practice_slack import Practice, button, code, practice_slack, refused, section

METADATA = {"event_type": "audit", "event_payload": {"number": 7}}


# Tokens and scopes


def test_auth_test_tells_who_the_bot_is(slack: Practice) -> None:
    answer = slack.client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("TEXAMPLE", "UBOT", "BMAILGUN")


def test_a_call_without_a_token_is_refused(slack: Practice) -> None:
    assert code(refused(slack.client_with(None).auth_test)) == "not_authed"


def test_a_wrong_token_is_refused(slack: Practice) -> None:
    assert code(refused(slack.client_with("xoxb-wrong").auth_test)) == "invalid_auth"


def test_socket_mode_wants_the_app_token(slack: Practice) -> None:
    error = refused(slack.client.apps_connections_open, app_token=slack.workspace.app.bot_token)
    assert code(error) == "not_allowed_token_type"


def test_a_scope_that_the_manifest_lacks_is_named(slack: Practice) -> None:
    slack.workspace.app.scopes.discard("chat:write")
    error = refused(slack.post)
    assert code(error) == "missing_scope"
    assert error.response["needed"] == "chat:write"
    assert "im:write" in error.response["provided"]


def test_the_history_of_a_direct_message_needs_its_own_scope(slack: Practice) -> None:
    dm = slack.client.conversations_open(users="USAM")["channel"]["id"]
    slack.workspace.app.scopes.discard("im:history")
    assert refused(slack.client.conversations_history, channel=dm).response["needed"] == "im:history"
    assert slack.client.conversations_history(channel=INCIDENT)["ok"]


def test_an_unknown_method_is_refused(slack: Practice) -> None:
    assert code(refused(slack.client.api_call, "chat.shout")) == "unknown_method"


# People


def test_people_are_found_by_email(slack: Practice) -> None:
    assert slack.client.users_lookupByEmail(email="Sam@example.com")["user"]["id"] == "USAM"


@pytest.mark.parametrize("email", ["nobody@example.com", "finn@example.com", "rita@partner.example"])
def test_strangers_and_the_deactivated_are_not_found_by_email(slack: Practice, email: str) -> None:
    assert code(refused(slack.client.users_lookupByEmail, email=email)) == "users_not_found"


def test_addresses_are_hidden_without_their_scope(slack: Practice) -> None:
    slack.workspace.app.scopes.discard("users:read.email")
    assert "email" not in slack.client.users_info(user="USAM")["user"]["profile"]


def test_the_list_of_users_comes_in_pages(slack: Practice) -> None:
    first = slack.client.users_list(limit=4)
    rest = slack.client.users_list(limit=100, cursor=first["response_metadata"]["next_cursor"])
    ids = [member["id"] for member in [*first["members"], *rest["members"]]]
    assert len(first["members"]) == 4
    assert sorted(ids) == sorted(slack.workspace.users)


def test_a_group_tells_its_members(slack: Practice) -> None:
    slack.patch("usergroups/SSECOPS", users=["UDANA"])
    assert slack.client.usergroups_users_list(usergroup="SSECOPS")["users"] == ["UDANA"]
    assert code(refused(slack.client.usergroups_users_list, usergroup="SNONE")) == "no_such_subteam"


# Conversations


def test_a_shared_channel_says_so(slack: Practice) -> None:
    channel = slack.client.conversations_info(channel=PARTNERS)["channel"]
    assert channel["is_ext_shared"]
    assert channel["is_member"]


def test_a_private_channel_without_the_bot_does_not_exist_for_it(slack: Practice) -> None:
    slack.patch(f"channels/{GENERAL}", is_private=True)
    assert code(refused(slack.client.conversations_info, channel=GENERAL)) == "channel_not_found"


def test_opening_a_direct_message_twice_gives_the_same_one(slack: Practice) -> None:
    first, second = (slack.client.conversations_open(users="USAM")["channel"]["id"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("user", "error"),
    [("UBOT", "cannot_dm_bot"), ("UNOBODY", "user_not_found"), ("UFINN", "user_disabled")],
)
def test_some_direct_messages_cannot_be_opened(slack: Practice, user: str, error: str) -> None:
    assert code(refused(slack.client.conversations_open, users=user)) == error


def test_history_is_newest_first_without_replies_in_pages(slack: Practice) -> None:
    posted = [slack.post() for _ in range(3)]
    slack.post(thread_ts=posted[0])
    first = slack.client.conversations_history(channel=INCIDENT, limit=2)
    cursor = first["response_metadata"]["next_cursor"]
    rest = slack.client.conversations_history(channel=INCIDENT, limit=2, cursor=cursor)
    shown = [message["ts"] for message in [*first["messages"], *rest["messages"]]]
    assert shown == posted[::-1]


def test_a_thread_begins_with_its_first_message_and_counts_its_replies(slack: Practice) -> None:
    parent = slack.post()
    answers = [slack.post(thread_ts=parent) for _ in range(2)]
    messages = slack.client.conversations_replies(channel=INCIDENT, ts=parent)["messages"]
    assert [message["ts"] for message in messages] == [parent, *answers]
    assert messages[0]["reply_count"] == 2


def test_metadata_comes_back_only_when_asked_for(slack: Practice) -> None:
    slack.post(metadata=METADATA)
    plain = slack.client.conversations_history(channel=INCIDENT)["messages"][0]
    whole = slack.client.conversations_history(channel=INCIDENT, include_all_metadata=True)["messages"][0]
    assert "metadata" not in plain
    assert whole["metadata"] == METADATA


def test_history_lags_as_ordered(slack: Practice) -> None:
    slack.patch("settings", lag=5)
    slack.post()
    assert slack.client.conversations_history(channel=INCIDENT)["messages"] == []
    slack.clock.pass_by(6)
    assert len(slack.client.conversations_history(channel=INCIDENT)["messages"]) == 1


# Messages


def test_timestamps_are_unique_and_increasing(slack: Practice) -> None:
    posted = [slack.post() for _ in range(10)]
    assert posted == sorted(set(posted))


def test_posting_where_the_bot_is_not_is_refused(slack: Practice) -> None:
    assert code(refused(slack.post, channel=GENERAL)) == "not_in_channel"
    assert code(refused(slack.post, channel="CNONE")) == "channel_not_found"


def test_posting_in_an_archived_channel_is_refused(slack: Practice) -> None:
    slack.patch(f"channels/{INCIDENT}", is_archived=True)
    assert code(refused(slack.post)) == "is_archived"


def test_a_message_to_a_user_id_lands_in_their_direct_message(slack: Practice) -> None:
    answer = slack.client.chat_postMessage(channel="USAM", text="hello")
    assert answer["channel"] == slack.client.conversations_open(users="USAM")["channel"]["id"]


def test_without_the_messages_tab_nobody_gets_a_direct_message(slack: Practice) -> None:
    slack.workspace.app.messages_tab_enabled = False
    dm = slack.client.conversations_open(users="USAM")["channel"]["id"]
    assert code(refused(slack.post, channel=dm)) == "messages_tab_disabled"


def test_a_closed_direct_message_takes_nothing(slack: Practice) -> None:
    dm = slack.client.conversations_open(users="USAM")["channel"]["id"]
    slack.patch("users/USAM", dm_closed=True)
    assert code(refused(slack.post, channel=dm)) == "restricted_action"


def test_the_direct_message_of_somebody_who_left_takes_nothing(slack: Practice) -> None:
    dm = slack.client.conversations_open(users="USAM")["channel"]["id"]
    slack.patch("users/USAM", deleted=True)
    assert code(refused(slack.post, channel=dm)) == "is_archived"


def test_a_reply_to_a_message_that_is_not_there_is_refused(slack: Practice) -> None:
    assert code(refused(slack.post, thread_ts="1.000001")) == "thread_not_found"


def test_an_update_marks_the_message_and_keeps_its_metadata(slack: Practice) -> None:
    ts = slack.post(metadata=METADATA)
    message = slack.client.chat_update(channel=INCIDENT, ts=ts, text="other words")["message"]
    assert message["text"] == "other words"
    assert message["edited"]["user"] == "UBOT"
    assert message["metadata"] == METADATA


def test_a_text_without_blocks_takes_the_blocks_away(slack: Practice) -> None:
    ts = slack.post(blocks=[section()])
    assert "blocks" not in slack.client.chat_update(channel=INCIDENT, ts=ts, text="gone")["message"]


def test_only_its_own_messages_are_the_bots_to_change(slack: Practice) -> None:
    ts = slack.order("post", user="USAM", channel=INCIDENT, text="mine").json()["ts"]
    update = refused(slack.client.chat_update, channel=INCIDENT, ts=ts, text="no")
    assert code(update) == "cant_update_message"
    assert code(refused(slack.client.chat_delete, channel=INCIDENT, ts=ts)) == "cant_delete_message"


def test_a_deleted_message_is_gone(slack: Practice) -> None:
    ts = slack.post()
    slack.client.chat_delete(channel=INCIDENT, ts=ts)
    assert slack.client.conversations_history(channel=INCIDENT)["messages"] == []
    error = refused(slack.client.chat_update, channel=INCIDENT, ts=ts, text="no")
    assert code(error) == "message_not_found"


def test_an_ephemeral_is_for_one_person(slack: Practice) -> None:
    slack.client.chat_postEphemeral(channel=INCIDENT, user="USAM", text="psst")
    assert [shown["text"] for shown in slack.private("USAM")] == ["psst"]
    assert slack.private("UOLIVIA") == []


def test_an_ephemeral_needs_somebody_who_is_there(slack: Practice) -> None:
    error = refused(slack.client.chat_postEphemeral, channel=INCIDENT, user="UGRETA", text="psst")
    assert code(error) == "user_not_in_channel"


def test_a_permalink_leads_to_the_message_on_the_page(slack: Practice) -> None:
    ts = slack.post()
    link = slack.client.chat_getPermalink(channel=INCIDENT, message_ts=ts)["permalink"]
    assert link == f"{slack.url}/archives/{INCIDENT}/p{ts.replace('.', '')}"


def test_blocks_get_the_ids_that_they_lack(slack: Practice) -> None:
    blocks = [{"type": "actions", "elements": [{key: button()[key] for key in ("type", "text")}]}]
    shown = slack.client.chat_postMessage(channel=INCIDENT, text="x", blocks=blocks)["message"]["blocks"][0]
    assert shown["block_id"]
    assert shown["elements"][0]["action_id"]


# Rates


def test_after_the_burst_a_channel_takes_a_message_a_second() -> None:
    with practice_slack(burst=3, message_rate=1.0) as slack:
        for _ in range(3):
            slack.post()
        error = refused(slack.post)
        assert (error.response.status_code, code(error)) == (429, "ratelimited")
        assert error.response.headers["Retry-After"] == "1"
        slack.clock.pass_by(1)
        slack.post()


def test_each_channel_has_its_own_rate() -> None:
    with practice_slack(burst=1) as slack:
        slack.post()
        slack.post(channel="USAM")


def test_a_run_may_change_the_rates(slack: Practice) -> None:
    slack.patch("settings", method_rates={"users.lookupByEmail": 1})
    slack.client.users_lookupByEmail(email="sam@example.com")
    assert code(refused(slack.client.users_lookupByEmail, email="sam@example.com")) == "ratelimited"


# Faults


def test_a_fault_can_name_a_method(slack: Practice) -> None:
    slack.order("faults", match={"path": "chat.postMessage"}, when="after", do="500")
    error = refused(slack.post)
    assert error.response.status_code == 500
    assert len(slack.client.conversations_history(channel=INCIDENT)["messages"]) == 1
