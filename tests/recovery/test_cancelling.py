"""Cancelling an incident: nothing new begins; what was begun is finished and handed over."""

from collections.abc import Callable

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Later, Refused, Uncertain
from recovery.handovers import CHANGED
from recovery.state import IncidentStatus, StepStatus
from tests.recovery.builders import a_key, a_user
from tests.recovery.world import POSTMASTER, REQUESTER, World

SMTP = "smtp_credentials.begin"
BEGINNINGS = pytest.mark.parametrize(("step", "begin"), [("1", "api_keys.begin"), ("2", SMTP)])
ALWAYS = 1_000


def test_cancelling_drops_what_never_began(world: World) -> None:
    world.with_logins("a").opened()
    world.press(Ask.APPROVE, "2")
    world.press(Ask.CANCEL, text="false alarm")
    world.work()

    assert world.incident.status is IncidentStatus.CANCELLED
    assert not world.mailgun.changes
    assert not world.slack.handovers


def test_cancelling_finishes_and_hands_over_what_was_begun(make_world: Callable[..., World]) -> None:
    world = make_world(batch=1).with_logins("a", "b").opened()
    world.press(Ask.APPROVE, "2")
    world.drain(SMTP)
    world.mailgun.fail("set_password", Later("slow down", seconds=9), after=True)
    job = world.claim("smtp_credentials.set")
    assert job
    world.run(job)

    world.press(Ask.CANCEL, text="false alarm")
    world.work()

    (login, passwords), *others = world.mailgun.passwords.items()
    assert not others
    assert passwords[-1] in world.slack.handovers[0].secrets.values(), login


def test_a_login_whose_handover_was_put_off_by_a_restart_is_handed_over_although_cancelled(world: World) -> None:
    world.with_logins().opened()
    world.press(Ask.APPROVE, "2")
    world.drain(SMTP)
    # Slack asks to wait, and meanwhile the process is told to leave.
    world.slack.fail("post", Later("slow down", seconds=20), "handover D-")
    world.slack.while_posting = lambda marker: world.stopping.set()
    job = world.claim("smtp_credentials.set")
    assert job
    world.run(job)
    assert world.mailgun.passwords

    world.slack.while_posting = lambda marker: None
    world.stopping.clear()
    world.press(Ask.CANCEL, text="false alarm")
    world.work()

    assert world.mailgun.password_of(POSTMASTER) in world.handed_over


def test_cancelling_settles_the_people(ann: World) -> None:
    ann.approved("4")
    ann.press(Ask.CANCEL, text="false alarm")
    ann.work()

    assert not ann.obligation("ann").is_open
    assert "Nothing is asked of you" in ann.messages_to("U-ANN", MarkerKind.CHECKLIST)[-1]


def test_a_poll_that_was_planned_before_cancelling_brings_nobody_back(ann: World) -> None:
    ann.approved("4")
    # Ann asks for a look; before it is taken, somebody cancels.
    ann.ask(Ask.CHECK, "U-ANN")
    ann.drain("judge")
    ann.press(Ask.CANCEL, text="false alarm")
    ann.work()

    assert not ann.obligation("ann").is_open
    assert not ann.trail(Action.OBLIGATION_REOPENED)


def test_after_cancelling_nothing_is_approved(world: World) -> None:
    world.opened().press(Ask.CANCEL, text="false alarm")

    assert "no incident" in world.type("approve 2").lower()


def test_cancelling_needs_an_open_incident(world: World) -> None:
    world.opened().press(Ask.CANCEL, text="false alarm")

    assert "no incident" in world.type("cancel again").lower()


# --- Before a step has begun ------------------------------------------------------------------------------


def cancelled(world: World) -> World:
    world.press(Ask.CANCEL, text="false alarm")
    world.work()
    return world


@BEGINNINGS
def test_a_beginning_that_was_claimed_when_somebody_cancelled_asks_mailgun_nothing_and_greets_nobody(
    world: World, step: str, begin: str
) -> None:
    world.with_logins().opened().press(Ask.APPROVE, step)
    job = world.claim(begin)
    assert job
    asked = len(world.mailgun.calls)
    world.press(Ask.CANCEL, text="false alarm")
    world.run(job)
    world.work()

    assert len(world.mailgun.calls) == asked
    assert not world.slack.opened
    assert not world.slack.of_kind(MarkerKind.GREETING)


@BEGINNINGS
def test_a_beginning_that_slack_put_off_asks_mailgun_nothing_and_greets_nobody_once_cancelled(
    world: World, step: str, begin: str
) -> None:
    world.with_logins().opened()
    world.slack.fail("open_direct", Later("slow down", seconds=20))
    world.press(Ask.APPROVE, step)
    world.drain(begin)
    asked = len(world.mailgun.calls)
    cancelled(world)

    assert len(world.mailgun.calls) == asked
    assert not world.slack.opened
    assert not world.slack.of_kind(MarkerKind.GREETING)


def test_cancelling_while_the_logins_are_being_listed_sets_no_password(world: World) -> None:
    world.with_logins().opened()

    def somebody_cancels(call: str) -> None:
        world.mailgun.while_calling = lambda call: None
        world.press(Ask.CANCEL, text="false alarm")

    world.press(Ask.APPROVE, "2")
    world.mailgun.while_calling = somebody_cancels
    world.work()

    assert world.incident.status is IncidentStatus.CANCELLED
    assert not world.mailgun.changes


def test_cancelling_while_the_keys_are_being_listed_replaces_and_deletes_none(world: World) -> None:
    world.mailgun.has_key(a_key("billing"), "billing-secret")
    world.opened()

    def somebody_cancels(call: str) -> None:
        if call == "keys":
            world.mailgun.while_calling = lambda call: None
            world.press(Ask.CANCEL, text="false alarm")

    world.press(Ask.APPROVE, "1")
    world.mailgun.while_calling = somebody_cancels
    world.work()

    assert {"env-key", "billing"} <= set(world.mailgun.api_keys)
    assert not world.mailgun.called("delete_key")
    assert not world.slack.handovers


# --- What may have been changed ---------------------------------------------------------------------------


@pytest.fixture
def uncertain(world: World) -> World:
    """Mailgun took a new password each time, and never said so: the step needs attention."""
    world.with_logins().opened()
    world.mailgun.fail("set_password", Uncertain("timed out"), after=True, times=ALWAYS)
    world.approved("2")
    world.mailgun.faults.clear()
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    return world


def test_a_login_that_stays_uncertain_is_known_to_be_changed_perhaps(uncertain: World) -> None:
    (failure,) = uncertain.failures("2")

    assert failure.payload[CHANGED] is True


def test_cancelling_sets_anew_and_hands_over_a_login_that_stayed_uncertain(uncertain: World) -> None:
    doubtful = uncertain.mailgun.password_of(POSTMASTER)
    cancelled(uncertain)

    assert uncertain.incident.status is IncidentStatus.CANCELLED
    assert uncertain.handed_over == [uncertain.mailgun.password_of(POSTMASTER)]
    assert doubtful not in uncertain.handed_over


def test_cancelling_sets_anew_and_hands_over_a_login_whose_message_slack_refused(world: World) -> None:
    world.with_logins().opened()
    world.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    world.approved("2")
    cancelled(world)

    assert len(world.mailgun.passwords[POSTMASTER]) == 2
    assert world.handed_over == [world.mailgun.password_of(POSTMASTER)]


def test_cancelling_leaves_alone_a_login_that_mailgun_refused_to_set(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", Refused("not allowed", status=400))
    world.approved("2")
    assert world.failures("2")
    cancelled(world)

    assert not world.mailgun.passwords
    assert not world.slack.handovers


def test_a_first_look_that_comes_after_the_cancel_begins_nothing(world: World) -> None:
    world.mailgun.has_user(a_user("ann"))
    world.type("", by=REQUESTER)
    world.type("cancel only a test")
    world.work()

    with world.database.read() as tx:
        incident = tx.incidents.latest()
        assert incident is not None and incident.status is IncidentStatus.CANCELLED
        assert tx.people.of(incident.id) == [] and tx.findings.of(incident.id) == []
