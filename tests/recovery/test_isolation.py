"""The checklist of what to look at where the servers are: each item checked off, with who and when."""

from collections.abc import Callable
from typing import Any

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Card
from recovery.isolation import key_of
from recovery.policy import ISOLATION_CHECKLIST
from recovery.state import StepStatus
from tests.recovery.world import STRANGER, World

LOGS, KEYS = "Read the access log", "Replace the other keys"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(isolation_checklist=(LOGS, KEYS)).opened()


def card_of(world: World) -> Card:
    world.draw()
    ts = world.state("6").message_ts
    return next(message.content for message in world.slack.messages if message.ts == ts)


def offered(world: World) -> list[str]:
    return [row.controls[0].about["item"] for row in card_of(world).rows if row.controls]


def check(world: World, item: str, **fields: Any) -> str:
    return world.press(Ask.CHECKED, "6", item=key_of(item), **fields)


def test_each_item_has_a_button(world: World) -> None:
    assert offered(world) == [key_of(LOGS), key_of(KEYS)]
    assert f"☐ 1. {LOGS}" in world.card("6")


def test_an_item_that_is_checked_off_says_who_and_when(world: World) -> None:
    check(world, LOGS)

    assert f"☑ {LOGS}, by U-APP at 2026-11-24" in world.card("6")
    assert offered(world) == [key_of(KEYS)]
    assert "1 of 2 checks done" in world.board
    (entry,) = world.trail(Action.CHECKED)
    assert (entry.facts.actor, entry.facts.subject) == ("U-APP", LOGS)


def test_it_can_be_typed_by_its_number_with_what_was_found(world: World) -> None:
    world.type("checked 2 one for payments, replaced")

    assert f"☑ {KEYS}, by U-APP" in world.card("6")
    assert "one for payments, replaced" in world.card("6")
    assert world.trail(Action.CHECKED)[0].facts.result == "one for payments, replaced"


def test_whoever_comes_second_is_told_who_was_first(world: World) -> None:
    check(world, LOGS)

    assert "already" in check(world, LOGS, by="U-REQ") and "U-APP" in world.answer
    assert len(world.trail(Action.CHECKED)) == 1


def test_nobody_but_an_approver_may(world: World) -> None:
    check(world, LOGS, by=STRANGER)

    assert not world.trail(Action.CHECKED)


@pytest.mark.parametrize("number", ["0", "3", "99999999999999999999"])
def test_a_number_that_the_list_does_not_have_is_answered(world: World, number: str) -> None:
    assert "not on the checklist" in world.type(f"checked {number}")
    assert not world.trail(Action.CHECKED)


def test_a_list_that_is_edited_keeps_what_was_checked(world: World) -> None:
    check(world, LOGS)
    check(world, KEYS)
    world.start(isolation_checklist=("Something new", LOGS))

    card = world.card("6")
    assert "☐ 1. Something new" in card
    assert f"☑ {LOGS}, by U-APP" in card and f"☑ {KEYS}, by U-APP" in card
    assert "1 of 2 checks done" in world.board


def test_a_button_of_an_item_that_was_edited_away_changes_nothing(world: World) -> None:
    world.start(isolation_checklist=("Something new",))

    assert "not on the checklist" in check(world, LOGS)
    assert not world.trail(Action.CHECKED)


def test_it_asks_for_nothing_where_the_list_is_empty(world: World) -> None:
    world.start(isolation_checklist=())

    assert card_of(world).rows == ()
    assert "checks done" not in world.board


def test_the_defaults_are_what_a_person_can_act_on(make_world: Callable[..., World]) -> None:
    card = make_world().opened().card("6")

    for item in ISOLATION_CHECKLIST:
        assert item in card
    for topic in (".env", "WordPress", "CI", "access log", "same host"):
        assert topic in card


def test_the_notes_alone_settle_the_step_and_checks_can_follow(world: World) -> None:
    world.type("note hosting they found nothing")
    world.type("note repositories nothing")
    assert world.status("6") is StepStatus.DONE

    check(world, LOGS)
    assert f"☑ {LOGS}, by U-APP" in world.card("6")


def test_nothing_is_checked_off_in_an_incident_that_was_cancelled(world: World) -> None:
    carried = world.step("6").about(world.state("6"))
    world.type("cancel false alarm")
    world.work()
    world.ask(Ask.CHECKED, about={**carried, "item": key_of(LOGS)})

    assert "ended" in world.judged()
    assert not world.trail(Action.CHECKED)
    assert not offered(world)
