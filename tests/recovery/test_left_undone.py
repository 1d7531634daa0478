"""A step that is skipped half-way: what failed is left as decided, what was done is looked after as ever."""

import pytest

from recovery.account import Login
from recovery.actions import Ask
from recovery.errors import Refused
from recovery.state import StepStatus
from tests.recovery.builders import a_key
from tests.recovery.world import POSTMASTER, World

BAD = "us/mg.acme.example/bad@mg.acme.example"


@pytest.fixture
def half(world: World) -> World:
    """Of two logins one cannot be set; step 2 to be approved."""
    world.mailgun.fail("set_password", Refused("not allowed", status=400), "bad@")
    return world.with_logins("bad").opened()


def give_up(world: World, step: str) -> None:
    """Somebody approves the step, and skips it when it needs attention."""
    world.approved(step)
    assert world.status(step) is StepStatus.NEEDS_ATTENTION
    world.press(Ask.SKIP, step, text="nothing uses that one")
    world.work()


def test_a_login_that_failed_and_was_left_is_not_offered_at_the_last_look(half: World) -> None:
    half.approved("1")
    give_up(half, "2")
    half.vacated()

    assert half.status("2") is StepStatus.SKIPPED
    assert half.status("5") is StepStatus.WAITING


def test_a_key_that_failed_and_was_left_is_not_offered_at_the_last_look(world: World) -> None:
    world.mailgun.has_key(a_key("billing"), "billing-secret")
    world.mailgun.fail("delete_key", Refused("not now", status=400), "billing")
    give_up(world.opened(), "1")
    world.vacated()

    assert "billing" in world.mailgun.api_keys
    assert world.status("1") is StepStatus.SKIPPED
    assert world.status("5") is StepStatus.WAITING


def test_a_login_that_appeared_since_is_offered_although_the_step_was_skipped(half: World) -> None:
    half.approved("1")
    give_up(half, "2")
    half.mailgun.all_logins.append(Login("us", "mg.acme.example", "eve@mg.acme.example"))
    half.vacated()

    assert half.status("2") is StepStatus.WAITING
    assert half.state("2").facts["scope"] == ["us/mg.acme.example/eve@mg.acme.example"]
    assert half.status("5") is StepStatus.LOCKED


def test_a_key_that_appeared_since_is_offered_although_the_step_was_skipped(world: World) -> None:
    world.mailgun.has_key(a_key("billing"), "billing-secret")
    world.mailgun.fail("delete_key", Refused("not now", status=400), "billing")
    give_up(world.opened(), "1")
    world.mailgun.has_key(a_key("intruder"), "x")
    world.vacated()

    assert world.status("1") is StepStatus.WAITING
    assert world.state("1").facts["scope"] == ["intruder"]
    assert world.status("5") is StepStatus.LOCKED


def test_what_was_set_before_the_last_old_key_died_is_offered_although_its_step_was_skipped(half: World) -> None:
    give_up(half, "2")
    half.approved("1")

    assert half.status("2") is StepStatus.WAITING
    assert half.state("2").facts["scope"] == [POSTMASTER]


def test_the_further_round_of_a_skipped_step_leaves_alone_what_was_left(half: World) -> None:
    give_up(half, "2")
    half.approved("1", "2")

    assert half.status("2") is StepStatus.DONE
    assert len(half.mailgun.passwords[POSTMASTER]) == 2
    assert BAD not in half.mailgun.passwords


# --- Taken up again ---------------------------------------------------------------------------------------


def refused_at_first(world: World) -> World:
    """One login, set; but Slack refused the message with its password."""
    world.with_logins().opened()
    world.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    return world.approved("2")


def resets(world: World) -> int:
    return len(world.mailgun.passwords[POSTMASTER])


@pytest.mark.parametrize("how", ["reissue", "skip and approve"])
def test_what_was_saved_in_the_end_is_not_issued_anew_with_all(world: World, how: str) -> None:
    refused_at_first(world)
    if how == "reissue":
        world.type("reissue all", by="U-REQ")
    else:
        world.press(Ask.SKIP, "2", text="in a minute")
        world.press(Ask.APPROVE, "2")
    world.work()
    world.type("saved all", by="U-REQ")
    before = resets(world)
    world.type("reissue all", by="U-REQ")
    world.work()

    assert resets(world) == before


@pytest.mark.parametrize("how", ["reissue", "skip and approve"])
def test_what_was_left_and_then_set_is_offered_again_once_the_last_old_key_is_dead(world: World, how: str) -> None:
    refused_at_first(world).press(Ask.SKIP, "2", text="later")
    if how == "reissue":
        world.type("reissue all", by="U-REQ")
    else:
        world.press(Ask.APPROVE, "2")
    world.work()
    world.approved("1")

    assert world.state("2").facts["scope"] == [POSTMASTER]


def test_who_skips_is_told_what_nobody_has_the_password_of(world: World) -> None:
    answer = refused_at_first(world).press(Ask.SKIP, "2", text="later")

    assert "1 item may be changed at Mailgun while nobody was handed the new secret" in answer


def test_cancelling_hands_over_what_a_skip_left_in_nobodys_hands(world: World) -> None:
    refused_at_first(world).press(Ask.SKIP, "2", text="later")
    world.press(Ask.CANCEL, text="we do the rest by hand")
    world.work()

    assert world.handed_over == [world.mailgun.password_of(POSTMASTER)]


def test_what_is_stuck_in_a_closed_incident_can_be_skipped(world: World) -> None:
    world.with_logins().opened().approved("2").vacated()
    world.press(Ask.SENT, "5", text="4711")
    world.work()
    world.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    world.type("reissue all", by="U-REQ")
    world.work()
    world.press(Ask.SKIP, "2", text="nobody needs it")

    assert world.status("2") is StepStatus.SKIPPED


@pytest.fixture
def crashed(world: World) -> World:
    """The process died after it had set the password and before it had sent it; then the requester was deactivated."""
    world.with_logins().opened().press(Ask.APPROVE, "2")
    world.drain("smtp_credentials.begin")
    job = world.claim("smtp_credentials.set")
    assert job
    world.slack.fail("post", SystemExit(), "handover D-")
    with pytest.raises(SystemExit):
        world.run(job)
    world.start()
    world.clock.pass_by(world.policy.lease)
    world.directory.change("U-REQ", is_active=False)
    world.work()
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    return world


def test_what_a_crash_left_in_nobodys_hands_is_named_by_a_skip(crashed: World) -> None:
    assert "1 item may be changed" in crashed.press(Ask.SKIP, "2", text="later")


def test_what_a_crash_left_in_nobodys_hands_is_issued_anew_with_all(crashed: World) -> None:
    crashed.press(Ask.SKIP, "2", text="later")
    crashed.type("reissue all", by="U-APP")
    crashed.work()

    assert crashed.handed_over == [crashed.mailgun.password_of(POSTMASTER)]


def test_what_a_crash_left_in_nobodys_hands_is_handed_over_after_a_cancel(crashed: World) -> None:
    crashed.directory.change("U-REQ", is_active=True)
    crashed.press(Ask.CANCEL, text="we do the rest by hand")
    crashed.work()

    assert crashed.handed_over == [crashed.mailgun.password_of(POSTMASTER)]


def test_what_was_issued_anew_in_a_skipped_step_and_failed_needs_attention(half: World) -> None:
    give_up(half, "2")
    half.mailgun.fail("set_password", Refused("not allowed", status=400), "postmaster@")
    half.type("reissue postmaster@mg.acme.example")
    half.work()

    assert half.status("2") is StepStatus.NEEDS_ATTENTION
