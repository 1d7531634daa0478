"""Steps by hand: while Mailgun refuses the bot's key, people do in the control panel what the bot cannot."""

from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.board import read_board, step_card
from recovery.content import Button
from recovery.errors import KeyRefused
from recovery.hand_cards import MOST_ITEMS
from recovery.setting_passwords import SET
from recovery.state import IncidentStatus, StepStatus, Task, TaskStatus
from recovery.steps import STEPS
from recovery.support_message import outcome
from tests.recovery.builders import a_key
from tests.recovery.test_fresh_key import FRESH_ID, give, make_fresh_key, revoke
from tests.recovery.world import APPROVER, REQUESTER, STRANGER, World

FOREVER = 1_000
DOMAIN = "us/mg.acme.example"


@pytest.fixture
def dead(world: World) -> World:
    """The account was counted, then the attacker revoked the bot's key."""
    world.with_logins("app").opened()
    revoke(world)
    return world


@pytest.fixture
def half(world: World) -> World:
    """Step 2 has set one of three passwords; from then on Mailgun refused the key."""
    world.with_logins("app", "billing").opened()
    world.start(batch=1)

    def revoked_after_the_first(call: str) -> None:
        if call == "set_password" and world.mailgun.passwords and "env-key" in world.mailgun.api_keys:
            revoke(world)

    world.mailgun.while_calling = revoked_after_the_first
    world.approved("2")
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    return world


def items(world: World, step: str) -> list[Task]:
    """What is left to be done by hand."""
    return world.tasks(step, TaskStatus.READY, kind=world.step(step).hand_kind)


def names(world: World, step: str) -> list[str]:
    return [str(task.payload["name"]) for task in items(world, step)]


def by_hand(world: World, step: str, by: str = APPROVER) -> str:
    if world.status("1") is StepStatus.WAITING and not world.incident.troubles:
        # Nothing has met the dead key yet.
        world.approved("1")
    return world.press(Ask.GO_BY_HAND, step, by=by)


def done(world: World, step: str, item: str = "all", by: str = APPROVER) -> str:
    said = world.type(f"done-by-hand {step} {item}", by=by)
    world.work()
    return said


def buttons(world: World, step: str) -> list[Button]:
    with world.database.read() as tx:
        board = read_board(tx, STEPS, world.incident.id, world.policy)
    view = next(view for each, view in board.views if each is world.step(step))
    card = step_card(world.step(step), view)
    rows = [control for row in card.rows for control in row.controls]
    return [control for control in (*rows, *card.buttons) if isinstance(control, Button)]


# --- Going on by hand -------------------------------------------------------------------------------------


def test_while_mailgun_takes_the_key_nobody_goes_on_by_hand(world: World) -> None:
    world.with_logins().opened()

    assert "no need to go on by hand" in world.type("go-by-hand 2")
    assert world.status("2") is StepStatus.WAITING and items(world, "2") == []


def test_only_an_approver_may_go_on_by_hand_or_say_that_something_is_done(dead: World) -> None:
    assert "Nothing was changed" in by_hand(dead, "2", by=STRANGER)
    assert dead.status("2") is StepStatus.WAITING

    by_hand(dead, "2")
    assert "Nothing was changed" in done(dead, "2", by=STRANGER)
    assert len(items(dead, "2")) == 2


def test_a_step_that_was_not_begun_is_done_domain_by_domain_where_they_are_known(dead: World) -> None:
    by_hand(dead, "2")

    assert dead.status("2") is StepStatus.RUNNING
    assert names(dead, "2") == [
        "mg.acme.example (US): every SMTP login, the postmaster too",
        "any other domain that is listed there: every SMTP login",
    ]


def test_where_nothing_is_known_there_is_one_item_for_each_kind_of_thing(world: World) -> None:
    revoke(world)
    world.opened()
    for step in "123":
        world.press(Ask.GO_BY_HAND, step)

    assert [len(names(world, step)) for step in "123"] == [5, 1, 1]
    assert names(world, "2") == ["every SMTP login of every domain, in both regions, postmasters too"]


def test_the_card_shows_mailguns_own_instructions_and_a_button_for_each_item(dead: World) -> None:
    by_hand(dead, "2")

    assert "Send > Sending > Domain settings" in dead.card("2") and "The bot hands nothing over" in dead.card("2")
    assert [button.label for button in buttons(dead, "2")][:2] == ["Done", "Done"]


def test_a_step_can_be_half_by_machine_and_half_by_hand(half: World) -> None:
    failed = [task.subject for task in half.failures("2")]
    by_hand(half, "2")

    assert names(half, "2") == failed and len(failed) == 2
    assert len(half.tasks("2", TaskStatus.DONE, kind=SET)) == 1
    done(half, "2")
    assert half.status("2") is StepStatus.DONE
    assert "1 of 1 password set and handed over" in half.card("2") and "By hand: 2 of 2 items done" in half.card("2")


def test_each_item_is_recorded_with_who_did_it(half: World) -> None:
    by_hand(half, "2")
    first = items(half, "2")[0]
    half.press(Ask.DID_BY_HAND, "2", item=str(first.id))

    (entry,) = half.trail(Action.DID_BY_HAND)
    assert entry.facts.actor == APPROVER and first.subject in entry.facts.subject
    assert len(items(half, "2")) == 1


def test_a_second_click_on_done_is_told_who_did_it(half: World) -> None:
    by_hand(half, "2")
    first = str(items(half, "2")[0].id)
    half.press(Ask.DID_BY_HAND, "2", item=first)

    assert f"done already, by {APPROVER}" in half.press(Ask.DID_BY_HAND, "2", by=REQUESTER, item=first)
    assert len(half.trail(Action.DID_BY_HAND)) == 1


def test_an_item_can_be_typed_by_its_name_and_an_unknown_one_is_answered(half: World) -> None:
    by_hand(half, "2")
    subject = items(half, "2")[0].subject

    login = subject.rpartition("/")[2]
    assert "Nothing of that name" in half.type("done-by-hand 2 nobody@mg.acme.example")
    assert "Noted" in half.type(f"done-by-hand 2 <mailto:{login}|{login}>")
    assert subject not in names(half, "2")


def test_a_domain_can_be_typed_for_all_of_its_logins(half: World) -> None:
    by_hand(half, "2")
    half.type("done-by-hand 2 mg.acme.example")
    half.work()

    assert half.status("2") is StepStatus.DONE


def test_what_lacks_a_step_or_an_item_is_asked_back(half: World) -> None:
    by_hand(half, "2")

    assert "Which item, or all?" in half.type("done-by-hand 2")
    assert "Which step?" in half.type("done-by-hand everything")


def test_a_second_click_on_go_on_by_hand_changes_nothing(half: World) -> None:
    by_hand(half, "2")
    planned = items(half, "2")
    half.press(Ask.GO_BY_HAND, "2", by=REQUESTER)

    assert items(half, "2") == planned and len(half.trail(Action.BY_HAND_BEGUN)) == 1


def test_items_survive_a_restart_and_no_worker_takes_them(half: World) -> None:
    by_hand(half, "2")
    half.start()
    half.later(timedelta(hours=3))

    assert len(items(half, "2")) == 2 and half.status("2") is StepStatus.RUNNING


def test_of_many_items_the_first_have_a_button_and_each_domain_has_one(world: World) -> None:
    world.with_logins(*(f"list{number:02}" for number in range(30))).opened()
    world.mailgun.fail("set_password", KeyRefused("Forbidden", status=401), times=FOREVER)
    world.approved("2")
    world.press(Ask.GO_BY_HAND, "2")

    labels = [button.label for button in buttons(world, "2")]
    assert labels.count("Done") == MOST_ITEMS and f"All of {DOMAIN} done" in labels
    assert "and 11 more" in world.card("2")

    world.press(Ask.DID_BY_HAND, "2", group=DOMAIN)
    world.work()
    assert world.status("2") is StepStatus.DONE
    (entry,) = world.trail(Action.DID_BY_HAND)
    assert "31 items" in entry.facts.subject


# --- The bot does the rest --------------------------------------------------------------------------------


def test_with_a_fresh_key_the_bot_does_what_was_not_done_by_hand_and_nothing_else(half: World) -> None:
    by_hand(half, "2")
    mine, left = items(half, "2")
    half.press(Ask.DID_BY_HAND, "2", item=str(mine.id))
    before = {subject: len(set_) for subject, set_ in half.mailgun.passwords.items()}
    make_fresh_key(half)
    give(half)
    half.press(Ask.LET_BOT, "2")
    half.work()

    assert half.status("2") is StepStatus.DONE
    assert {s for s, set_ in half.mailgun.passwords.items() if len(set_) > before.get(s, 0)} == {left.subject}
    assert len(half.handed_over) == 2


def test_a_domain_that_was_done_by_hand_is_left_alone(dead: World) -> None:
    by_hand(dead, "2")
    dead.press(Ask.SKIP, "1", text="not needed here")
    done(dead, "2", DOMAIN)
    dead.with_logins("late", domain="new.acme.example")
    make_fresh_key(dead)
    give(dead)
    dead.press(Ask.LET_BOT, "2")
    dead.work()

    assert dead.status("2") is StepStatus.DONE
    assert all("new.acme.example" in subject for subject in dead.mailgun.passwords)
    assert len(dead.mailgun.passwords) == 2


def test_a_kind_of_keys_that_was_done_by_hand_is_left_alone(world: World) -> None:
    world.mailgun.has_key(a_key("staging"), "secret-of-staging")
    revoke(world)
    world.opened()
    world.press(Ask.GO_BY_HAND, "1")
    del world.mailgun.api_keys["staging"], world.mailgun.key_secrets["staging"]
    world.clock.pass_by(timedelta(minutes=1))
    world.mailgun.has_key(a_key("by-hand", created_at=world.clock.now()), "secret-of-by-hand")
    done(world, "1", "account keys")
    world.clock.pass_by(timedelta(minutes=1))
    world.mailgun.has_key(a_key(FRESH_ID, created_at=world.clock.now()), "0" * 32 + f"-{FRESH_ID}")
    give(world, "0" * 32 + f"-{FRESH_ID}")
    world.press(Ask.LET_BOT, "1")
    world.work()

    assert world.status("1") is StepStatus.DONE
    assert [secret.partition("-")[0] for secret in world.handed_over] == ["key", "pubkey"]
    assert "by-hand" in world.mailgun.api_keys and FRESH_ID not in world.mailgun.api_keys
    # Mailgun does not show who made a key: the one that they made is asked about, and not offered to be replaced.
    assert "key, role admin, by-hand" in world.card("0")
    world.all_expected().vacated("1")
    world.work()
    assert world.status("1") is StepStatus.DONE and world.status("5") is StepStatus.WAITING


def test_a_key_that_was_made_in_the_second_in_which_it_went_on_by_hand_is_one_of_theirs(world: World) -> None:
    world.clock.pass_by(timedelta(milliseconds=700))
    revoke(world)
    world.opened()
    world.press(Ask.GO_BY_HAND, "1")
    # Mailgun dates keys by the second.
    made_at = world.clock.now().replace(microsecond=0)
    world.mailgun.has_key(a_key("by-hand", created_at=made_at), "secret-of-by-hand")
    done(world, "1")
    make_fresh_key(world)
    give(world)
    world.vacated("1")
    world.work()
    world.all_expected()

    assert world.status("1") is StepStatus.DONE and world.status("5") is StepStatus.WAITING


def test_an_old_key_that_was_said_to_be_gone_is_found_at_the_last_look(world: World) -> None:
    world.mailgun.has_key(a_key("staging"), "secret-of-staging")
    revoke(world)
    world.opened()
    world.press(Ask.GO_BY_HAND, "1")
    done(world, "1")
    assert world.status("1") is StepStatus.DONE
    make_fresh_key(world)
    give(world)
    world.vacated("1")
    world.work()

    assert world.status("1") is StepStatus.WAITING and world.status("5") is StepStatus.LOCKED


def test_what_was_done_by_hand_before_the_last_old_key_was_gone_is_offered_again(dead: World) -> None:
    by_hand(dead, "2")
    done(dead, "2")
    assert dead.status("2") is StepStatus.DONE
    dead.clock.pass_by(timedelta(minutes=5))
    dead.press(Ask.GO_BY_HAND, "1")
    done(dead, "1")

    assert dead.status("1") is StepStatus.DONE and dead.incident.keys_expired_at is not None
    assert dead.status("2") is StepStatus.WAITING


def test_while_the_key_is_dead_the_bot_that_is_let_fails_and_it_goes_on_by_hand_again(half: World) -> None:
    by_hand(half, "2")
    half.press(Ask.LET_BOT, "2")
    half.work()
    assert half.status("2") is StepStatus.NEEDS_ATTENTION

    by_hand(half, "2")
    assert len(items(half, "2")) == 2


def test_where_two_people_are_needed_the_requester_may_not_let_the_bot_alone(half: World) -> None:
    by_hand(half, "2")
    half.start(two_person=True)

    assert "Ask another approver" in half.press(Ask.LET_BOT, "2", by=REQUESTER)
    assert len(items(half, "2")) == 2


# --- Skipping, cancelling ---------------------------------------------------------------------------------


def test_a_step_that_is_done_by_hand_can_be_skipped(half: World) -> None:
    by_hand(half, "2")
    half.press(Ask.SKIP, "2", text="these are not used any more")

    assert half.status("2") is StepStatus.SKIPPED and items(half, "2") == []


def test_domains_that_were_skipped_by_hand_are_not_offered_at_the_last_look(dead: World) -> None:
    by_hand(dead, "2")
    done(dead, "2", "other domains")
    dead.press(Ask.SKIP, "2", text="these are not used any more")
    dead.vacated("2")
    make_fresh_key(dead)
    give(dead)
    dead.work()
    dead.all_expected()

    assert dead.status("2") is StepStatus.SKIPPED and dead.status("5") is StepStatus.WAITING


def test_a_step_that_the_bot_is_at_cannot(world: World) -> None:
    world.with_logins().opened()
    world.press(Ask.APPROVE, "2")

    assert "running; nothing was changed" in world.press(Ask.SKIP, "2", text="not now")


def test_a_cancelled_incident_leaves_nothing_to_be_done_by_hand(half: World) -> None:
    by_hand(half, "2")
    half.type("cancel only a test")
    half.work()

    assert items(half, "2") == [] and half.incident.status is IncidentStatus.CANCELLED


def test_support_reads_what_was_done_by_hand(half: World) -> None:
    by_hand(half, "2")
    done(half, "2")
    with half.database.read() as tx:
        board = read_board(tx, STEPS, half.incident.id, half.policy)
        view = next(view for step, view in board.views if step.number == 2)
        said = outcome(half.step("2"), view, half.step("2").summary(tx, half.incident, view.state))

    assert "new passwords for 1 SMTP login; 2 items of it by hand" in said


def test_a_step_that_was_done_by_hand_and_runs_again_is_the_bots(half: World) -> None:
    by_hand(half, "2")
    done(half, "2")
    make_fresh_key(half)
    give(half)
    half.type("reissue all", by=REQUESTER)
    half.drain("smtp_credentials.begin")

    assert half.status("2") is StepStatus.RUNNING
    assert Ask.LET_BOT not in [button.action for button in buttons(half, "2")]
