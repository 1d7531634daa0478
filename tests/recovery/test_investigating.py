"""Step 0: what is found, what it says, and where the step stands."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from recovery.account import AllowedAddress, DaySent, Route, Subaccount, Webhook
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import KeyRefused, Refused, Uncertain, Why
from recovery.finding_cards import findings_card
from recovery.findings import Finding, FindingStatus
from recovery.holdings import Trace
from recovery.listing import TRIES
from recovery.looking import LOOK
from recovery.removing import REMOVE
from recovery.secret import Secret
from recovery.state import IncidentStatus, StepStatus
from tests.recovery.builders import DAY, a_domain, a_key, a_member, a_user
from tests.recovery.world import APPROVER, REQUESTER, STRANGER, World

HOST = "https://collect.stranger.example/in"
S = FindingStatus


def findings(world: World) -> list[Finding]:
    with world.database.read() as tx:
        return tx.findings.of(world.incident.id)


def found(world: World, trace: Trace) -> Finding:
    (one,) = (finding for finding in findings(world) if finding.trace is trace)
    return one


def an_attackers_route(world: World, **fields: Any) -> Route:
    actions = (f'forward("{HOST}")', "stop()")
    route = Route("us", "r-9", 3, "", "catch_all()", actions, world.clock.now() - DAY)
    return replace(route, **fields)


def visited(world: World) -> World:
    """An attacker left a key, a route, a webhook, and an address on the allowlist; copies and a flood."""
    mailgun, outlets = world.with_logins("a").mailgun, world.mailgun.outlets
    mailgun.has_domain(a_domain("news.acme.example", archive_to=HOST))
    mailgun.has_user(a_user("ann", is_master=True))
    mailgun.has_key(a_key("eves", description="", created_at=world.clock.now() - DAY), "eves-secret")
    outlets.routes.append(an_attackers_route(world))
    outlets.webhooks.append(Webhook("us", "mg.acme.example", HOST, ("delivered", "opened")))
    outlets.allowlist.append(AllowedAddress("198.51.100.66", ""))
    today = world.clock.now().date()
    outlets.sent += [DaySent("mg.acme.example", today - ago * DAY, 2_000 if ago < 2 else 50) for ago in range(14)]
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    return world


@pytest.fixture
def open_case(world: World) -> World:
    """A visited account whose incident is open."""
    return visited(world).opened()


# --- Finding --------------------------------------------------------------------------------------------


def test_everything_that_the_attacker_left_is_found_and_nothing_else(open_case: World) -> None:
    assert {(one.trace, one.subject) for one in findings(open_case)} == {
        (Trace.KEY, "eves"),
        (Trace.ROUTE, "us/r-9"),
        (Trace.WEBHOOK, f"us/mg.acme.example/{HOST}"),
        (Trace.ARCHIVE, f"us/news.acme.example/{HOST}"),
        (Trace.ADDRESS, "198.51.100.66"),
        (Trace.SENDING, "mg.acme.example"),
    }


def test_the_look_changes_nothing_at_mailgun(open_case: World) -> None:
    assert open_case.mailgun.changes == []


def test_each_finding_is_in_the_trail_with_its_reasons(open_case: World) -> None:
    entries = open_case.trail(Action.FOUND)

    assert len(entries) == 6
    assert any("it has no description" in entry.facts.result for entry in entries)


def test_the_card_counts_what_is_there_and_lists_what_is_suspicious(open_case: World) -> None:
    card = open_case.card("0")

    assert "2 account keys (2 admin)" in card and "2 US" in card and "1 (1 basic), 1 owner" in card
    assert "6 findings: 6 to decide" in card and HOST in card
    assert card.rindex("198.51.100.66") > card.rindex("mg.acme.example"), "allowlist entries come last"


def test_the_card_shows_what_was_sent_as_bars_with_the_flood_at_the_end(open_case: World) -> None:
    assert "▁▁▁▁▁▁▁▁▁▁▁▁██  mg.acme.example: up to 2,000 a day lately, usually 50" in open_case.card("0")


def test_an_account_in_which_nothing_is_suspicious_is_investigated_at_once(world: World) -> None:
    world.with_logins("a").opened()

    assert world.status("0") is StepStatus.DONE
    assert "Nothing suspicious" in world.card("0")


def test_what_a_subaccount_has_is_found_and_said_to_be_its_own(world: World) -> None:
    shop = Subaccount("sub-1", "Shop", is_open=True)
    world.mailgun.outlets.subaccounts.append(shop)
    world.mailgun.has_key(a_key("eves", description="", owner=shop), "eves-secret")
    world.opened()

    assert found(world, Trace.KEY).owner_id == "sub-1"
    assert "subaccount Shop" in world.card("0")


def test_the_key_that_the_bot_works_with_is_no_finding(world: World) -> None:
    secret = "0123456789abcdef0123456789abcdef-own-1"
    world.mailgun.has_key(a_key("own-1", description=""), secret)
    with world.database.write() as tx:
        world.vault.keep(tx, Secret(secret), None, None)
    world.vault.refresh()
    world.opened()

    assert findings(world) == []


# --- Since when -----------------------------------------------------------------------------------------


def test_what_was_created_within_the_lookback_is_suspicious(make_world: Callable[..., World]) -> None:
    world = make_world(lookback=timedelta(hours=2))
    world.mailgun.has_key(a_key("young", created_at=world.clock.now() - timedelta(hours=1)), "s-1")
    world.mailgun.has_key(a_key("older", created_at=world.clock.now() - timedelta(hours=3)), "s-2")
    world.opened()

    assert [one.subject for one in findings(world)] == ["young"]


def test_a_moment_that_is_typed_says_since_when_instead(world: World) -> None:
    moment = world.clock.now() - 20 * DAY
    world.mailgun.has_key(a_key("before", created_at=moment - DAY), "s-1")
    world.mailgun.has_key(a_key("after", created_at=moment + DAY), "s-2")
    world.type(f"since:{moment:%Y-%m-%d} spam from our domains", by=REQUESTER)
    world.work()

    assert [one.subject for one in findings(world)] == ["after"]
    assert f"{world.incident.since:%Y-%m-%d}" == f"{moment:%Y-%m-%d}"
    assert world.incident.description == "spam from our domains"


@pytest.mark.parametrize(
    "typed", ["since:yesterday spam", "since: spam", "since:2026-13-01 spam", "since:0001-01-01T00:00+14:00 spam"]
)
def test_what_is_no_moment_is_asked_about(world: World, typed: str) -> None:
    assert "no moment" in world.type(typed, by=REQUESTER)
    with world.database.read() as tx:
        assert tx.incidents.latest() is None


def test_a_moment_to_come_opens_nothing(world: World) -> None:
    answer = world.type(f"since:{world.clock.now() + 2 * DAY:%Y-%m-%d} spam", by=REQUESTER)

    assert "still to come" in answer
    with world.database.read() as tx:
        assert tx.incidents.latest() is None


def test_a_reported_moment_is_kept_when_somebody_else_starts(world: World) -> None:
    moment = world.clock.now() - 3 * DAY
    world.type(f"since:{moment:%Y-%m-%d} spam", by=STRANGER)
    world.work()
    with world.database.read() as tx:
        report = tx.requests.get(1)
    world.press(Ask.OPEN, by=REQUESTER, request=str(report.id))

    assert f"{world.incident.since:%Y-%m-%d}" == f"{moment:%Y-%m-%d}"
    assert world.incident.description == "spam"


# --- What cannot be listed ------------------------------------------------------------------------------


def test_a_list_that_the_plan_lacks_is_said_and_holds_nothing_up(world: World) -> None:
    world.mailgun.fail("alerts", Refused("Mailgun refused to list the sending alerts (403).", status=403))
    world.opened()

    assert world.status("0") is StepStatus.DONE
    assert "Sending alerts could not be listed" in world.card("0")


def test_of_what_could_not_be_listed_nothing_counts_as_gone(open_case: World) -> None:
    open_case.mailgun.fail("routes", Refused("no", status=400), times=2)
    open_case.type("look")
    open_case.work()

    assert found(open_case, Trace.ROUTE).status is S.OPEN


def test_a_look_that_fails_at_the_opening_goes_on_by_itself(world: World) -> None:
    visited(world).mailgun.fail("keys", Uncertain("timed out"), times=2 * TRIES)
    world.type("", by=REQUESTER)
    world.work(timedelta(seconds=4))
    world.draw()
    assert "could not be counted" in world.board
    world.work(timedelta(minutes=5))

    assert len(findings(world)) == 6 and "could not be counted" not in world.board
    assert world.status("0") is StepStatus.WAITING and "2 account keys" in world.card("1")


def test_a_refused_key_makes_the_step_need_help_and_a_retry_looks_again(world: World) -> None:
    visited(world).mailgun.fail("keys", KeyRefused("Forbidden", status=401, why=Why.REVOKED), times=2)
    world.opened()
    assert world.status("0") is StepStatus.NEEDS_ATTENTION
    world.press(Ask.RETRY, "0")
    world.work()

    assert world.status("0") is StepStatus.WAITING and len(findings(world)) == 6


# --- Deciding -------------------------------------------------------------------------------------------


def test_what_is_expected_is_decided_and_the_last_decision_ends_the_step(open_case: World) -> None:
    open_case.all_expected()

    assert open_case.status("0") is StepStatus.DONE
    assert {one.status for one in findings(open_case)} == {S.EXPECTED}
    assert {one.decided_by for one in findings(open_case)} == {APPROVER}


def test_sending_that_was_the_attack_is_confirmed_as_that(open_case: World) -> None:
    answer = open_case.type(f"attack {found(open_case, Trace.SENDING).number}")
    refused = open_case.type(f"attack {found(open_case, Trace.ROUTE).number}")

    assert "counts as the attack" in answer and "can be removed" in refused
    assert (found(open_case, Trace.SENDING).status, found(open_case, Trace.ROUTE).status) == (S.CONFIRMED, S.OPEN)


def test_only_an_approver_decides(open_case: World) -> None:
    open_case.type("expected 1", by=STRANGER)
    open_case.type("remove 1", by=STRANGER)

    assert {one.status for one in findings(open_case)} == {S.OPEN}


def test_a_button_that_was_drawn_before_another_decision_changes_nothing(open_case: World) -> None:
    route = found(open_case, Trace.ROUTE)
    about = {"incident": str(route.incident_id), "finding": str(route.id), "version": str(route.version)}
    open_case.press(Ask.EXPECTED, **about)
    answer = open_case.press(Ask.REMOVE, **about)
    open_case.work()

    assert "is expected by U-APP" in answer and found(open_case, Trace.ROUTE).status is S.EXPECTED
    assert open_case.mailgun.called("delete_route") == []


@pytest.mark.parametrize("typed", ["remove 99", "expected 0", "more 7"])
def test_a_finding_that_is_not_there_is_said_not_to_be(open_case: World, typed: str) -> None:
    assert "no such finding" in open_case.type(typed)


def test_anybody_may_ask_for_more_and_is_told_all_that_is_known(open_case: World) -> None:
    route = found(open_case, Trace.ROUTE)
    answer = open_case.type(f"more {route.number}", by=STRANGER)

    assert "catch_all()" in answer and HOST in answer and "stop()" in answer and "us" in answer


def test_a_skip_leaves_what_was_found_and_says_so(open_case: World) -> None:
    open_case.press(Ask.SKIP, "0", text="we know all of it")
    open_case.work()

    assert open_case.status("0") is StepStatus.SKIPPED
    assert {one.status for one in findings(open_case)} == {S.LEFT}


# --- Later looks ----------------------------------------------------------------------------------------


def test_what_people_removed_in_the_control_panel_is_seen_to_be_gone(open_case: World) -> None:
    open_case.mailgun.outlets.routes.clear()
    open_case.later(open_case.policy.poll_every)

    assert found(open_case, Trace.ROUTE).status is S.GONE
    assert len(open_case.trail(Action.FINDING_GONE)) == 1


def test_nobody_looks_again_once_all_is_decided(open_case: World) -> None:
    open_case.all_expected()
    before = len(open_case.mailgun.called("routes"))
    open_case.later(3 * open_case.policy.poll_every)

    assert len(open_case.mailgun.called("routes")) == before


def test_a_key_that_step_one_deleted_is_no_finding_any_more(open_case: World) -> None:
    open_case.approved("1").later(open_case.policy.poll_every)

    assert found(open_case, Trace.KEY).status is S.GONE


def test_the_keys_that_the_bot_made_are_no_findings(open_case: World) -> None:
    open_case.all_expected().approved("1", "2").vacated("0", "1", "2")

    assert {one.status for one in findings(open_case)} <= {S.EXPECTED, S.GONE}


def test_what_came_after_the_first_look_is_found_before_support_is_told(world: World) -> None:
    world.with_logins("a").opened()
    world.mailgun.outlets.webhooks.append(Webhook("us", "mg.acme.example", "https://hooks.acme.example", ("opened",)))
    world.vacated()

    assert world.status("5") is StepStatus.LOCKED and world.status("0") is StepStatus.WAITING
    assert "was not there" in world.card("0")
    world.all_expected()
    assert world.status("5") is StepStatus.WAITING


def test_what_was_removed_and_is_there_again_is_open_again(open_case: World) -> None:
    open_case.type(f"remove {found(open_case, Trace.WEBHOOK).number}")
    open_case.work()
    open_case.mailgun.outlets.webhooks.append(Webhook("us", "mg.acme.example", HOST, ("opened",)))
    open_case.later(open_case.policy.poll_every)

    again = found(open_case, Trace.WEBHOOK)
    assert again.status is S.OPEN and "there again" in "".join(again.reasons)


def test_a_cancelled_incident_is_looked_through_no_more(open_case: World) -> None:
    open_case.type("cancel we were wrong")
    before = len(open_case.mailgun.called("routes"))
    open_case.later(2 * open_case.policy.poll_every)

    assert open_case.incident.status is IncidentStatus.CANCELLED
    assert len(open_case.mailgun.called("routes")) == before


def test_a_flood_that_came_and_ended_between_two_looks_does_not_lock_support_for_ever(world: World) -> None:
    world.with_logins("a").opened()
    world.clock.pass_by(6 * DAY)
    today = world.clock.now().date()
    world.mailgun.outlets.sent += [
        DaySent("mg.acme.example", today - ago * DAY, 2_000 if ago == 5 else 50) for ago in range(14)
    ]
    world.vacated()

    assert findings(world) == []
    assert (world.status("0"), world.status("5")) == (StepStatus.DONE, StepStatus.WAITING)


def test_what_was_removed_while_the_account_was_looked_through_is_not_taken_for_there_again(world: World) -> None:
    visited(world).opened()
    route = found(world, Trace.ROUTE)

    def meanwhile(call: str) -> None:
        # The routes are listed before the webhooks are.
        if call == "webhooks":
            world.mailgun.while_calling = lambda _: None
            world.type(f"remove {route.number}")
            world.drain(REMOVE)

    world.type("look")
    world.mailgun.while_calling = meanwhile
    world.work()

    assert found(world, Trace.ROUTE).status is S.REMOVED
    assert "Put it back" in str(findings_card(findings(world), 1))


def test_of_a_subaccount_that_is_not_listed_nothing_counts_as_gone(world: World) -> None:
    shop = Subaccount("sub-1", "Shop", is_open=True)
    world.mailgun.outlets.subaccounts.append(shop)
    world.mailgun.has_key(a_key("eves", description="", owner=shop), "eves-secret")
    world.opened()
    world.mailgun.fail("subaccounts", KeyRefused("no", status=403))
    world.type("look")
    world.work(timedelta(seconds=5))

    assert found(world, Trace.KEY).status is S.OPEN


def test_what_could_not_be_listed_at_first_is_not_new_at_the_next_look(world: World) -> None:
    own = Webhook("us", "mg.acme.example", "https://hooks.acme.example", ("opened",))
    world.with_logins("a").mailgun.outlets.webhooks.append(own)
    world.mailgun.fail("webhooks", Refused("no", status=400))
    world.opened()
    world.type("look")
    world.work()
    assert findings(world) == []
    world.mailgun.outlets.webhooks.append(replace(own, url="https://other.acme.example"))
    world.type("look")
    world.work()

    assert found(world, Trace.WEBHOOK).thing["address"] == "https://other.acme.example"


def test_a_key_that_the_bot_is_about_to_hand_over_is_no_finding(world: World) -> None:
    visited(world).opened()

    def look_meanwhile(call: str) -> None:
        # A key is made by then, and neither in the vault nor handed over.
        if call == "prove_key":
            world.type("look")
            world.drain(LOOK)

    world.mailgun.while_calling = look_meanwhile
    world.approved("1")

    assert len(world.mailgun.called("prove_key")) > 1
    assert [one.subject for one in findings(world) if one.trace is Trace.KEY] == ["eves"]


def test_a_step_that_was_skipped_before_it_could_look_is_offered_with_what_the_last_look_finds(world: World) -> None:
    visited(world).mailgun.fail("keys", KeyRefused("Forbidden", status=401, why=Why.REVOKED), times=2)
    world.opened()
    assert world.status("0") is StepStatus.NEEDS_ATTENTION
    world.vacated()

    assert (world.status("0"), world.status("5")) == (StepStatus.WAITING, StepStatus.LOCKED)
    assert {one.status for one in findings(world)} == {S.OPEN}
