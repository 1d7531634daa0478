"""What a finding is about is removed after a click, once, and put back as it was."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from recovery.account import AllowedAddress, Subaccount
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import Refused, Uncertain
from recovery.findings import FindingStatus
from recovery.holdings import Trace
from recovery.looking import LOOK
from recovery.removing import REMOVE, RESTORE
from recovery.secret import Secret, fingerprint
from recovery.state import StepStatus
from tests.recovery.builders import DAY, a_domain, a_key
from tests.recovery.test_investigating import HOST, an_attackers_route, findings, found, visited
from tests.recovery.world import APPROVER, FIRST_KEY, REQUESTER, World

S = FindingStatus
CALLS = {
    Trace.ROUTE: "delete_route",
    Trace.WEBHOOK: "delete_webhook",
    Trace.ARCHIVE: "archive_to",
    Trace.ADDRESS: "disallow",
}


@pytest.fixture
def open_case(world: World) -> World:
    return visited(world).opened()


def there(world: World, trace: Trace) -> bool:
    """Whether Mailgun still has what the attacker left."""
    outlets = world.mailgun.outlets
    return {
        Trace.ROUTE: any(HOST in "".join(route.actions) for route in outlets.routes),
        Trace.WEBHOOK: any(webhook.url == HOST for webhook in outlets.webhooks),
        Trace.ARCHIVE: any(domain.archive_to == HOST for domain in world.mailgun.all_domains),
        Trace.ADDRESS: bool(outlets.allowlist),
        Trace.KEY: "eves" in world.mailgun.api_keys,
    }[trace]


def remove(world: World, trace: Trace) -> str:
    answer = world.type(f"remove {found(world, trace).number}")
    world.work()
    return answer


def put_back(world: World, trace: Trace) -> str:
    answer = world.type(f"put-back {found(world, trace).number}")
    world.work()
    return answer


@pytest.mark.parametrize("trace", CALLS)
def test_what_is_removed_is_gone_and_the_trail_keeps_what_it_was(open_case: World, trace: Trace) -> None:
    remove(open_case, trace)

    assert not there(open_case, trace) and found(open_case, trace).status is S.REMOVED
    (entry,) = open_case.trail(Action.THING_REMOVED)
    assert (HOST if trace is not Trace.ADDRESS else "198.51.100.66") in entry.facts.result


@pytest.mark.parametrize("trace", CALLS)
def test_what_was_removed_is_put_back_as_it_was(open_case: World, trace: Trace) -> None:
    before = (list(open_case.mailgun.outlets.routes), list(open_case.mailgun.outlets.webhooks))
    remove(open_case, trace)
    put_back(open_case, trace)

    assert there(open_case, trace) and found(open_case, trace).status is S.RESTORED
    routes, webhooks = before
    again = open_case.mailgun.outlets.routes
    assert [(r.expression, r.actions, r.priority, r.description) for r in again] == [
        (r.expression, r.actions, r.priority, r.description) for r in routes
    ]
    assert open_case.mailgun.outlets.webhooks == webhooks


@pytest.mark.parametrize("trace", CALLS)
def test_what_was_put_back_is_no_new_finding(open_case: World, trace: Trace) -> None:
    remove(open_case, trace)
    put_back(open_case, trace)
    open_case.type("look")
    open_case.work()

    assert found(open_case, trace).status is S.RESTORED


@pytest.mark.parametrize("trace", CALLS)
def test_a_removal_whose_answer_is_lost_is_repeated_without_harm(open_case: World, trace: Trace) -> None:
    open_case.mailgun.fail(CALLS[trace], Uncertain("timed out"), after=True)
    remove(open_case, trace)

    assert not there(open_case, trace) and found(open_case, trace).status is S.REMOVED
    assert len(open_case.trail(Action.THING_REMOVED)) == 1


@pytest.mark.parametrize("trace", CALLS)
def test_putting_back_whose_answer_is_lost_makes_one_and_not_two(open_case: World, trace: Trace) -> None:
    creating = {Trace.ROUTE: "create_route", Trace.WEBHOOK: "create_webhook", Trace.ADDRESS: "allow"}
    remove(open_case, trace)
    open_case.mailgun.fail(creating.get(trace, "archive_to"), Uncertain("timed out"), after=True)
    put_back(open_case, trace)

    outlets = open_case.mailgun.outlets
    assert (len(outlets.routes), len(outlets.webhooks), len(outlets.allowlist)) == (1, 1, 1)
    assert found(open_case, trace).status is S.RESTORED


def test_a_second_click_removes_nothing_more(open_case: World) -> None:
    number = found(open_case, Trace.ROUTE).number
    open_case.type(f"remove {number}")
    answer = open_case.type(f"remove {number}")
    open_case.work()

    assert "under way" in answer
    assert len(open_case.mailgun.called("delete_route")) == 1


def test_the_step_runs_while_something_is_removed_and_waits_again_for_the_others(open_case: World) -> None:
    open_case.type(f"remove {found(open_case, Trace.ROUTE).number}")
    assert open_case.status("0") is StepStatus.RUNNING
    open_case.work()

    assert open_case.status("0") is StepStatus.WAITING


def test_a_removal_that_mailgun_refuses_needs_help_and_a_retry_repeats_it(open_case: World) -> None:
    open_case.mailgun.fail("delete_route", Refused("Mailgun refused to delete the route (400).", status=400))
    remove(open_case, Trace.ROUTE)
    assert open_case.status("0") is StepStatus.NEEDS_ATTENTION
    open_case.press(Ask.RETRY, "0")
    open_case.work()

    assert not there(open_case, Trace.ROUTE)


def test_a_skip_after_a_failed_removal_leaves_it(open_case: World) -> None:
    open_case.mailgun.fail("delete_route", Refused("no", status=400))
    remove(open_case, Trace.ROUTE)
    open_case.press(Ask.SKIP, "0", text="by hand")
    open_case.work()

    assert found(open_case, Trace.ROUTE).status is S.LEFT


def test_another_address_that_was_set_meanwhile_is_not_removed(open_case: World) -> None:
    domains = open_case.mailgun.all_domains
    domains[:] = [
        a_domain(d.name, d.region, archive_to="https://ours.example" if d.archive_to else None) for d in domains
    ]
    remove(open_case, Trace.ARCHIVE)

    assert open_case.mailgun.called("archive_to") == []


def test_what_a_subaccount_has_is_removed_on_its_behalf(world: World) -> None:
    shop = Subaccount("sub-1", "Shop", is_open=True)
    world.mailgun.outlets.subaccounts.append(shop)
    world.mailgun.has_domain(a_domain("shop.example", owner=shop))
    world.mailgun.outlets.routes.append(an_attackers_route(world))
    world.mailgun.outlets.owners["r-9"] = "sub-1"
    world.opened()
    remove(world, Trace.ROUTE)
    put_back(world, Trace.ROUTE)

    assert [world.mailgun.outlets.owners[route.id] for route in world.mailgun.outlets.routes] == ["sub-1"]


def test_nothing_is_removed_after_the_incident_was_cancelled(open_case: World) -> None:
    open_case.type(f"remove {found(open_case, Trace.ROUTE).number}")
    open_case.type("cancel we were wrong")
    open_case.work()

    assert there(open_case, Trace.ROUTE)


# --- What the bot needs itself --------------------------------------------------------------------------


def with_own_key(world: World, secret: str = "0123456789abcdef0123456789abcdef-own-1", key_id: str = "own-1") -> World:
    world.mailgun.has_key(a_key(key_id, description="", created_at=world.clock.now() - DAY), secret)
    with world.database.write() as tx:
        world.vault.keep(tx, Secret(secret), None, None)
    world.vault.refresh()
    return world


def test_a_key_that_the_attacker_made_is_removed_where_the_bots_own_is_known(world: World) -> None:
    with_own_key(visited(world)).opened()
    remove(world, Trace.KEY)

    assert not there(world, Trace.KEY) and found(world, Trace.KEY).status is S.REMOVED


def test_where_the_bots_own_key_is_not_known_an_account_key_waits_until_it_has_one(open_case: World) -> None:
    answer = remove(open_case, Trace.KEY)
    assert "approve resetting the API keys" in answer
    assert there(open_case, Trace.KEY) and open_case.status("0") is StepStatus.RUNNING
    open_case.approved("1").later(open_case.policy.settle)

    assert not there(open_case, Trace.KEY) and found(open_case, Trace.KEY).status is S.REMOVED


def test_the_key_that_the_bot_works_with_is_never_removed(world: World) -> None:
    world.mailgun.has_key(a_key("env-key", description="", created_at=world.clock.now() - DAY), FIRST_KEY)
    world.opened()
    with world.database.write() as tx:
        world.vault.keep(tx, Secret(FIRST_KEY), "env-key", None)
    answer = remove(world, Trace.KEY)

    assert "works with that key" in answer and "env-key" in world.mailgun.api_keys
    assert world.mailgun.called("delete_key") == []


def test_the_address_that_the_bot_calls_from_is_never_removed_once_somebody_said_so(open_case: World) -> None:
    address = found(open_case, Trace.ADDRESS)
    open_case.press(Ask.EXPECTED, incident=str(address.incident_id), finding=str(address.id), version="1", own="yes")
    answer = remove(open_case, Trace.ADDRESS)

    assert "calls from that address" in answer
    assert open_case.mailgun.outlets.allowlist == [AllowedAddress("198.51.100.66", "")]


def test_that_an_address_is_the_bots_own_can_be_typed(open_case: World) -> None:
    number = found(open_case, Trace.ADDRESS).number
    assert "Which finding?" in open_case.type(f"expected {number} somehow")
    open_case.type(f"expected {number} own")

    assert "calls from that address" in remove(open_case, Trace.ADDRESS)
    assert found(open_case, Trace.ADDRESS).status is S.EXPECTED


# --- After a crash --------------------------------------------------------------------------------------


def test_a_removal_that_another_process_takes_over_happens_once(open_case: World) -> None:
    open_case.type(f"remove {found(open_case, Trace.ROUTE).number}")
    job = open_case.claim(REMOVE)
    assert job is not None
    open_case.mailgun.delete_route("us", "r-9")
    open_case.start()
    open_case.later(open_case.policy.lease)

    assert found(open_case, Trace.ROUTE).status is S.REMOVED
    assert len(open_case.trail(Action.THING_REMOVED)) == 1


def test_putting_back_after_a_crash_makes_no_second_route(open_case: World) -> None:
    remove(open_case, Trace.ROUTE)
    open_case.type(f"put-back {found(open_case, Trace.ROUTE).number}")
    assert open_case.claim(RESTORE) is not None
    open_case.mailgun.create_route(an_attackers_route(open_case))
    open_case.start()
    open_case.later(open_case.policy.lease)

    assert len(open_case.mailgun.outlets.routes) == 1
    assert found(open_case, Trace.ROUTE).subject == f"us/{open_case.mailgun.outlets.routes[0].id}"


# --- What waits for a key of the bot's own ---------------------------------------------------------------


def test_the_key_that_the_bot_was_given_after_the_approval_is_not_removed(open_case: World) -> None:
    secret = "0123456789abcdef0123456789abcdef-eves"
    open_case.mailgun.key_secrets["eves"] = secret
    remove(open_case, Trace.KEY)
    with open_case.database.write() as tx:
        open_case.vault.keep(tx, Secret(secret), "eves", None)
    open_case.later(timedelta(minutes=2))

    assert there(open_case, Trace.KEY) and open_case.status("0") is StepStatus.NEEDS_ATTENTION
    assert "works with that key by now" in open_case.card("0")


def test_what_was_known_of_an_earlier_key_of_the_bots_says_nothing_of_one_that_it_was_given(open_case: World) -> None:
    state = open_case.state("1")
    with open_case.database.write() as tx:
        known = {"id": "env-key", "fingerprint": fingerprint(Secret(FIRST_KEY))}
        tx.steps.set(state.id, facts={**state.facts, "own_key": known})
        open_case.vault.keep(tx, Secret("eves-secret"), None, None)
    remove(open_case, Trace.KEY)

    assert there(open_case, Trace.KEY), "eves is what the bot works with, for all that it knows"


def test_a_key_that_waits_is_not_removed_after_the_incident_was_cancelled(open_case: World) -> None:
    remove(open_case, Trace.KEY)
    open_case.type("cancel we were wrong")
    open_case.work()
    with_own_key(open_case)
    open_case.opened()
    open_case.later(timedelta(minutes=2))

    assert there(open_case, Trace.KEY)
    with open_case.database.read() as tx:
        assert {one.status for one in tx.findings.of(1) if one.trace is Trace.KEY} == {S.LEFT}


def test_a_key_that_waits_and_that_people_delete_themselves_counts_as_removed(open_case: World) -> None:
    remove(open_case, Trace.KEY)
    open_case.mailgun.delete_key("eves")
    open_case.later(timedelta(minutes=2))

    assert found(open_case, Trace.KEY).status is S.REMOVED


def test_what_was_not_begun_when_the_incident_was_cancelled_is_left(open_case: World) -> None:
    open_case.type(f"remove {found(open_case, Trace.ROUTE).number}")
    number = open_case.incident.id
    open_case.type("cancel we were wrong")
    open_case.work()

    with open_case.database.read() as tx:
        assert {one.status for one in tx.findings.of(number) if one.trace is Trace.ROUTE} == {S.LEFT}


# --- A route that is another one by now ------------------------------------------------------------------


def test_a_route_that_was_changed_after_it_was_found_is_not_removed_but_asked_about_anew(open_case: World) -> None:
    number = found(open_case, Trace.ROUTE).number
    routes = open_case.mailgun.outlets.routes
    routes[:] = [replace(routes[0], actions=('forward("https://help.acme.example")',))]
    open_case.type(f"remove {number}")
    open_case.work()

    changed = found(open_case, Trace.ROUTE)
    assert open_case.mailgun.called("delete_route") == []
    assert changed.status is S.OPEN and "help.acme.example" in changed.title
    assert open_case.status("0") is StepStatus.WAITING
    remove(open_case, Trace.ROUTE)
    assert open_case.mailgun.outlets.routes == []


def test_a_route_that_was_expected_and_is_changed_then_is_open_again(open_case: World) -> None:
    open_case.all_expected()
    routes = open_case.mailgun.outlets.routes
    routes[:] = [replace(routes[0], expression="match_recipient('ceo@acme.example')")]
    open_case.vacated()

    assert found(open_case, Trace.ROUTE).status is S.OPEN and "ceo@acme.example" in open_case.card("0")
    assert open_case.status("5") is StepStatus.LOCKED


def test_an_old_route_that_is_changed_after_the_first_look_is_found(world: World) -> None:
    old = an_attackers_route(world, actions=('forward("https://help.acme.example")',))
    old = replace(old, created_at=world.clock.now() - 400 * DAY)
    world.mailgun.outlets.routes.append(old)
    world.with_logins("a").opened()
    assert world.status("0") is StepStatus.DONE
    world.mailgun.outlets.routes[:] = [replace(old, actions=(f'forward("{HOST}")',))]
    world.vacated()

    assert found(world, Trace.ROUTE).status is S.OPEN and len(found(world, Trace.ROUTE).reasons) == 2


def test_a_look_while_a_route_is_put_back_finds_no_other(open_case: World) -> None:
    remove(open_case, Trace.ROUTE)
    open_case.type(f"put-back {found(open_case, Trace.ROUTE).number}")
    assert open_case.claim(RESTORE) is not None
    open_case.mailgun.create_route(an_attackers_route(open_case))
    open_case.type("look")
    open_case.drain(LOOK)
    open_case.start()
    open_case.later(open_case.policy.lease)

    assert found(open_case, Trace.ROUTE).status is S.RESTORED


# --- Made anew ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("two_person", [True, False])
def test_whoever_receives_the_secrets_may_have_one_made_anew_unless_two_people_are_needed(
    make_world: Callable[..., World], two_person: bool
) -> None:
    world = visited(make_world(two_person=two_person)).opened().approved("1", by=APPROVER)
    world.mailgun.has_key(a_key("late", description="", created_at=world.clock.now()), "late-secret")
    world.type("look")
    world.work()
    number = next(one.number for one in findings(world) if one.subject == "late")
    world.type(f"remove {number}")
    world.work()
    before = len(world.handed_over)
    answer = world.type(f"put-back {number}", by=REQUESTER)
    world.work()

    assert ("Two people are needed" in answer) is two_person
    assert len(world.handed_over) - before == (0 if two_person else 1)


def test_what_was_set_while_an_attackers_key_lived_is_offered_for_another_reset(open_case: World) -> None:
    open_case.all_expected().approved("1", "2")
    open_case.mailgun.has_key(a_key("late", description="", created_at=open_case.clock.now()), "late-secret")
    open_case.type("look")
    open_case.work()
    assert open_case.status("2") is StepStatus.DONE
    open_case.clock.pass_by(timedelta(minutes=1))
    number = next(one.number for one in findings(open_case) if one.subject == "late")
    open_case.type(f"remove {number}")
    open_case.work()

    assert open_case.status("2") is StepStatus.WAITING


def test_a_key_that_is_made_anew_makes_nothing_else_anew(open_case: World) -> None:
    with_own_key(open_case)
    remove(open_case, Trace.KEY)
    open_case.all_expected().approved("1", "2")
    signing_keys = list(open_case.mailgun.outlets.signing_keys)
    open_case.clock.pass_by(timedelta(minutes=1))
    put_back(open_case, Trace.KEY)

    assert open_case.status("1") is StepStatus.DONE and len(open_case.trail(Action.MADE_ANEW)) == 1
    assert open_case.mailgun.outlets.signing_keys == signing_keys
    assert open_case.status("2") is StepStatus.DONE


def test_putting_copies_back_ends_no_others_that_were_set_meanwhile(open_case: World) -> None:
    remove(open_case, Trace.ARCHIVE)
    domains = open_case.mailgun.all_domains
    domains[:] = [a_domain(d.name, d.region, archive_to="https://ours.acme.example") for d in domains]
    put_back(open_case, Trace.ARCHIVE)

    assert {domain.archive_to for domain in open_case.mailgun.all_domains} == {"https://ours.acme.example"}
    assert open_case.status("0") is StepStatus.NEEDS_ATTENTION


def test_what_could_not_be_put_back_and_was_skipped_may_be_put_back_later(open_case: World) -> None:
    remove(open_case, Trace.WEBHOOK)
    open_case.mailgun.fail("create_webhook", Refused("no", status=400))
    put_back(open_case, Trace.WEBHOOK)
    open_case.press(Ask.SKIP, "0", text="later")
    assert found(open_case, Trace.WEBHOOK).status is S.REMOVED
    put_back(open_case, Trace.WEBHOOK)

    assert there(open_case, Trace.WEBHOOK)
