"""A user of the account whom nobody in Slack is known to be: Support is not told before they are gone, or known."""

from dataclasses import replace

import pytest

from recovery.audit import Action
from recovery.errors import Refused
from recovery.findings import Finding, FindingStatus
from recovery.holdings import Trace
from recovery.state import StepStatus
from tests.recovery.builders import a_member, a_user
from tests.recovery.test_investigating import an_attackers_route
from tests.recovery.world import World

S = FindingStatus


@pytest.fixture
def zoe(world: World) -> World:
    """Zoe is a user of the account; nobody in Slack has her address."""
    world.with_logins("a").mailgun.has_user(a_user("zoe"))
    return world.opened()


def finding(world: World) -> Finding:
    with world.database.read() as tx:
        (one,) = (one for one in tx.findings.of(world.incident.id) if one.trace is Trace.USER)
    return one


def is_removed(world: World) -> None:
    del world.mailgun.people["mailgun-zoe"]


def test_a_stranger_is_a_finding_that_names_them(zoe: World) -> None:
    assert finding(zoe).status is S.OPEN
    assert "User zoe@acme.example (basic)" in zoe.card("0") and "nobody in Slack" in zoe.card("0")


def test_whatever_is_skipped_support_is_not_told_before_the_stranger_is_settled(zoe: World) -> None:
    zoe.vacated()
    assert zoe.status("5") is StepStatus.LOCKED and zoe.status("0") is StepStatus.WAITING
    zoe.vacated()
    assert zoe.status("5") is StepStatus.LOCKED
    zoe.all_expected()

    assert zoe.status("5") is StepStatus.WAITING


def test_a_stranger_who_was_removed_is_seen_to_be_gone_although_nobody_else_is_asked_anything(zoe: World) -> None:
    zoe.vacated()
    is_removed(zoe)
    zoe.later(zoe.policy.poll_every)

    assert finding(zoe).status is S.GONE
    assert zoe.status("5") is StepStatus.WAITING


def test_a_stranger_who_was_gone_and_is_there_again_is_a_finding_again(zoe: World) -> None:
    is_removed(zoe)
    zoe.later(zoe.policy.poll_every)
    assert zoe.status("0") is StepStatus.DONE
    zoe.mailgun.has_user(a_user("zoe"))
    zoe.vacated()

    assert finding(zoe).status is S.OPEN and "there again" in "".join(finding(zoe).reasons)
    assert (zoe.status("0"), zoe.status("5")) == (StepStatus.WAITING, StepStatus.LOCKED)
    assert zoe.trail(Action.STEP_OPENED) == [], "Support's step was never open"


def test_a_stranger_whom_somebody_names_is_none_any_more(zoe: World) -> None:
    zoe.directory.has(a_member("UZOE", email="other@acme.example"))
    zoe.type("identify zoe@acme.example <@UZOE>")
    zoe.work()

    assert finding(zoe).status is S.EXPECTED and zoe.status("0") is StepStatus.DONE
    assert [entry.facts.actor for entry in zoe.trail(Action.EXPECTED)] == ["U-APP"]


def test_a_removal_that_needs_help_does_not_keep_anybody_from_being_seen_to_be_gone(zoe: World) -> None:
    zoe.mailgun.outlets.routes.append(an_attackers_route(zoe))
    zoe.type("look")
    zoe.work()
    zoe.mailgun.fail("delete_route", Refused("no", status=400))
    zoe.type("remove 2")
    zoe.later(zoe.policy.poll_every)
    assert zoe.status("0") is StepStatus.NEEDS_ATTENTION
    is_removed(zoe)
    zoe.later(zoe.policy.poll_every)

    assert finding(zoe).status is S.GONE


def test_somebody_who_becomes_a_second_owner_is_a_finding_although_they_were_expected_before(zoe: World) -> None:
    zoe.mailgun.has_user(a_user("ann", is_master=True))
    zoe.all_expected()
    zoe.mailgun.people["mailgun-zoe"] = replace(a_user("zoe"), is_master=True)
    zoe.vacated()

    assert finding_of(zoe, "mailgun-zoe").status is S.OPEN
    assert "more than one owner" in "".join(finding_of(zoe, "mailgun-zoe").reasons)
    assert zoe.status("5") is StepStatus.LOCKED


def finding_of(world: World, user_id: str) -> Finding:
    with world.database.read() as tx:
        return next(one for one in tx.findings.of(world.incident.id) if one.subject == user_id)
