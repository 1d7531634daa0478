"""Mailgun refuses the bot's key: what that means is said, and a fresh key, given in a form, sets the work going."""

from datetime import timedelta

import pytest

from recovery.actions import SEALED, Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import KeyRefused, Refused, Uncertain, Why
from recovery.secret import Secret
from recovery.setting_passwords import SET
from recovery.state import Request, StepStatus, TaskStatus
from tests.recovery.builders import a_domain, a_key
from tests.recovery.world import APPROVER, FIRST_KEY, POSTMASTER, STRANGER, World

AT_ONCE = timedelta(0)
FOREVER = 1_000
FRESH = "0123456789abcdef0123456789abcdef-f2153fd0-f1277777"
FRESH_ID = "f2153fd0-f1277777"


@pytest.fixture
def dead(world: World) -> World:
    """An incident is open, then the attacker revokes the bot's key."""
    world.with_logins("app").opened()
    revoke(world)
    return world


def revoke(world: World) -> None:
    del world.mailgun.key_secrets["env-key"], world.mailgun.api_keys["env-key"]


def make_fresh_key(world: World, secret: str = FRESH) -> None:
    """Somebody makes an admin key in the control panel."""
    world.mailgun.has_key(a_key(FRESH_ID, description="for the bot"), secret)


def give(world: World, secret: str = FRESH, by: str = APPROVER) -> str:
    """Enter a key in the form; the private answer."""
    sealed = world.vault.seal(Secret(secret))
    return world.press(Ask.GIVE_KEY, by=by, incident=str(world.incident.id), **{SEALED: sealed})


def stored(world: World) -> Request:
    """The last request, as it is kept."""
    with world.database.read() as tx:
        return tx.requests.get(world.requests)


# --- What a refusal means ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "said", "helps"),
    [
        (Why.REVOKED, "wrong, deleted or expired, or the IP allowlist", "python bot.py key"),
        (Why.NO_RIGHTS, "it is no admin key, or the account is disabled", "no key helps until Mailgun Support"),
        (Why.DISABLED, "The account is disabled.", "go on by hand meanwhile"),
        (Why.ADDRESS, "The IP allowlist lacks the address", "remove what none of you has entered"),
    ],
)
def test_each_reason_is_told_apart_on_the_steps_card(world: World, why: Why, said: str, helps: str) -> None:
    world.with_logins().opened()
    world.mailgun.fail("domains", KeyRefused("Forbidden", status=403, why=why), times=FOREVER)
    world.approved("2")

    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    assert "Mailgun refuses the bot's key." in world.card("2")
    assert said in world.card("2") and helps in world.card("2")


def test_a_refused_count_at_the_opening_is_on_the_board_with_what_helps(world: World) -> None:
    revoke(world)
    world.opened()

    assert "Trouble: counting the account: Forbidden" in world.board
    assert "python bot.py key" in world.board and "Give the bot a new key" in world.board
    assert "Go on by hand" in world.card("2")


def test_many_tasks_that_are_refused_are_one_line_on_the_card(dead: World) -> None:
    dead.mailgun.has_key(a_key("env-key"), FIRST_KEY)
    dead.mailgun.fail("set_password", KeyRefused("Forbidden", status=401), times=FOREVER)
    dead.approved("2")

    assert dead.card("2").count("Forbidden") == 1 and "and 1 more: Forbidden" in dead.card("2")


def test_a_refusal_of_something_else_offers_no_key_and_no_hand(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", Refused("locked", status=400), times=FOREVER)
    world.approved("2")

    assert "Give the bot a new key" not in world.card("2") and "Go on by hand" not in world.card("2")


# --- A fresh key ------------------------------------------------------------------------------------------


def test_what_was_refused_goes_on_at_once_with_a_fresh_key(dead: World) -> None:
    dead.approved("2")
    assert dead.status("2") is StepStatus.NEEDS_ATTENTION

    make_fresh_key(dead)
    assert "The key works and is in the vault" in give(dead)
    dead.work()

    assert dead.status("2") is StepStatus.DONE
    assert "Trouble" not in dead.board
    assert dead.vault.current() == Secret(FRESH)


def test_a_task_that_waits_for_its_next_try_is_due_at_once(dead: World) -> None:
    dead.vacated()
    dead.press(Ask.SKIP, "1", text="not needed here")
    dead.work(patience=timedelta(minutes=1))
    make_fresh_key(dead)
    give(dead)
    dead.work(patience=dead.policy.settle)

    assert dead.status("5") is StepStatus.WAITING


def test_a_key_is_in_the_trail_by_its_id_and_by_who_gave_it(dead: World) -> None:
    make_fresh_key(dead)
    give(dead)

    (entry,) = dead.trail(Action.KEY_GIVEN)
    assert (entry.facts.actor, entry.facts.result) == (APPROVER, f"its id is {FRESH_ID}")
    with dead.database.read() as tx:
        kept = tx.vault.newest()
    assert kept is not None and kept.mailgun_key_id == FRESH_ID


def test_an_older_key_does_not_tell_its_id(dead: World) -> None:
    older = "key-0123456789abcdef0123456789abcdef"
    make_fresh_key(dead, older)
    give(dead, older)

    with dead.database.read() as tx:
        kept = tx.vault.newest()
    assert kept is not None and kept.mailgun_key_id is None


def test_a_key_that_does_not_work_changes_nothing(dead: World) -> None:
    said = give(dead)

    assert "That key was not taken. Forbidden" in said and "Nothing was changed" in said
    assert dead.vault.current() == Secret(FIRST_KEY)
    assert dead.trail(Action.KEY_GIVEN) == []


def test_a_key_that_is_no_admins_is_not_taken(dead: World) -> None:
    dead.mailgun.has_key(a_key(FRESH_ID, role="developer"), FRESH)

    assert "Its role is developer, and the bot needs one with the role admin." in give(dead)
    assert dead.vault.current() == Secret(FIRST_KEY) and stored(dead).about == {}


def test_a_key_of_another_account_is_not_taken(dead: World) -> None:
    dead.mailgun.of_others[FRESH] = [a_domain("shop.example")]

    assert "It belongs to another Mailgun account" in give(dead)
    assert dead.vault.current() == Secret(FIRST_KEY) and stored(dead).about == {}


def test_a_key_that_may_not_list_the_domains_is_taken_for_the_account_may_be_disabled(dead: World) -> None:
    make_fresh_key(dead)
    dead.mailgun.fail("domains_listed_by", KeyRefused("Account is disabled", status=403, why=Why.DISABLED))

    assert "The key works" in give(dead)


def test_a_key_of_an_account_whose_domains_an_attacker_has_deleted_is_taken(dead: World) -> None:
    make_fresh_key(dead)
    dead.mailgun.all_domains.clear()

    assert "The key works" in give(dead)


@pytest.mark.parametrize("works", [True, False])
def test_the_sealed_key_is_wiped_whatever_comes_of_it(dead: World, works: bool) -> None:
    if works:
        make_fresh_key(dead)
    give(dead)

    assert stored(dead).outcome and stored(dead).about == {}


def test_a_key_of_somebody_who_may_not_decide_is_wiped_untried(dead: World) -> None:
    make_fresh_key(dead)
    dead.mailgun.calls.clear()
    said = give(dead, by=STRANGER)

    assert "Nothing was changed" in said
    assert stored(dead).about == {} and dead.mailgun.calls == []


def test_a_key_is_wiped_too_when_slack_cannot_say_who_gives_it(dead: World) -> None:
    dead.directory.trouble = Uncertain("no answer")
    give(dead)

    assert stored(dead).outcome and stored(dead).about == {}


def test_a_key_is_tried_again_while_mailgun_does_not_answer(dead: World) -> None:
    make_fresh_key(dead)
    dead.mailgun.fail("keys_listed_by", Uncertain("no answer"), times=2)

    assert "The key works" in give(dead)
    assert len(dead.trail(Action.KEY_GIVEN)) == 1


def test_a_crash_before_the_answer_neither_loses_the_key_nor_takes_it_twice(dead: World) -> None:
    make_fresh_key(dead)
    dead.slack.fail("answer", Uncertain("no answer"), times=2)
    said = give(dead)
    dead.start()

    assert "The key works" in said
    assert len(dead.trail(Action.KEY_GIVEN)) == 1 and dead.vault.current() == Secret(FRESH)


def test_nobody_waits_for_long_for_a_mailgun_that_does_not_answer(dead: World) -> None:
    dead.mailgun.fail("keys_listed_by", Uncertain("no answer"), times=FOREVER)

    assert "That key was not taken. no answer" in give(dead)
    assert stored(dead).about == {}


def test_a_key_that_was_sealed_with_a_lost_encryption_key_is_asked_for_again(dead: World) -> None:
    said = dead.press(Ask.GIVE_KEY, incident=str(dead.incident.id), **{SEALED: "gAAAA-of-another-bot"})

    assert "No key in ENCRYPTION_KEY opens it" in said and stored(dead).about == {}


def test_a_key_for_an_incident_that_has_ended_is_not_taken(dead: World) -> None:
    number = str(dead.incident.id)
    dead.type("cancel only a test")
    make_fresh_key(dead)
    sealed = dead.vault.seal(Secret(FRESH))
    said = dead.press(Ask.GIVE_KEY, incident=number, **{SEALED: sealed})

    assert "Nothing was changed" in said and dead.vault.current() == Secret(FIRST_KEY)


def test_typed_it_offers_the_form_and_takes_nothing(dead: World) -> None:
    dead.approved("2")
    said = dead.type("new-key")

    assert "Mailgun refuses the key that the bot has" in said
    assert [button.action for button in dead.answer_card.buttons] == [Ask.GIVE_KEY]
    assert "takes nothing after it" in dead.type("new-key abc")


def test_the_key_that_was_given_is_deleted_once_the_bot_has_made_one_of_its_own(dead: World) -> None:
    dead.mailgun.has_key(a_key("staging"), "secret-of-staging")
    make_fresh_key(dead)
    give(dead)
    dead.approved("1")

    assert dead.status("1") is StepStatus.DONE
    assert FRESH_ID not in dead.mailgun.api_keys and "staging" not in dead.mailgun.api_keys
    assert len(dead.handed_over) == 3, "a replacement, the signing key and the public key"


def test_a_key_that_is_revoked_in_the_middle_is_replaced_and_step_1_goes_on(world: World) -> None:
    world.mailgun.has_key(a_key("staging"), "secret-of-staging")
    world.mailgun.has_key(a_key("billing"), "secret-of-billing")
    world.opened()

    def revoked_by_the_attacker(call: str) -> None:
        if call == "delete_key":
            for key in [key for key in world.mailgun.api_keys if key.startswith("new-")]:
                if "Mailgun recovery bot" in world.mailgun.api_keys[key].description:
                    del world.mailgun.api_keys[key], world.mailgun.key_secrets[key]

    world.mailgun.while_calling = revoked_by_the_attacker
    world.approved("1")
    assert world.status("1") is StepStatus.NEEDS_ATTENTION

    world.mailgun.while_calling = lambda call: None
    make_fresh_key(world)
    give(world)
    world.work()

    assert world.status("1") is StepStatus.DONE
    assert not {"env-key", "staging", "billing", FRESH_ID} & set(world.mailgun.api_keys)


# --- Without a fresh key ----------------------------------------------------------------------------------


def test_a_key_that_is_taken_again_sets_the_work_going_by_itself(dead: World) -> None:
    dead.approved("2")
    assert dead.status("2") is StepStatus.NEEDS_ATTENTION

    dead.mailgun.has_key(a_key("env-key"), FIRST_KEY)
    dead.later(dead.policy.poll_every)

    assert dead.status("2") is StepStatus.DONE and "Trouble" not in dead.board


def test_a_key_that_may_not_do_everything_is_not_tried_again_and_again(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", KeyRefused("Forbidden", status=403, why=Why.NO_RIGHTS), times=FOREVER)
    world.approved("2")
    world.later(world.policy.poll_every)
    tried = world.mailgun.calls.count(("set_password", POSTMASTER))
    world.later(timedelta(hours=1))

    assert world.mailgun.calls.count(("set_password", POSTMASTER)) == tried
    assert world.status("2") is StepStatus.NEEDS_ATTENTION and "Trouble" not in world.board


def test_once_the_key_works_the_account_is_counted_and_each_card_is_posted_once(world: World) -> None:
    world.with_logins("app")
    revoke(world)
    world.opened()
    world.draw()
    make_fresh_key(world)
    give(world)
    world.work()

    assert "2 SMTP logins" in world.card("2")
    assert len([card for card in world.slack.of_kind(MarkerKind.STEP) if "2. Reset SMTP" in card.words]) == 1


# --- An account that is disabled --------------------------------------------------------------------------


def disable(world: World) -> None:
    """From here on every call is answered with 403."""
    for call in ("keys", "domains", "logins", "users", "set_password", "create_key", "delete_key"):
        world.mailgun.fail(call, KeyRefused("Account is disabled", status=403, why=Why.DISABLED), times=FOREVER)


def test_an_account_that_is_disabled_before_step_2_fails_it_before_anything_is_changed(world: World) -> None:
    world.with_logins("app").opened()
    disable(world)
    world.approved("2")

    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    assert "The account is disabled." in world.card("2")
    assert world.mailgun.passwords == {} and world.handed_over == []


def test_an_account_that_is_disabled_during_step_2_keeps_what_was_handed_over(world: World) -> None:
    world.with_logins("app", "billing").opened()
    world.start(batch=1)

    def disabled_after_the_first(call: str) -> None:
        if call == "set_password" and len(world.mailgun.passwords) == 1:
            disable(world)

    world.mailgun.while_calling = disabled_after_the_first
    world.approved("2")

    done = world.tasks("2", TaskStatus.DONE, kind=SET)
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    assert len(done) == len(world.handed_over) == 1 and len(world.failures("2")) == 2
