"""Secrets can be issued anew: by whoever may receive them, for what they name."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Refused, Uncertain
from recovery.state import StepStatus
from tests.recovery.world import POSTMASTER, World

HANDOVER = "handover D-"


@pytest.fixture
def ready(world: World) -> World:
    """One login, step 2 to be approved."""
    return world.with_logins().opened()


@pytest.fixture
def expired(ready: World) -> World:
    ready.approved("2").later(ready.policy.handover_ttl)
    return ready


def test_what_nobody_saved_is_set_and_handed_over_anew(expired: World) -> None:
    expired.press(Ask.REISSUE, by="U-REQ", handover=str(expired.handovers()[0].id))
    expired.work()

    old, new = expired.mailgun.passwords[POSTMASTER]
    assert old != new
    assert expired.handed_over[-1] == new
    assert expired.status("2") is StepStatus.DONE


@pytest.mark.parametrize("target", ["postmaster@mg.acme.example", "mg.acme.example", "all", "MG.acme.example"])
def test_reissue_takes_a_login_a_domain_or_all(expired: World, target: str) -> None:
    expired.type(f"reissue {target}", by="U-REQ")
    expired.work()

    assert len(expired.mailgun.passwords[POSTMASTER]) == 2


def test_reissue_of_what_was_never_handed_over_changes_nothing(expired: World) -> None:
    answer = expired.type("reissue nobody@mg.acme.example", by="U-REQ")
    expired.work()

    assert "Nothing" in answer
    assert len(expired.mailgun.passwords[POSTMASTER]) == 1


def test_all_means_what_nobody_saved(ready: World) -> None:
    ready.approved("2").type("saved 1", by="U-REQ")
    answer = ready.type("reissue all", by="U-REQ")

    assert "Nothing" in answer


def test_a_saved_login_can_be_issued_anew_by_name(ready: World) -> None:
    ready.approved("2").type("saved 1", by="U-REQ")
    ready.type("reissue postmaster@mg.acme.example", by="U-REQ")
    ready.work()

    assert len(ready.handed_over) == 2


def test_an_approver_who_issues_anew_takes_the_role_over(expired: World) -> None:
    expired.type("reissue all", by="U-APP")
    expired.work()

    assert expired.incident.requester_id == "U-APP"
    assert expired.slack.handovers[-1].place.channel_id == "D-U-APP"
    (taken,) = expired.trail(Action.TOOK_OVER)
    assert (taken.facts.actor, taken.facts.whom) == ("U-APP", "U-REQ")
    assert expired.messages_to("U-APP", MarkerKind.GREETING)


def test_a_stranger_issues_nothing_anew(expired: World) -> None:
    answer = expired.type("reissue all", by="U-STRANGER")
    expired.work()

    assert "not among" in answer
    assert len(expired.slack.handovers) == 1


def test_after_issuing_anew_nobody_is_asked_to_save_the_void_one(ready: World) -> None:
    ready.approved("2").type("reissue all", by="U-REQ")
    ready.work()
    ready.type("saved 2", by="U-REQ")
    ready.later(ready.policy.handover_ttl / 2)
    ready.later(ready.policy.handover_ttl / 2)

    assert not [words for words in ready.messages_to("U-REQ", MarkerKind.REMINDER) if "Handover 1" in words]


def test_after_issuing_anew_the_board_no_longer_offers_it(expired: World) -> None:
    expired.type("reissue all", by="U-REQ")
    expired.work()
    expired.type("saved 2", by="U-REQ")
    expired.work()

    assert "Not saved in time" not in expired.board


def test_after_issuing_anew_the_void_secrets_are_wiped(ready: World) -> None:
    ready.approved("2")
    void = ready.handed_over[0]
    ready.type("reissue all", by="U-REQ")
    ready.work()

    assert void not in ready.slack.handovers[0].words


def test_a_login_that_a_later_round_handed_over_is_no_failure_any_more(expired: World) -> None:
    expired.slack.fail("post", Refused("no", code="restricted_action"), HANDOVER)
    expired.type("reissue all", by="U-REQ")
    expired.work()
    expired.type("reissue all", by="U-REQ")
    expired.work()

    assert not expired.failures("2")
    assert expired.status("2") is StepStatus.DONE


def test_issuing_anew_is_possible_once_the_incident_has_closed(ready: World) -> None:
    ready.approved("2", "1", "2").vacated()
    ready.press(Ask.SENT, "5", text="4711")
    ready.work()
    ready.later(timedelta(minutes=10))
    ready.type("reissue postmaster@mg.acme.example", by="U-REQ")
    ready.work()

    assert ready.handed_over[-1] == ready.mailgun.password_of(POSTMASTER)
    assert len(ready.mailgun.passwords[POSTMASTER]) == 3


def test_a_requester_who_may_not_start_an_incident_any_more_has_nothing_issued_anew(
    make_world: Callable[..., World],
) -> None:
    world = make_world(approvers=("U-APP",), starters=("U-REQ",)).with_logins().opened().approved("2")
    world.start(starters=("U-OTHER",))
    answer = world.type("reissue all", by="U-REQ")

    assert "not among those" in answer
    assert len(world.slack.handovers) == 1


def test_a_requester_who_may_only_start_may_have_secrets_issued_anew(make_world: Callable[..., World]) -> None:
    world = make_world(approvers=("U-APP",), starters=("U-REQ",)).with_logins().opened().approved("2")
    world.type("reissue all", by="U-REQ")
    world.work()

    assert len(world.slack.handovers) == 2


def test_before_anything_is_issued_anew_it_is_asked_whether_that_is_meant(expired: World) -> None:
    (controls,) = expired.slack.of_kind(MarkerKind.HANDOVER_CONTROLS)
    assert "The present ones stop working at once" in controls.words


# --- What nobody was handed -----------------------------------------------------------------------------


@pytest.fixture
def failed(ready: World) -> World:
    """Mailgun took a new password each time, and never said so: nobody was handed any."""
    ready.mailgun.fail("set_password", Uncertain("timed out"), after=True, times=1_000)
    ready.approved("2")
    ready.mailgun.faults.clear()
    assert ready.status("2") is StepStatus.NEEDS_ATTENTION
    return ready


@pytest.mark.parametrize("target", ["postmaster@mg.acme.example", "mg.acme.example", "all"])
def test_a_login_that_could_not_be_set_is_set_and_handed_over(failed: World, target: str) -> None:
    failed.type(f"reissue {target}", by="U-REQ")
    failed.work()

    assert failed.handed_over == [failed.mailgun.password_of(POSTMASTER)]
    assert failed.status("2") is StepStatus.DONE


def test_a_login_whose_message_was_refused_goes_by_its_name_too(ready: World) -> None:
    ready.slack.fail("post", Refused("no", code="restricted_action"), HANDOVER)
    ready.approved("2")
    ready.type("reissue postmaster@mg.acme.example", by="U-REQ")
    ready.work()

    assert ready.handed_over == [ready.mailgun.password_of(POSTMASTER)]


def test_another_login_that_failed_is_not_meant(failed: World) -> None:
    before = list(failed.mailgun.passwords[POSTMASTER])
    answer = failed.type("reissue nobody@mg.acme.example", by="U-REQ")
    failed.work()

    assert "Nothing" in answer
    assert failed.mailgun.passwords[POSTMASTER] == before


def test_a_login_that_may_have_been_changed_and_was_then_left_is_set_and_handed_over(failed: World) -> None:
    failed.press(Ask.SKIP, "2", text="nothing sends through it")
    failed.type("reissue postmaster@mg.acme.example", by="U-REQ")
    failed.work()

    assert failed.handed_over == [failed.mailgun.password_of(POSTMASTER)]


def test_a_login_that_was_never_changed_and_then_left_stays_as_it_is(ready: World) -> None:
    ready.mailgun.fail("set_password", Refused("not allowed", status=400))
    ready.approved("2")
    ready.press(Ask.SKIP, "2", text="nothing sends through it")
    answer = ready.type("reissue postmaster@mg.acme.example", by="U-REQ")
    ready.work()

    assert "Nothing" in answer
    assert not ready.mailgun.passwords


def test_a_second_click_while_it_is_being_issued_anew_plans_nothing_more(expired: World) -> None:
    expired.type("reissue all", by="U-REQ")
    answer = expired.type("reissue all", by="U-REQ")
    expired.work()

    assert "already" in answer
    assert len(expired.slack.handovers) == 2
    assert len(expired.trail(Action.REISSUED)) == 1
