"""The checklist in a step's message: an approver leaves parts of the step out, and nobody approves what they did not
see."""

import pytest

from recovery.account import KeyKind
from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.keyring import unmarked
from recovery.secret import Secret
from recovery.state import StepStatus
from tests.recovery.builders import a_key
from tests.recovery.test_fresh_key import revoke
from tests.recovery.world import STRANGER, World

ALL = ["account-keys", "sending-keys", "sessions", "signing-key", "public-key"]


@pytest.fixture
def ready(world: World) -> World:
    """The bot's key, a sending key and a session; step 1 to be approved."""
    world.mailgun.has_key(a_key("shop", KeyKind.DOMAIN, description="shop"), "shop-secret")
    world.mailgun.has_key(a_key("visit", KeyKind.WEB), "w")
    return world.opened()


def without(world: World, *parts: str) -> World:
    for part in parts:
        world.press(Ask.LEAVE_OUT, "1", part=part)
    return world


def test_all_parts_are_on_and_counted_at_first(ready: World) -> None:
    card = ready.card("1")

    assert "☑ Account keys: 1" in card
    assert "☑ Domain sending keys: 1" in card
    assert "☑ Control panel sessions: 1" in card
    assert "☑ Webhook signing key (inbound webhooks must be given the new one)" in card
    assert "☑ Public validation key" in card


def test_a_part_that_is_left_out_is_shown_so_and_can_be_included_again(ready: World) -> None:
    without(ready, "sending-keys")
    assert "☐ Domain sending keys (left out)" in ready.card("1")

    ready.press(Ask.INCLUDE, "1", part="sending-keys")
    assert "☑ Domain sending keys: 1" in ready.card("1")
    assert [(e.facts.subject, e.facts.result) for e in ready.trail(Action.LEFT_OUT, Action.INCLUDED)] == [
        ("step 1 (Reset API keys)", "Domain sending keys")
    ] * 2


def test_what_is_left_out_is_not_touched(ready: World) -> None:
    without(ready, "sending-keys", "sessions", "signing-key", "public-key").approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert {"shop", "visit"} <= set(ready.mailgun.api_keys)
    assert "env-key" not in ready.mailgun.api_keys
    assert not ready.mailgun.called("new_signing_key", "new_public_key")


def test_without_account_keys_the_bot_makes_none_of_its_own_and_old_ones_can_still_undo_things(ready: World) -> None:
    without(ready, "account-keys").approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert sorted(unmarked(key.description) for key in ready.mailgun.api_keys.values()) == [
        "shop",
        "the bot's first key",
    ]
    assert ready.incident.keys_expired_at is None


def test_the_account_wide_keys_alone_need_no_list_of_keys(ready: World) -> None:
    without(ready, "account-keys", "sending-keys", "sessions")
    before = len(ready.mailgun.called("keys"))
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert len(ready.mailgun.called("keys")) == before
    assert len(ready.handed_over) == 2


def test_an_approval_drawn_with_an_older_checklist_approves_nothing(ready: World) -> None:
    version = str(ready.state("1").version)
    without(ready, "sending-keys")
    answer = ready.press(Ask.APPROVE, "1", version=version)

    assert "look at it once more" in answer
    assert ready.status("1") is StepStatus.WAITING
    assert not ready.trail(Action.APPROVED)


def test_a_second_click_on_the_same_button_changes_nothing(ready: World) -> None:
    version = str(ready.state("1").version)
    for _ in range(2):
        ready.press(Ask.LEAVE_OUT, "1", part="sessions", version=version)

    assert len(ready.trail(Action.LEFT_OUT)) == 1
    assert ready.state("1").version == int(version) + 1


def test_it_can_be_typed(ready: World) -> None:
    assert "Public validation key: left out" in ready.type("leave-out 1 public-key")
    assert "left out already" in ready.type("leave-out step 1 public-key")
    assert "Public validation key: included" in ready.type("include keys public-key")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("leave-out", "which part of it"),
        ("leave-out 1", "which part of it"),
        ("leave-out 1 everything", "It has: account-keys, sending-keys, sessions, signing-key, public-key"),
        ("include 2 sessions", "It has no parts"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_there_is(ready: World, typed: str, answer: str) -> None:
    assert answer in ready.type(typed)
    assert ready.state("1").version == 1


def test_an_unknown_part_in_a_button_is_answered_in_words(ready: World) -> None:
    assert "no part that is called" in ready.press(Ask.LEAVE_OUT, "1", part="everything")


def test_only_an_approver_may(ready: World) -> None:
    ready.press(Ask.LEAVE_OUT, "1", by=STRANGER, part="sessions")

    assert not ready.trail(Action.LEFT_OUT)


def test_with_everything_left_out_an_approval_is_answered_with_a_sentence(ready: World) -> None:
    without(ready, *ALL)
    answer = ready.press(Ask.APPROVE, "1")

    assert "Everything in step 1 (Reset API keys) is left out" in answer
    assert ready.status("1") is StepStatus.WAITING


def test_once_it_runs_nothing_can_be_left_out(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    answer = ready.press(Ask.LEAVE_OUT, "1", part="sessions")

    assert "nothing was changed" in answer
    assert not ready.trail(Action.LEFT_OUT)
    assert "☑" not in ready.card("1")


def test_a_skipped_step_can_be_chosen_from_and_approved_later(ready: World) -> None:
    ready.press(Ask.SKIP, "1", text="later")
    without(ready, "sessions").approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert "visit" in ready.mailgun.api_keys


def test_what_was_left_out_is_not_offered_by_the_last_look_and_is_said_everywhere(ready: World) -> None:
    without(ready, "sending-keys").approved("1").vacated()

    assert ready.state("1").round == 1
    assert ready.status("5") is StepStatus.WAITING
    assert "Left out: domain sending keys." in ready.card("1")
    assert "left as they were by our decision: domain sending keys" in str(ready.state("5").facts["paste"])


def test_a_step_that_was_approved_under_an_earlier_version_renews_nothing_that_nobody_saw(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    (begin,) = ready.tasks("1")
    with ready.database.write() as tx:
        tx.tasks.note(begin, {name: value for name, value in begin.payload.items() if name != "parts"})
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert not ready.mailgun.called("new_signing_key", "new_public_key")


def test_the_question_before_approving_counts_what_is_left_in(ready: World) -> None:
    without(ready, "sending-keys", "sessions")
    confirm = ready.step("1").confirmation(ready.state("1"))

    assert confirm and confirm.text.startswith("1 key will be")
    assert "signed out" not in confirm.text


def test_the_thread_shows_each_change_once(ready: World) -> None:
    without(ready, "sessions")
    ready.draw()

    said = [message.words for message in ready.slack.of_kind(MarkerKind.AUDIT)]
    assert sum("Control panel sessions" in words for words in said) == 1


def test_a_key_given_while_account_keys_are_left_out_does_not_send_the_step_in_circles(ready: World) -> None:
    ready.approved("1")
    ready.mailgun.has_key(a_key("late", KeyKind.DOMAIN), "late-secret")
    ready.vacated()
    without(ready, "account-keys").approved("1")
    ready.mailgun.has_key(a_key("fresh"), "fresh-secret")
    with ready.database.write() as tx:
        ready.vault.keep(tx, Secret("fresh-secret"), None, None)
    ready.vault.refresh()
    replacement = next(
        key for key in ready.mailgun.api_keys.values() if unmarked(key.description) == "the bot's first key"
    )
    ready.type(f"reissue {replacement.id}", by="U-REQ")
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert replacement.id not in ready.mailgun.api_keys


def asked_before_approve(world: World) -> str:
    confirm = world.step("1").confirmation(world.state("1"))
    assert confirm
    return confirm.text


def test_the_question_before_approve_names_all_that_stops(ready: World) -> None:
    assert asked_before_approve(ready) == (
        "2 keys will be replaced and deleted. What uses them stops until it has its new key. Everyone is signed out of "
        "the control panel. The webhook signing key is dead at once."
    )


def test_what_is_left_out_is_neither_in_the_question_nor_among_what_breaks(ready: World) -> None:
    for part in ("account-keys", "sending-keys", "signing-key"):
        ready.type(f"leave-out 1 {part}")

    assert asked_before_approve(ready) == "Everyone is signed out of the control panel."
    assert "every application that calls Mailgun's API" not in ready.card("1")


def test_keys_that_were_not_counted_are_not_called_none(world: World) -> None:
    revoke(world)
    world.opened()

    assert asked_before_approve(world).startswith("Every key will be replaced and deleted.")


def test_instructions_by_hand_ask_for_nothing_that_was_left_out(world: World) -> None:
    revoke(world)
    world.opened()
    world.type("leave-out 1 signing-key")
    world.press(Ask.GO_BY_HAND, "1")

    assert "reset those that are listed below" in world.card("1")
    assert "webhook signing key: reset" not in world.card("1")
