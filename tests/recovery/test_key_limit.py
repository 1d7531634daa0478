"""Step 1 where the plan allows no further key: what goes first, what an approver is asked, what stays as it is."""

import pytest

from recovery.account import Subaccount
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import Refused
from recovery.key_plans import BEGIN, REPLACE
from recovery.secret import Secret
from recovery.state import StepStatus, TaskStatus
from tests.recovery.builders import DAY, a_key
from tests.recovery.fakes import START
from tests.recovery.keys import NEWER, descriptions, gives, menu, options, uses
from tests.recovery.world import FIRST_KEY, REQUESTER, World


@pytest.fixture
def full(world: World) -> World:
    """The bot's key, of the newer form, and two others: exactly as many as the plan allows."""
    uses(world, NEWER)
    world.mailgun.has_key(a_key("billing", role="analyst", description="billing"), "billing-secret")
    world.mailgun.has_key(a_key("shop", description="shop"), "shop-secret")
    world.mailgun.key_limit = 3
    return world.opened()


# --- Exactly the keys in use ----------------------------------------------------------------------------


def test_an_approver_is_asked_which_key_goes_and_never_the_one_in_use(full: World) -> None:
    full.approved("1")

    assert full.status("1") is StepStatus.NEEDS_ATTENTION
    assert options(full) == ["billing", "shop"]
    assert "The key that the bot works with is not among them, and gets no replacement" in full.card("1")
    assert not full.mailgun.called("delete_key")


def test_the_menu_asks_for_a_confirmation_that_says_what_stops(full: World) -> None:
    full.approved("1")
    found = menu(full, Ask.MAKE_ROOM)

    assert found and found.confirm
    assert "have no key until" in found.confirm.text
    assert "billing (analyst, billing)" in found.options[0].label


def test_once_a_key_is_named_the_step_goes_on_by_itself_to_its_end(full: World) -> None:
    full.approved("1")
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")
    full.work()

    assert full.status("1") is StepStatus.DONE
    assert descriptions(full) == ["Mailgun recovery bot", "billing", "shop"]
    own = full.vault.current().reveal()
    assert sorted(full.mailgun.key_secrets.values()) == sorted([*full.handed_keys, own])


def test_only_the_named_key_is_deleted_before_its_replacement_was_handed_over(full: World) -> None:
    full.approved("1")
    full.slack.while_posting = lambda marker: None
    before: list[set[str]] = []

    def look(marker: object) -> None:
        before.append({"billing", "shop"} - set(full.mailgun.api_keys))

    full.slack.while_posting = look
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")
    full.work()

    assert before[0] == {"billing"}


def test_what_the_bot_worked_with_goes_without_a_replacement_for_its_own_key_takes_the_place(full: World) -> None:
    full.approved("1")
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")
    full.work()

    assert "env-key" not in full.mailgun.api_keys
    assert "the bot's first key" not in descriptions(full)


def test_it_can_be_typed(full: World) -> None:
    full.approved("1")
    answer = full.type("make-room shop")
    full.work()

    assert "have no key until" in answer
    assert full.status("1") is StepStatus.DONE


def test_a_key_that_is_not_among_those_to_choose_is_answered_in_words(full: World) -> None:
    full.approved("1")

    assert "none of the keys" in full.type("make-room env-key")
    assert "env-key" in full.mailgun.api_keys


def test_a_second_choice_from_the_same_message_changes_nothing(full: World) -> None:
    full.approved("1")
    version = str(full.state("1").version)
    full.press(Ask.MAKE_ROOM, "1", chosen="billing", version=version)
    answer = full.press(Ask.MAKE_ROOM, "1", chosen="shop", version=version)

    assert "Nobody is asked that now" in answer
    assert len(full.trail(Action.ROOM_CHOSEN)) == 1


def test_whoever_may_not_decide_cannot_name_a_key(full: World) -> None:
    full.approved("1")
    full.press(Ask.MAKE_ROOM, "1", by="U-STRANGER", chosen="billing")

    assert full.status("1") is StepStatus.NEEDS_ATTENTION
    assert "billing" in full.mailgun.api_keys


def test_the_replacement_is_planned_in_the_transaction_that_records_the_decision(full: World) -> None:
    full.approved("1")
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")

    assert "billing" in full.mailgun.api_keys
    (task,) = full.tasks("1", TaskStatus.READY, kind=REPLACE)
    assert (task.subject, task.payload["role"], task.payload["description"]) == ("billing", "analyst", "billing")


def test_a_crash_after_the_deletion_leaves_the_replacement_planned(full: World) -> None:
    full.approved("1")
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")
    job = full.claim(REPLACE)
    assert job
    full.mailgun.delete_key("billing")
    full.clock.pass_by(full.policy.lease * 2)
    full.work()

    assert full.status("1") is StepStatus.DONE
    assert descriptions(full) == ["Mailgun recovery bot", "billing", "shop"]


def test_a_key_deleted_first_whose_replacement_was_given_up_is_made_when_issued_anew(full: World) -> None:
    full.approved("1")
    full.mailgun.fail("create_key", Refused("no", status=400), "billing", times=20)
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")
    full.work()
    assert full.status("1") is StepStatus.NEEDS_ATTENTION
    answer = full.press(Ask.SKIP, "1", text="later")
    full.mailgun.faults = type(full.mailgun.faults)()
    full.type("reissue all", by=REQUESTER)
    full.work()

    assert "reissue all" in answer
    assert "billing" in descriptions(full)


def test_a_cancelled_incident_still_replaces_the_key_that_went_first(full: World) -> None:
    full.approved("1")
    full.mailgun.fail("create_key", Refused("no", status=400), "billing")
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")
    full.work()
    full.press(Ask.CANCEL, text="false alarm")
    full.work()

    assert "billing" in descriptions(full)


# --- Whose key is whose ---------------------------------------------------------------------------------


def test_with_an_older_key_the_approver_says_first_which_one_is_the_bots(full: World) -> None:
    uses(full, FIRST_KEY)
    full.approved("1")
    assert options(full, Ask.OWN_KEY) == ["env-key", "billing", "shop"]
    assert not options(full)

    full.press(Ask.OWN_KEY, "1", chosen="env-key")
    full.work()
    assert options(full) == ["billing", "shop"]

    full.type("make-room billing")
    full.work()
    assert full.status("1") is StepStatus.DONE
    assert descriptions(full) == ["Mailgun recovery bot", "billing", "shop"]


def test_what_was_said_of_one_key_does_not_count_for_another_that_the_bot_is_given(full: World) -> None:
    uses(full, FIRST_KEY)
    full.approved("1")
    full.type("own-key env-key")
    full.work()
    gives(full, "shop-secret")

    assert options(full, Ask.OWN_KEY) == ["env-key", "billing", "shop"]


def test_a_key_that_the_bot_is_given_meanwhile_is_not_deleted_under_it(full: World) -> None:
    full.approved("1")
    full.press(Ask.MAKE_ROOM, "1", chosen="billing")
    with full.database.write() as tx:
        full.vault.keep(tx, Secret("billing-secret"), None, None)
    full.vault.refresh()
    full.work()

    assert full.vault.current().reveal() in full.mailgun.key_secrets.values()


# --- What goes without asking ---------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["is_disabled", "expires_at"])
def test_a_key_that_nobody_can_use_goes_first_and_gets_no_replacement(full: World, field: str) -> None:
    dead = {"is_disabled": True} if field == "is_disabled" else {"expires_at": START - DAY}
    full.mailgun.has_key(a_key("dead", description="dead", **dead), "dead-secret")
    full.mailgun.key_limit = 4
    full.approved("1")

    assert full.status("1") is StepStatus.DONE
    assert descriptions(full) == ["Mailgun recovery bot", "billing", "shop"]
    assert not full.trail(Action.ROOM_CHOSEN)
    assert len(full.trail(Action.ROOM_MADE)) == 1


def test_without_a_limit_a_disabled_key_is_replaced_like_the_others(full: World) -> None:
    full.mailgun.has_key(a_key("dead", description="dead", is_disabled=True), "dead-secret")
    full.mailgun.key_limit = None
    full.approved("1")

    assert "dead" in descriptions(full)


def test_a_key_that_an_approver_wants_removed_goes_first_and_gets_no_replacement(full: World) -> None:
    full.mailgun.delete_key("shop")
    full.mailgun.has_key(a_key("eves", description=""), "eves-secret")
    full.type("look")
    full.work()
    full.type("remove 1")
    full.press(Ask.APPROVE, "1")
    full.drain(BEGIN)
    full.work()

    assert full.status("1") is StepStatus.DONE
    assert descriptions(full) == ["Mailgun recovery bot", "billing"]
    assert len(full.trail(Action.ROOM_MADE)) == 1 and not full.trail(Action.ROOM_CHOSEN)


def test_a_limit_that_comes_later_lets_the_dead_go_first_too(world: World) -> None:
    world.mailgun.has_key(a_key("dead", description="dead", is_disabled=True), "dead-secret")
    world.opened()
    world.press(Ask.APPROVE, "1")
    world.drain("api_keys.begin")
    world.mailgun.key_limit = len(world.mailgun.api_keys)
    world.work()

    assert world.status("1") is StepStatus.DONE
    assert descriptions(world) == ["Mailgun recovery bot", "the bot's first key"]


def test_a_limit_that_comes_later_offers_the_keys_that_are_left(full: World) -> None:
    full.mailgun.key_limit = None
    full.press(Ask.APPROVE, "1")
    full.drain("api_keys.begin")
    full.mailgun.key_limit = len(full.mailgun.api_keys)
    full.work()
    assert options(full) == ["env-key", "billing", "shop"]
    assert "not among them." in full.card("1"), "each of them gets a replacement"

    full.type("make-room shop")
    full.work()
    assert full.status("1") is StepStatus.DONE
    assert len(full.mailgun.api_keys) == 4


# --- Subaccounts have limits of their own ---------------------------------------------------------------


def test_in_a_subaccount_that_is_full_its_own_keys_are_offered(world: World) -> None:
    shop = Subaccount("sub-1", "Shop", is_open=True)
    world.mailgun.outlets.subaccounts.append(shop)
    world.mailgun.has_key(a_key("orders", owner=shop), "orders-secret")
    world.mailgun.has_key(a_key("stock", owner=shop), "stock-secret")
    world.mailgun.has_key(a_key("returns", owner=shop), "returns-secret")
    world.mailgun.key_limit = 3
    world.opened().approved("1")
    assert options(world) == ["orders", "stock", "returns"]

    world.type("make-room orders")
    world.work()
    assert world.status("1") is StepStatus.DONE
    assert len([key for key in world.mailgun.api_keys.values() if key.owner == shop]) == 3
