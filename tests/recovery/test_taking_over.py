"""An approver takes over receiving the secrets: what was not sent yet goes to them, and to nobody else."""

from collections.abc import Callable

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Marker, MarkerKind
from recovery.errors import Later
from recovery.state import HandoverStatus, StepStatus
from tests.recovery.world import POSTMASTER, World


@pytest.fixture
def ready(world: World) -> World:
    """One login, step 2 to be approved."""
    return world.with_logins().opened()


def test_an_approver_can_take_over_from_a_requester_who_can_receive_nothing(ready: World) -> None:
    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin")
    ready.directory.change("U-REQ", is_active=False)
    ready.work()
    ready.type("reissue all", by="U-APP")
    ready.work()

    assert ready.incident.requester_id == "U-APP"
    assert ready.handed_over == [ready.mailgun.password_of(POSTMASTER)]


def test_who_takes_over_in_the_middle_gets_the_rest(make_world: Callable[..., World]) -> None:
    world = make_world(batch=1).with_logins("a", "b").opened()
    world.press(Ask.APPROVE, "2")
    world.drain("smtp_credentials.begin")
    job = world.claim("smtp_credentials.set")
    assert job
    world.run(job)
    world.type("reissue all", by="U-APP")
    world.work()

    assert not world.failures("2")
    assert world.status("2") is StepStatus.DONE
    assert {posted.place.channel_id for posted in world.slack.handovers[1:]} == {"D-U-APP"}


def test_who_takes_over_while_slack_asks_to_wait_gets_new_secrets_instead(ready: World) -> None:
    """What was set for the former requester is dead, and was sent to nobody."""

    def taken_over(marker: Marker) -> None:
        if marker.kind is MarkerKind.HANDOVER:
            ready.slack.while_posting = lambda marker: None
            ready.type("take-over", by="U-APP")

    ready.slack.fail("post", Later("slow down", seconds=5), "handover D-")
    ready.slack.while_posting = taken_over
    ready.approved("2")

    (sent,) = ready.slack.handovers
    assert sent.place.channel_id == "D-U-APP"
    assert set(sent.secrets.values()) <= {
        ready.mailgun.password_of(login.subject) for login in ready.mailgun.all_logins
    }


def take_over_during(world: World, call: str, how_many_th: int = 1) -> None:
    """An approver takes over while Mailgun is being asked that."""
    left = how_many_th

    def taken_over(called: str) -> None:
        nonlocal left
        if called != call:
            return
        left -= 1
        if not left:
            world.mailgun.while_calling = lambda call: None
            world.type("take-over", by="U-APP")

    world.mailgun.while_calling = taken_over


def test_who_takes_over_between_the_setting_and_the_sending_gets_new_passwords_instead(ready: World) -> None:
    take_over_during(ready, "set_password")
    ready.approved("2")

    dead, alive = ready.mailgun.passwords[POSTMASTER]
    assert dead != alive
    assert ready.handed_over == [alive]
    assert not ready.messages_to("U-REQ", MarkerKind.HANDOVER)
    assert ready.messages_to("U-APP", MarkerKind.GREETING)
    assert ready.status("2") is StepStatus.DONE


def test_the_handover_that_was_planned_for_the_former_requester_is_abandoned_and_is_no_doubt(ready: World) -> None:
    take_over_during(ready, "set_password")
    ready.approved("2")

    assert [handover.status for handover in ready.handovers()] == [HandoverStatus.ABANDONED, HandoverStatus.SENT]
    assert "replace" not in ready.slack.handovers[0].words
    assert not ready.trail(Action.FAILED)


def test_who_takes_over_between_the_making_and_the_sending_of_keys_gets_others_instead(world: World) -> None:
    world.opened()
    # The first key that is made is the bot's own.
    take_over_during(world, "create_key", how_many_th=2)
    world.approved("1")

    assert not world.messages_to("U-REQ", MarkerKind.HANDOVER)
    assert sorted(world.mailgun.key_secrets.values()) == sorted([*world.handed_keys, world.vault.current().reveal()])
    assert world.status("1") is StepStatus.DONE


def test_after_the_end_an_approver_takes_over_and_has_it_issued_anew(make_world: Callable[..., World]) -> None:
    world = make_world(two_person=True).with_logins().opened().approved("2").vacated()
    world.press(Ask.SENT, "5", text="4711")
    world.work()
    world.directory.change("U-REQ", is_active=False)
    world.type("take-over the requester has left", by="U-APP")
    world.type("reissue all", by="U-APP")
    world.work()

    assert world.slack.handovers[-1].place.channel_id == "D-U-APP"
    assert world.handed_over[-1] == world.mailgun.password_of(POSTMASTER)
