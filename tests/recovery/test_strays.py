"""Whom the bot cannot write to: the requester is asked who they are, and what is said of each has an effect."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recovery.account import SignIn
from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Unreachable
from recovery.state import ObligationStatus, Standing, StepStatus
from tests.recovery.builders import HOUR, a_member, a_user
from tests.recovery.people import poll, turn_on
from tests.recovery.world import World

TOLD, STRAYS = MarkerKind.CHECKLIST, MarkerKind.STRAYS


@pytest.fixture
def zoe(world: World) -> World:
    """Zoe is a user of the account whom nobody in Slack has the address of."""
    world.mailgun.has_user(a_user("zoe"))
    return world.opened().approved("4")


def strays(world: World, requester: str = "U-REQ") -> str:
    (said,) = world.messages_to(requester, STRAYS)
    return said


def about(world: World, name: str) -> dict[str, str]:
    person = world.person(name)
    return {"person": str(person.id), "version": str(person.version)}


@pytest.mark.parametrize(
    ("user", "member", "why"),
    [
        ({}, None, "nobody in Slack has this address"),
        ({"email": ""}, None, "Mailgun has no address for this user"),
        ({}, {"is_active": False, "is_full": False}, "their Slack user is deactivated"),
        ({}, {"is_bot": True, "is_full": False}, "the Slack user with this address is a bot"),
    ],
)
def test_the_requester_is_told_who_cannot_be_reached_and_why(
    world: World, user: dict[str, Any], member: dict[str, Any] | None, why: str
) -> None:
    world.mailgun.has_user(a_user("zoe", **user))
    if member is not None:
        world.directory.has(a_member("U-ZOE", email="zoe@acme.example", **member))
    world.opened().approved("4")

    said = strays(world)
    assert "Zoe" in said and why in said
    assert "Who is it in Slack?" in said and "I tell them myself" in said and "Has left" in said


def test_whose_direct_messages_are_closed_is_listed_too(ann: World) -> None:
    ann.slack.fail("open_direct", Unreachable("Slack does not let it.", code="cannot_dm_bot"), "U-ANN")
    ann.approved("4")

    assert "Slack does not deliver the bot's direct messages" in strays(ann)


def test_who_is_deactivated_half_way_is_not_written_to_and_listed(ann: World) -> None:
    ann.approved("4")
    ann.directory.change("U-ANN", is_active=False)
    ann.later(timedelta(hours=4, minutes=5))

    assert not ann.messages_to("U-ANN", MarkerKind.REMINDER)
    assert "their Slack user is deactivated" in strays(ann)


def test_where_everybody_is_found_there_is_no_list(ann: World) -> None:
    ann.approved("4")

    assert not ann.messages_to("U-REQ", STRAYS)


@pytest.mark.parametrize(
    ("at_mailgun", "in_slack"),
    [
        ("ann+mail@acme.example", "ann@acme.example"),
        ("ANN@Acme.Example", "ann@acme.example"),
        ("ann@old.example", "ann@acme.example"),
        ("Ann+x@OLD.example", "ann@acme.example"),
    ],
)
def test_an_address_that_is_written_otherwise_is_found(world: World, at_mailgun: str, in_slack: str) -> None:
    world.start(email_domains={"old.example": "acme.example"})
    world.mailgun.has_user(a_user("ann", email=at_mailgun))
    world.directory.has(a_member("U-ANN", email=in_slack))
    world.opened().approved("4")

    assert world.messages_to("U-ANN", TOLD)


def test_who_was_identified_is_written_to_at_once(zoe: World) -> None:
    zoe.directory.has(a_member("U-ZED", email="zed@private.example"))
    said = zoe.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ZED", **about(zoe, "zoe"))
    zoe.work()

    assert "U-ZED" in said
    assert zoe.messages_to("U-ZED", TOLD)
    assert zoe.trail(Action.IDENTIFIED)[0].facts.whom == "U-ZED"
    assert "everyone is known by now" in strays(zoe)


@pytest.mark.parametrize("member", [{"is_bot": True}, {"is_active": False}])
def test_nobody_is_identified_as_a_bot_or_as_who_has_left(zoe: World, member: dict[str, Any]) -> None:
    zoe.directory.has(a_member("U-ZED", **member))
    said = zoe.type("identify zoe@acme.example <@U-ZED>".replace("-", ""), by="U-REQ")
    assert "Nothing was changed" in said or "active people" in said
    zoe.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ZED", **about(zoe, "zoe"))

    assert zoe.person("zoe").standing is Standing.NOT_FOUND


def test_of_two_who_say_who_it_is_the_first_counts(zoe: World) -> None:
    zoe.directory.has(a_member("U-ZED"))
    zoe.directory.has(a_member("U-ZAC"))
    drawn = about(zoe, "zoe")
    zoe.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ZED", **drawn)
    said = zoe.press(Ask.IDENTIFY, by="U-APP", chosen="U-ZAC", **drawn)

    assert "settled meanwhile" in said and "U-REQ" in said
    assert zoe.person("zoe").slack_id == "U-ZED"


def test_only_the_requester_and_approvers_say_who_somebody_is(zoe: World) -> None:
    zoe.press(Ask.BY_HAND, by="U-STRANGER", **about(zoe, "zoe"))

    assert "Nothing was changed" in zoe.answer
    assert zoe.person("zoe").standing is Standing.NOT_FOUND


def test_what_a_person_does_who_is_told_by_hand_counts_once_mailgun_shows_it(zoe: World) -> None:
    zoe.press(Ask.BY_HAND, by="U-REQ", **about(zoe, "zoe"))
    turn_on(zoe, "zoe", at=zoe.clock.now() + timedelta(minutes=1))
    zoe.later(timedelta(minutes=6))

    assert zoe.obligation("zoe").status is ObligationStatus.DONE
    assert zoe.status("4") is StepStatus.DONE


def test_what_was_changed_before_anybody_told_them_may_be_the_attackers_and_needs_a_voucher(zoe: World) -> None:
    turn_on(zoe, "zoe")
    poll(zoe)

    assert zoe.obligation("zoe").is_open


def test_who_has_left_is_to_be_removed_and_drops_out_once_that_is_done(zoe: World) -> None:
    said = zoe.press(Ask.HAS_LEFT, by="U-REQ", **about(zoe, "zoe"))
    zoe.work()
    assert "remove zoe@acme.example at Mailgun" in said
    assert "please remove them" in strays(zoe) and "zoe@acme.example" in strays(zoe)
    assert zoe.status("4") is StepStatus.RUNNING
    del zoe.mailgun.people["mailgun-zoe"]
    zoe.later(timedelta(minutes=6))

    assert zoe.status("4") is StepStatus.DONE
    assert "zoe@acme.example" not in strays(zoe)


def test_the_requester_hears_of_it_when_somebody_else_says_so(zoe: World) -> None:
    zoe.press(Ask.HAS_LEFT, by="U-APP", **about(zoe, "zoe"))
    zoe.work()

    (notice,) = zoe.messages_to("U-REQ", MarkerKind.NOTICE)
    assert "U-APP says that" in notice and "Please remove them" in notice


def test_a_message_that_went_to_the_wrong_person_is_taken_back(ann: World) -> None:
    ann.directory.has(a_member("U-ANNE", email="anne@acme.example"))
    ann.approved("4")
    ann.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANNE", **about(ann, "ann"))
    ann.work()

    assert not ann.messages_to("U-ANN", TOLD)
    assert ann.messages_to("U-ANNE", TOLD)


def test_who_takes_over_gets_the_list(zoe: World) -> None:
    zoe.type("take-over olivia is asleep", by="U-APP")
    zoe.work()

    assert "zoe@acme.example" in strays(zoe, "U-APP")


def test_two_users_of_one_person_have_a_message_each_and_one_reminder(world: World) -> None:
    for address in ("ann@acme.example", "ann+eu@acme.example"):
        world.mailgun.has_user(a_user(address.partition("@")[0], email=address))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("4")
    world.later(timedelta(hours=4, minutes=5))

    first, second = world.messages_to("U-ANN", TOLD)
    assert "another Mailgun user" in second and "ann@acme.example" in first
    (reminder,) = world.messages_to("U-ANN", MarkerKind.REMINDER)
    assert "As ann@acme.example" in reminder and "As ann+eu@acme.example" in reminder
    assert "the same person as" in world.type("people")


def test_the_requester_who_is_a_user_too_is_told_that_it_is_their_own_part(world: World) -> None:
    world.mailgun.has_user(a_user("req"))
    world.opened().approved("4")

    (asked,) = world.messages_to("U-REQ", TOLD)
    assert "You lead this recovery yourself" in asked


@pytest.mark.parametrize(("via", "name"), [(SignIn.HEROKU, "Heroku"), (SignIn.RACKSPACE, "Rackspace")])
def test_who_came_through_another_company_is_sent_there(world: World, via: SignIn, name: str) -> None:
    world.start(mailgun_via=via)
    world.mailgun.has_user(a_user("ann", tfa_active=True, tfa_created_at=datetime(2025, 1, 1, tzinfo=UTC)))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("3", "4")
    world.later(5 * HOUR)

    (asked,) = world.messages_to("U-ANN", TOLD)
    assert f"through {name}" in asked and "login.mailgun.com" not in asked
    assert world.obligation("ann").is_open
