"""Step 1 in an account with subaccounts: each has keys of its own, and each call is on its behalf."""

import pytest

from recovery.account import ApiKey, KeyKind, Subaccount
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import KeyLimitReached, NotFound, Uncertain
from recovery.keyring import mark_of, unmarked
from recovery.state import StepStatus
from tests.recovery.builders import a_key
from tests.recovery.world import World

SHOP = Subaccount("sub-1", "Shop", is_open=True)


@pytest.fixture
def ready(world: World) -> World:
    """The bot's key, and an account key and a sending key of a subaccount."""
    world.mailgun.outlets.subaccounts.append(SHOP)
    world.mailgun.has_key(a_key("orders", role="developer", description="orders", owner=SHOP), "orders-secret")
    world.mailgun.has_key(a_key("mailer", KeyKind.DOMAIN, description="mailer", owner=SHOP), "mailer-secret")
    return world.opened()


def of_shop(world: World) -> list[ApiKey]:
    return [key for key in world.mailgun.api_keys.values() if key.owner == SHOP]


def test_the_card_counts_them_apart(ready: World) -> None:
    assert (
        "Touches 1 account key and 0 domain sending keys of the whole account, and 1 account key and 1 sending key of "
        "1 subaccount" in ready.card("1")
    )


def test_without_subaccounts_the_card_names_none(world: World) -> None:
    assert "subaccount" not in world.opened().card("1")


def test_each_key_of_a_subaccount_has_one_replacement_in_that_subaccount(ready: World) -> None:
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert sorted((unmarked(key.description), key.role) for key in of_shop(ready)) == [
        ("mailer", "sending"),
        ("orders", "developer"),
    ]
    assert all(mark_of(key) for key in of_shop(ready))


def test_the_handover_names_the_subaccount(ready: World) -> None:
    ready.approved("1")

    headings = {name.partition(": ")[0] for name in ready.key_handovers[0].secrets}
    assert headings == {
        "Account keys",
        "Account keys (subaccount Shop)",
        "Sending keys of mg.acme.example (subaccount Shop)",
    }


def test_the_keys_that_work_are_those_that_were_handed_over_and_the_bots_own(ready: World) -> None:
    ready.approved("1")

    own = ready.vault.current().reveal()
    assert sorted(ready.mailgun.key_secrets.values()) == sorted([*ready.handed_keys, own])


def test_the_trail_says_whose_key_it_was(ready: World) -> None:
    ready.approved("1")

    deleted = [entry.facts.subject for entry in ready.trail(Action.KEY_DELETED)]
    assert "orders (developer of subaccount Shop, orders)" in deleted


def test_a_replacement_of_an_unfinished_attempt_is_deleted_in_its_subaccount(ready: World) -> None:
    ready.mailgun.fail("create_key", Uncertain("timed out"), "orders", after=True)
    ready.approved("1")

    assert len(of_shop(ready)) == 2
    assert len(ready.trail(Action.ORPHAN_DELETED)) == 1


def test_a_deletion_in_doubt_is_looked_for_in_its_subaccount(ready: World) -> None:
    ready.mailgun.fail("delete_key", Uncertain("timed out"), "orders")
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert "orders" not in ready.mailgun.api_keys


def test_a_full_subaccount_does_not_keep_the_account_from_going_on(ready: World) -> None:
    ready.mailgun.fail("create_key", KeyLimitReached("account limit reached", status=403), "orders", times=50)
    ready.mailgun.fail("create_key", KeyLimitReached("account limit reached", status=403), "mailer", times=50)
    ready.approved("1")

    assert ready.status("1") is StepStatus.NEEDS_ATTENTION
    assert {key.id for key in of_shop(ready)} == {"orders", "mailer"}
    assert "env-key" not in ready.mailgun.api_keys


def test_a_key_of_a_subaccount_that_appears_is_found_at_the_last_look(ready: World) -> None:
    ready.approved("1")
    ready.mailgun.has_key(a_key("late", owner=SHOP), "late-secret")
    ready.vacated()
    assert ready.state("1").facts["scope"] == ["late"]

    ready.approved("1")
    assert "late" not in ready.mailgun.api_keys
    assert len(of_shop(ready)) == 3


def test_a_session_of_a_subaccount_is_ended_there(ready: World) -> None:
    ready.mailgun.has_key(a_key("visit", KeyKind.WEB, owner=SHOP), "w")
    ready.approved("1")

    assert "visit" not in ready.mailgun.api_keys


def test_a_replacement_in_a_subaccount_can_be_issued_anew(ready: World) -> None:
    ready.approved("1")
    orders = next(key for key in of_shop(ready) if unmarked(key.description) == "orders")
    ready.type(f"reissue {orders.id}", by="U-REQ")
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert orders.id not in ready.mailgun.api_keys
    assert len(of_shop(ready)) == 2


def test_a_plan_without_subaccounts_has_none(world: World) -> None:
    world.opened()
    world.mailgun.fail("subaccounts", NotFound("no such page", status=404), times=50)
    world.press(Ask.APPROVE, "1")
    world.work()

    assert world.status("1") is StepStatus.DONE
