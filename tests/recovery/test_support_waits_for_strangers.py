"""Users whom nobody in Slack is known to be, and owners too many: Support is not told before each is gone or expected,
whatever is skipped."""

import pytest

from recovery.actions import Ask
from recovery.findings import Finding, FindingStatus
from recovery.holdings import Trace
from recovery.state import StepStatus
from tests.recovery.builders import a_member, a_user
from tests.recovery.world import World


@pytest.fixture
def zoe(world: World) -> World:
    """Zoe is a user of the account whom nobody in Slack has the address of; all else is skipped, step 0 too."""
    world.with_logins("a").mailgun.has_user(a_user("zoe"))
    world.opened().type("skip 0 nobody has time")
    return world.vacated()


def the_finding(world: World) -> Finding:
    with world.database.read() as tx:
        (one,) = (finding for finding in tx.findings.of(world.incident.id) if finding.trace is Trace.USER)
    return one


def test_a_skip_leaves_no_unknown_user_and_support_is_not_told(zoe: World) -> None:
    assert the_finding(zoe).status is FindingStatus.OPEN
    assert zoe.status("5") is StepStatus.LOCKED and zoe.status("0") is StepStatus.WAITING


def test_once_they_are_said_to_be_expected_support_may_be_told(zoe: World) -> None:
    zoe.all_expected()

    assert zoe.status("5") is StepStatus.WAITING


def test_once_mailgun_lists_them_no_more_support_may_be_told(zoe: World) -> None:
    zoe.mailgun.people.clear()
    zoe.later(2 * zoe.policy.poll_every)

    assert the_finding(zoe).status is FindingStatus.GONE
    assert zoe.status("5") is StepStatus.WAITING


def test_once_somebody_says_who_they_are_support_may_be_told(zoe: World) -> None:
    zoe.directory.has(a_member("U0ZOE", email="zoe@elsewhere.example"))
    zoe.type("identify zoe@acme.example <@U0ZOE>")
    zoe.work()

    assert the_finding(zoe).status is FindingStatus.EXPECTED
    assert zoe.status("5") is StepStatus.WAITING


def test_a_second_owner_keeps_it_closed_too(world: World) -> None:
    for name in ("ann", "eve"):
        world.mailgun.has_user(a_user(name, is_master=True))
        world.directory.has(a_member(f"U-{name.upper()}", email=f"{name}@acme.example"))
    world.with_logins("a").opened().press(Ask.SKIP, "0", text="nobody has time")
    world.work()
    world.vacated()

    assert world.status("5") is StepStatus.LOCKED
    world.all_expected()
    assert world.status("5") is StepStatus.WAITING
