"""Commands and clicks, from an order to a real Bolt app in Socket Mode and back."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from slack_bolt import Ack, App, Respond

from drill.slack.workspaces import GENERAL, INCIDENT, PARTNERS
from tests.drill.practice_slack import (
    COMMAND,
    Practice,
    actions,
    button,
    menu,
    practice_slack,
    refused,
    section,
    wait_until,
)

Body = dict[str, Any]


def listening(app: App, action_id: str = "approve") -> list[Body]:
    """What the app hears from now on, as it acknowledges it."""
    heard: list[Body] = []

    def hear(ack: Ack, body: Body) -> None:
        heard.append(body)
        ack()

    app.command(COMMAND)(hear)
    app.action(action_id)(hear)
    return heard


# Commands


def test_a_command_reaches_the_app(slack: Practice) -> None:
    heard = listening(app := slack.app())
    with slack.connected(app):
        answer = slack.command(text="a key leaked").json()
    assert answer["state"] == "acknowledged"
    (body,) = heard
    assert (body["user_id"], body["channel_name"], body["text"]) == ("UOLIVIA", "incident", "a key leaked")


def test_a_command_order_does_not_wait_unless_it_is_told_to(slack: Practice) -> None:
    app = slack.app()
    app.command(COMMAND)(lambda ack: time.sleep(1) or ack())
    with slack.connected(app):
        began = time.monotonic()
        answer = slack.order("command", user="UOLIVIA", channel=INCIDENT, command=COMMAND)
        assert time.monotonic() - began < 0.8
    assert "envelope_id" in answer.json()


def test_many_can_do_something_in_the_same_moment(slack: Practice) -> None:
    heard = listening(app := slack.app())
    ts = slack.post(blocks=[actions(button("approve"))])
    typed = {"do": "command", "user": "UOLIVIA", "channel": INCIDENT, "command": COMMAND, "wait": True}
    clicked = {"do": "click", "user": "USAM", "channel": INCIDENT, "ts": ts, "action_id": "approve", "wait": True}
    with slack.connected(app):
        outcomes = slack.order("at_once", orders=[typed, clicked]).json()["outcomes"]
    assert [outcome["state"] for outcome in outcomes] == ["acknowledged"] * 2
    assert len(heard) == 2


def test_what_an_app_says_as_it_acknowledges_is_private(slack: Practice) -> None:
    app = slack.app()
    app.command(COMMAND)(lambda ack: ack("No incident is open."))
    with slack.connected(app):
        slack.command()
    assert [shown["text"] for shown in slack.private()] == ["No incident is open."]
    assert slack.private("USAM") == []


def test_a_command_works_where_the_bot_is_not(slack: Practice) -> None:
    heard = listening(app := slack.app())
    with slack.connected(app):
        slack.command(channel=GENERAL)
        answer = requests.post(heard[0]["response_url"], json={"text": "Invite me."}, timeout=5)
    assert answer.status_code == 200
    shown = slack.look("messages", channel=GENERAL, user="UOLIVIA")["ephemerals"]
    assert [ephemeral["text"] for ephemeral in shown] == ["Invite me."]


def test_a_stranger_brings_their_own_team(slack: Practice) -> None:
    heard = listening(app := slack.app())
    with slack.connected(app):
        slack.command(user="URITA", channel=PARTNERS)
    assert heard[0]["team_id"] == "TPARTNER"


def test_without_an_app_the_person_is_told(slack: Practice) -> None:
    answer = slack.command()
    assert (answer.status_code, answer.json()["error"]) == (503, "app not connected")
    assert [shown["error"] for shown in slack.private()] == ["dispatch_failed"]
    assert slack.look("log")["entries"][-1]["state"] == "not_connected"


def test_a_silent_app_times_out(slack: Practice) -> None:
    slack.workspace.ack_seconds = 0.2
    app = slack.app()
    app.command(COMMAND)(lambda ack: time.sleep(0.6) or ack("too late"))
    with slack.connected(app):
        assert slack.command().json()["state"] == "timed_out"
        wait_until(lambda: slack.look("log")["entries"][-1]["acked_at"] is not None)
    (notice,) = slack.private()
    assert notice["text"] == f'{COMMAND} failed with the error "operation_timeout"'
    entry = slack.look("log")["entries"][-1]
    assert entry["state"] == "timed_out"
    assert entry["ack_ms"] > 500


# Clicks


def test_a_click_that_nobody_acknowledges_is_told_where_it_was_made(slack: Practice) -> None:
    slack.workspace.ack_seconds = 0.2
    parent = slack.post(blocks=[actions(button())])
    reply = slack.post(thread_ts=parent, blocks=[actions(button())])
    with slack.connected(slack.app()):
        for ts in (parent, reply):
            assert slack.click(ts, "approve").json()["state"] == "timed_out"
    assert [shown["thread_ts"] for shown in slack.private()] == [None, parent]
    assert {shown["text"] for shown in slack.private()} == {'Approve failed with the error "operation_timeout"'}


def test_a_click_carries_the_whole_message(slack: Practice) -> None:
    heard = listening(app := slack.app())
    thread = slack.post()
    metadata = {"event_type": "step", "event_payload": {"number": 1}}
    blocks = [section("Step 1"), actions(button(style="danger"), block_id="decision")]
    ts = slack.post(thread_ts=thread, blocks=blocks, metadata=metadata)
    with slack.connected(app):
        slack.click(ts, "approve", user="UPRIYA")
    (body,) = heard
    assert body["message"]["blocks"][0]["text"]["text"] == "Step 1"
    assert body["message"]["metadata"] == metadata
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": INCIDENT,
        "is_ephemeral": False,
        "thread_ts": thread,
    }
    (action,) = body["actions"]
    assert (action["block_id"], action["value"], action["style"]) == ("decision", "1", "danger")
    assert body["user"]["id"] == "UPRIYA"


def test_a_strangers_click_carries_their_team(slack: Practice) -> None:
    heard = listening(app := slack.app())
    ts = slack.post(channel=PARTNERS, blocks=[actions(button())])
    with slack.connected(app):
        slack.click(ts, "approve", user="URITA", channel=PARTNERS)
    assert heard[0]["user"]["team_id"] == "TPARTNER"


def test_a_button_that_is_gone_cannot_be_clicked(slack: Practice) -> None:
    ts = slack.post(blocks=[actions(button())])
    slack.client.chat_update(channel=INCIDENT, ts=ts, text="done", blocks=[section("done")])
    answer = slack.click(ts, "approve")
    assert answer.status_code == 404
    assert "as it stands now" in answer.json()["error"]


def test_of_several_buttons_the_value_tells_which(slack: Practice) -> None:
    heard = listening(app := slack.app())
    ts = slack.post(blocks=[actions(button(value="1")), actions(button(value="2"))])
    with slack.connected(app):
        assert slack.click(ts, "approve").status_code == 409
        slack.click(ts, "approve", value="2")
    assert [body["actions"][0]["value"] for body in heard] == ["2"]


def test_a_confirmation_comes_before_the_click(slack: Practice) -> None:
    heard = listening(app := slack.app())
    words = {name: {"type": "plain_text", "text": name} for name in ("title", "text", "confirm", "deny")}
    ts = slack.post(blocks=[actions(button(confirm=words))])
    with slack.connected(app):
        answer = slack.click(ts, "approve")
        assert (answer.status_code, answer.json()["confirm"]) == (409, words)
        assert heard == []
        slack.click(ts, "approve", confirmed=True)
    assert len(heard) == 1


def test_a_menu_gives_the_option_that_was_chosen(slack: Practice) -> None:
    heard = listening(app := slack.app(), "menu")
    ts = slack.post(blocks=[actions(menu("a", "b"), block_id="who")])
    with slack.connected(app):
        slack.click(ts, "menu", value="b")
    (body,) = heard
    (action,) = body["actions"]
    chosen = {"text": {"type": "plain_text", "text": "B"}, "value": "b"}
    assert {name: action[name] for name in ("type", "action_id", "block_id", "selected_option")} == {
        "type": "static_select",
        "action_id": "menu",
        "block_id": "who",
        "selected_option": chosen,
    }
    assert float(action["action_ts"]) > float(ts)
    assert body["container"]["message_ts"] == ts
    assert body["state"]["values"] == {"who": {"menu": {"type": "static_select", "selected_option": chosen}}}


def test_a_menu_of_people_gives_whoever_was_chosen(slack: Practice) -> None:
    heard = listening(app := slack.app(), "menu")
    ts = slack.post(blocks=[section() | {"accessory": menu(), "block_id": "who"}])
    with slack.connected(app):
        slack.click(ts, "menu", value="UGRETA")
    (body,) = heard
    (action,) = body["actions"]
    assert (action["type"], action["block_id"], action["selected_user"]) == ("users_select", "who", "UGRETA")
    assert "value" not in action
    assert body["state"]["values"] == {"who": {"menu": {"type": "users_select", "selected_user": "UGRETA"}}}


def test_somebody_who_left_since_the_menu_was_drawn_can_be_chosen(slack: Practice) -> None:
    heard = listening(app := slack.app(), "menu")
    ts = slack.post(blocks=[actions(menu())])
    slack.patch("users/USAM", deleted=True)
    with slack.connected(app):
        slack.click(ts, "menu", value="USAM")
    assert heard[0]["actions"][0]["selected_user"] == "USAM"


@pytest.mark.parametrize("drawn", [menu("a", "b"), menu()])
@pytest.mark.parametrize("value", ["c", None])
def test_what_a_menu_does_not_offer_cannot_be_chosen(slack: Practice, drawn: Body, value: str | None) -> None:
    heard = listening(app := slack.app(), "menu")
    ts = slack.post(blocks=[actions(drawn)])
    with slack.connected(app):
        answer = slack.click(ts, "menu", value=value)
    assert (answer.status_code, heard) == (400, [])
    assert answer.json()["error"].startswith("there is no")


def test_of_several_menus_the_block_tells_which(slack: Practice) -> None:
    heard = listening(app := slack.app(), "menu")
    ts = slack.post(blocks=[actions(menu(), block_id=block_id) for block_id in ("one", "two")])
    with slack.connected(app):
        assert slack.click(ts, "menu", value="USAM").status_code == 409
        slack.click(ts, "menu", value="USAM", block_id="two")
    assert [body["actions"][0]["block_id"] for body in heard] == ["two"]


def test_a_choice_may_ask_for_a_confirmation_first(slack: Practice) -> None:
    heard = listening(app := slack.app(), "menu")
    words = {name: {"type": "plain_text", "text": name} for name in ("title", "text", "confirm", "deny")}
    ts = slack.post(blocks=[actions(menu("a", confirm=words))])
    with slack.connected(app):
        assert slack.click(ts, "menu", value="a").status_code == 409
        slack.click(ts, "menu", value="a", confirmed=True)
    assert len(heard) == 1


def test_an_ephemeral_can_be_clicked_and_comes_without_its_message(slack: Practice) -> None:
    heard = listening(app := slack.app())
    ts = slack.client.chat_postEphemeral(channel=INCIDENT, user="UOLIVIA", text="x", blocks=[actions(button())])[
        "message_ts"
    ]
    with slack.connected(app):
        assert slack.click(ts, "approve", user="USAM").status_code == 404
        slack.click(ts, "approve")
    (body,) = heard
    assert body["container"]["is_ephemeral"]
    assert "message" not in body


# Answers through a response_url


def test_an_answer_can_replace_or_delete_what_was_clicked(slack: Practice) -> None:
    app = slack.app()

    def react(ack: Ack, respond: Respond, body: Body) -> None:
        ack()
        if body["actions"][0]["value"] == "replace":
            respond(text="replaced", replace_original=True)
        else:
            respond(delete_original=True)

    app.action("approve")(react)
    first, second = (slack.post(blocks=[actions(button(value=value))]) for value in ("replace", "delete"))
    with slack.connected(app):
        for ts in (first, second):
            slack.click(ts, "approve")
        wait_until(lambda: _texts(slack) == ["replaced"])


def test_an_ephemeral_can_be_replaced_by_its_answer(slack: Practice) -> None:
    app = slack.app()

    def react(ack: Ack, respond: Respond) -> None:
        ack()
        respond(text="Noted.", replace_original=True)

    app.action("approve")(react)
    ts = slack.client.chat_postEphemeral(channel=INCIDENT, user="UOLIVIA", text="x", blocks=[actions(button())])[
        "message_ts"
    ]
    with slack.connected(app):
        slack.click(ts, "approve")
        wait_until(lambda: [shown["text"] for shown in slack.private()] == ["Noted."])


def test_a_response_url_is_good_for_five_answers(slack: Practice) -> None:
    url = _response_url(slack)
    codes = [requests.post(url, json={"text": "again"}, timeout=5).status_code for _ in range(6)]
    assert codes == [200] * 5 + [404]


def test_a_response_url_expires(slack: Practice) -> None:
    url = _response_url(slack)
    slack.clock.pass_by(31 * 60)
    answer = requests.post(url, json={"text": "late"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (404, "expired_url")


def test_an_answer_can_be_for_the_channel(slack: Practice) -> None:
    answer = {"text": "reports a compromise", "response_type": "in_channel"}
    requests.post(_response_url(slack), json=answer, timeout=5)
    assert _texts(slack) == ["reports a compromise"]


def test_answers_are_held_to_the_limits(slack: Practice) -> None:
    answer = requests.post(_response_url(slack), json={"blocks": [section("x" * 3001)]}, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_blocks")


# Connections


def test_events_take_turns_over_the_connections(slack: Practice) -> None:
    heard = listening(app := slack.app())
    other_heard = listening(other := slack.app())
    with slack.connected(app), slack.connected(other):
        for _ in range(4):
            slack.command()
    assert (len(heard), len(other_heard)) == (2, 2)


def test_it_is_known_when_the_newest_connection_opened(slack: Practice) -> None:
    began = time.time()
    with slack.connected(slack.app()):
        connections = slack.look("connections")

    assert connections["open"] == 1
    assert began < connections["newest_at"] < time.time()


def test_when_one_connection_goes_the_others_go_on(slack: Practice) -> None:
    heard = listening(app := slack.app())
    with slack.connected(app):
        with slack.connected(slack.app()):
            pass
        wait_until(lambda: slack.look("feed", user="UOLIVIA", since="0")["app_connections"] == 1)
        for _ in range(3):
            slack.command()
    assert len(heard) == 3


def test_pings_are_answered(slack: Practice) -> None:
    with slack.connected(slack.app()) as handler:
        session = handler.client.current_session
        wait_until(lambda: session.last_ping_pong_time is not None)


def test_an_address_for_a_socket_is_good_for_one_connection(slack: Practice) -> None:
    with slack.connected(slack.app()) as handler:
        used = handler.client.wss_uri.replace("ws://", "http://")
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        answer = requests.get(used, headers=upgrade | {"Sec-WebSocket-Key": "x" * 22 + "=="}, timeout=5)
    assert answer.status_code == 403


def test_the_log_has_calls_and_events_in_order() -> None:
    with practice_slack() as slack:
        listening(app := slack.app())
        with slack.connected(app):
            slack.command()
            slack.post(text="hello")
            refused(slack.post, channel=GENERAL)
        entries = slack.look("log", after="2")["entries"]
    assert [(entry["kind"], entry.get("method") or entry["type"]) for entry in entries] == [
        ("event", "slash_commands"),
        ("call", "chat.postMessage"),
        ("call", "chat.postMessage"),
    ]
    assert entries[0]["ack_ms"] < 3000
    assert entries[1]["body"]["text"] == "hello"
    assert (entries[1]["ok"], entries[2]["error"]) == (True, "not_in_channel")


def _texts(slack: Practice) -> list[str]:
    messages = slack.look("messages", channel=INCIDENT)["messages"]
    return [message["text"] for message in messages]


def _response_url(slack: Practice) -> str:
    heard = listening(app := slack.app())
    with slack.connected(app):
        slack.command()
    return str(heard[0]["response_url"])
