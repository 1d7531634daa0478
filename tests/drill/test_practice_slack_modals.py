"""Modals: from a trigger to a submission and what the app makes of it."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from tests.drill.practice_slack import (
    COMMAND,
    Practice,
    code,
    modal,
    refused,
    text_input,
    wait_until,
)

Body = dict[str, Any]


def opening(slack: Practice, view: Body | None = None) -> App:
    """An app that answers its command with a modal."""
    app = slack.app()

    def open_modal(ack: Ack, body: Body, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view or modal(private_metadata="step-1"))

    app.command(COMMAND)(open_modal)
    return app


def opened(slack: Practice) -> Body:
    """The modal that Olivia sees after typing the command."""
    slack.command()
    wait_until(lambda: bool(views(slack)))
    return views(slack)[0]


def views(slack: Practice) -> list[Body]:
    shown: list[Body] = slack.look("views", user="UOLIVIA")["views"]
    return shown


def submit(slack: Practice, view: Body, **values: Any) -> Any:
    order = {"user": "UOLIVIA", "view_id": view["id"], "values": values, "wait": True}
    return slack.order("submit", **order)


def trigger(slack: Practice) -> str:
    heard: list[str] = []
    app = slack.app()
    app.command(COMMAND)(lambda ack, body: heard.append(body["trigger_id"]) or ack())
    with slack.connected(app):
        slack.command()
        wait_until(lambda: bool(heard))
    return heard[0]


def test_a_modal_makes_the_round(slack: Practice) -> None:
    app = opening(slack)
    heard: list[Body] = []
    app.view("skip")(lambda ack, body: heard.append(body) or ack())
    with slack.connected(app):
        view = opened(slack)
        submit(slack, view, reason="Nobody sends by API.")
    (body,) = heard
    assert body["view"]["state"]["values"] == {
        "reason": {"text": {"type": "plain_text_input", "value": "Nobody sends by API."}}
    }
    assert body["view"]["private_metadata"] == "step-1"
    assert body["user"]["id"] == "UOLIVIA"
    assert views(slack) == []


def test_an_app_may_find_fault_with_what_was_entered(slack: Practice) -> None:
    app = opening(slack)
    app.view("skip")(lambda ack: ack(response_action="errors", errors={"reason": "Say more."}))
    with slack.connected(app):
        submit(slack, opened(slack), reason="no")
    assert views(slack)[0]["errors"] == {"reason": "Say more."}


def test_an_app_may_show_something_else(slack: Practice) -> None:
    app = opening(slack)
    other = modal(text_input("other"), callback_id="second")
    app.view("skip")(lambda ack: ack(response_action="update", view=other))
    with slack.connected(app):
        submit(slack, opened(slack), reason="because")
    assert views(slack)[0]["callback_id"] == "second"


def test_an_app_may_clear_it(slack: Practice) -> None:
    app = opening(slack)
    app.view("skip")(lambda ack: ack(response_action="clear"))
    with slack.connected(app):
        submit(slack, opened(slack), reason="because")
    assert views(slack) == []


def test_a_required_field_is_asked_for_before_the_app_hears_of_it(slack: Practice) -> None:
    with slack.connected(opening(slack)):
        answer = submit(slack, opened(slack))
    assert answer.status_code == 409
    assert answer.json()["errors"] == {"reason": "Please complete this required field."}


def test_an_unknown_field_is_a_malformed_order(slack: Practice) -> None:
    with slack.connected(opening(slack)):
        answer = submit(slack, opened(slack), reson="typo")
    assert answer.status_code == 400
    assert "reson" in answer.json()["error"]


def test_a_submission_that_nobody_acknowledges_leaves_the_modal_open(slack: Practice) -> None:
    slack.workspace.ack_seconds = 0.2
    with slack.connected(opening(slack)):
        assert submit(slack, opened(slack), reason="because").json()["state"] == "timed_out"
    assert "operation_timeout" in views(slack)[0]["notice"]


def test_an_open_modal_can_be_updated(slack: Practice) -> None:
    with slack.connected(opening(slack)):
        view = opened(slack)
    other = modal(callback_id="second")
    slack.client.views_update(view_id=view["id"], hash=view["hash"], view=other)
    assert views(slack)[0]["callback_id"] == "second"
    error = refused(slack.client.views_update, view_id=view["id"], hash=view["hash"], view=other)
    assert code(error) == "hash_conflict"


def test_closing_tells_the_app_that_asked_for_it(slack: Practice) -> None:
    app = opening(slack, modal(notify_on_close=True))
    heard: list[Body] = []
    app.view_closed("skip")(lambda ack, body: heard.append(body) or ack())
    with slack.connected(app):
        slack.order("close", user="UOLIVIA", view_id=opened(slack)["id"])
        wait_until(lambda: bool(heard))
    assert views(slack) == []


def test_a_trigger_expires_after_three_seconds(slack: Practice) -> None:
    trigger_id = trigger(slack)
    slack.clock.pass_by(3.1)
    error = refused(slack.client.views_open, trigger_id=trigger_id, view=modal())
    assert code(error) == "expired_trigger_id"


def test_a_trigger_opens_one_modal(slack: Practice) -> None:
    trigger_id = trigger(slack)
    slack.client.views_open(trigger_id=trigger_id, view=modal())
    error = refused(slack.client.views_open, trigger_id=trigger_id, view=modal())
    assert code(error) == "exchanged_trigger_id"


def test_a_made_up_trigger_opens_nothing(slack: Practice) -> None:
    error = refused(slack.client.views_open, trigger_id="1.2.abc", view=modal())
    assert code(error) == "invalid_trigger_id"
