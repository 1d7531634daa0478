"""Opening an incident: who may, where, and what everybody else is told."""

from collections.abc import Callable

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Refused, Uncertain
from recovery.ports import ChannelFacts
from recovery.state import IncidentStatus, StepStatus
from recovery.steps import STEPS
from recovery.text import Channel
from tests.recovery.world import World


def is_open(world: World) -> bool:
    with world.database.read() as tx:
        return tx.incidents.open_one() is not None


def test_opening_plans_every_step_and_locks_the_last(world: World) -> None:
    world.opened()

    assert [world.status(str(n)) for n in range(1, 8)] == [
        *[StepStatus.WAITING] * 4,
        StepStatus.LOCKED,
        *[StepStatus.WAITING] * 2,
    ]
    assert world.incident.requester_id == "U-REQ"
    assert world.trail()[0].facts.action is Action.OPENED


def test_what_was_typed_is_the_description(world: World) -> None:
    world.type("somebody sends spam in our name", by="U-REQ")
    world.work()

    assert world.incident.description == "somebody sends spam in our name"
    assert "somebody sends spam in our name" in world.board


def test_a_second_opening_is_answered_with_a_link_to_the_first(world: World) -> None:
    world.opened().draw()
    answer = world.type("", by="U-APP")

    assert "open already" in answer and "https://slack.example/C-OPS" in answer
    assert world.incident.requester_id == "U-REQ"


def test_two_openings_at_once_open_one(world: World) -> None:
    world.ask(Ask.OPEN, "U-REQ")
    world.ask(Ask.OPEN, "U-APP")
    world.work()

    with world.database.read() as tx:
        assert len(tx.incidents.in_status(IncidentStatus.OPEN)) == 1


def test_who_may_not_open_one_is_told_and_the_channel_gets_a_start_button(world: World) -> None:
    answer = world.type("odd bounces since noon", by="U-STRANGER")
    world.work()

    (report,) = world.slack.of_kind(MarkerKind.REPORT, "C-OPS")
    assert not is_open(world)
    assert "not among" in answer
    assert "U-STRANGER" in report.words and "odd bounces since noon" in report.words and "Start" in report.words


def test_who_presses_start_is_the_requester_and_the_report_is_the_description(world: World) -> None:
    world.type("odd bounces since noon", by="U-STRANGER")
    world.work()
    (report,) = world.slack.of_kind(MarkerKind.REPORT, "C-OPS")
    world.press(Ask.OPEN, by="U-REQ", **report.content.buttons[0].about)

    assert world.incident.requester_id == "U-REQ"
    assert world.incident.description == "odd bounces since noon"


def test_start_under_a_report_that_an_ended_incident_came_after_says_so(world: World) -> None:
    world.type("odd bounces since noon", by="U-STRANGER")
    world.opened().draw()
    world.type("cancel it was a newsletter")
    answer = world.press(Ask.OPEN, by="U-REQ", request="1")

    assert not is_open(world)
    assert "An incident was opened after that report: " in answer and "https://slack.example/C-OPS" in answer
    assert "Type /mailgun-compromised to open a new one." in answer


def test_start_under_a_report_that_came_after_the_last_incident_opens_a_new_one(world: World) -> None:
    world.opened()
    world.type("cancel it was a newsletter")
    world.type("odd bounces since noon", by="U-STRANGER")
    world.press(Ask.OPEN, by="U-REQ", request=str(world.requests))

    assert is_open(world)
    assert world.incident.description == "odd bounces since noon"


def test_start_helps_nobody_who_may_not(world: World) -> None:
    world.type("odd bounces since noon", by="U-STRANGER")
    world.work()
    world.press(Ask.OPEN, by="U-STRANGER", request="1")

    assert not is_open(world)


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (ChannelFacts("C-OPS", "ops", is_member=False), "/invite"),
        (ChannelFacts("C-OPS", known=False), "/invite"),
        (ChannelFacts("C-OPS", "ops", is_member=True, is_shared_outside=True), "another organisation"),
        (ChannelFacts("C-OPS", "ops", is_member=False, is_shared_outside=True), "another organisation"),
        (ChannelFacts("C-OPS", is_member=True, is_direct=True), "in a channel"),
        (ChannelFacts("C-OPS", "ops", is_member=True, is_archived=True), "archived"),
        (ChannelFacts("C-OPS", "ops", is_member=False, is_archived=True), "archived"),
    ],
    ids=[
        "not a member",
        "unknown",
        "shared",
        "shared and not a member",
        "direct message",
        "archived",
        "archived and not a member",
    ],
)
def test_a_channel_that_is_not_fit_is_declined_with_what_to_do(world: World, channel: ChannelFacts, said: str) -> None:
    world.directory.channels["C-OPS"] = channel
    answer = world.type("", by="U-REQ")

    assert said in answer
    assert not is_open(world)
    assert not world.slack.messages


@pytest.mark.parametrize("fault", ["is_shared_outside", "is_archived"])
def test_whoever_typed_in_an_unfit_channel_is_told_where_to_go(world: World, fault: str) -> None:
    world.directory.channels["C-OPS"] = ChannelFacts("C-OPS", "ops", is_member=True, **{fault: True})
    answer = world.type("", by="U-REQ")

    assert "This channel is" in answer
    assert "a channel of your own workspace that is not shared, for example a new private one" in answer
    assert "/invite" in answer


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("is_shared_outside", "is shared with another organisation"),
        ("is_archived", "is archived"),
        ("is_direct", "is a direct message"),
    ],
)
def test_an_unfit_channel_that_was_set_is_named_with_who_must_set_another(
    make_world: Callable[..., World], fault: str, said: str
) -> None:
    world = make_world(recovery_channel="C-FIXED")
    world.directory.channels["C-FIXED"] = ChannelFacts("C-FIXED", "fixed", is_member=True, **{fault: True})
    answer = world.type("", by="U-REQ", channel="C-OPS")

    assert Channel("C-FIXED") in world.answer_card.lines[0] and said in answer
    assert "The administrators of the bot must set RECOVERY_CHANNEL to a channel of their own workspace" in answer
    assert "Nothing was posted" in answer and not world.slack.messages
    assert not is_open(world)


def test_one_channel_for_all_incidents_may_be_set(make_world: Callable[..., World]) -> None:
    world = make_world(recovery_channel="C-FIXED")
    world.directory.channels["C-FIXED"] = ChannelFacts("C-FIXED", "fixed", is_member=True)
    world.opened()

    assert world.incident.channel_id == "C-FIXED"


def test_if_slack_cannot_be_asked_nothing_is_opened_and_the_person_is_told(world: World) -> None:
    world.directory.trouble = Uncertain("Slack does not answer")
    answer = world.type("", by="U-REQ")

    assert not is_open(world)
    assert "nothing was changed" in answer


def test_the_sender_is_told_that_a_secret_was_cut_out(world: World) -> None:
    answer = world.type("the key [removed] leaked yesterday", by="U-REQ", secrets_cut=True)

    assert "cut out" in answer and "change it" in answer


def test_a_single_word_opens_nothing(world: World) -> None:
    answer = world.type("hacked", by="U-REQ")

    assert not is_open(world)
    assert "Nothing was done" in answer


def test_status_without_an_incident_says_how_to_open_one(world: World) -> None:
    assert "/mailgun-compromised" in world.type("status", by="U-STRANGER")


def test_status_shows_the_board_to_anyone(world: World) -> None:
    world.opened()

    assert "1. Reset API keys" in world.type("status", by="U-STRANGER")


def test_an_account_that_cannot_be_counted_still_gets_its_cards(world: World) -> None:
    world.mailgun.status = "Mailgun: a major outage of the API"
    world.mailgun.fail("keys", Refused("Forbidden", status=403))
    world.opened().draw()

    assert len(world.slack.of_kind(MarkerKind.STEP)) == len(STEPS)
    assert "could not be counted" in world.board and "major outage" in world.board


def test_an_answer_whose_way_back_is_gone_does_not_undo_the_decision(world: World) -> None:
    world.slack.fail("answer", Refused("expired", code="expired_url"))
    world.type("", by="U-REQ")

    assert is_open(world)


def test_a_decision_is_answered_once_although_the_bot_crashed_in_between(world: World) -> None:
    world.opened()
    world.slack.fail("answer", SystemExit(), "U-APP")
    world.ask(Ask.SKIP, about=world.step("2").about(world.state("2")), text="not used")
    with pytest.raises(SystemExit):
        world.judged()
    world.start()
    world.clock.pass_by(world.policy.lease)

    assert "is skipped" in world.judged()
    assert len(world.trail(Action.SKIPPED)) == 1
