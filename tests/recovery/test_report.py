"""The long version of the message for Mailgun Support, brought into the thread."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Button, Card, MarkerKind
from tests.recovery.test_investigating import HOST, visited
from tests.recovery.world import APPROVER, STRANGER, World


@pytest.fixture
def told(world: World) -> World:
    """A visited account: the route was removed, the rest is ours; the note is written, and step 5 is open."""
    visited(world).opened()
    number = next(e.facts.subject.split()[1] for e in world.trail(Action.FOUND) if "route for" in e.facts.subject)
    world.type(f"remove {number}")
    world.work()
    world.all_expected()
    world.press(Ask.NOTE, text="They found <nothing> | at all", topic="hosting")
    world.press(Ask.NOTE, text="No key in any commit", topic="repositories")
    world.type("checked 1 none is open")
    world.work()
    world.vacated("6")
    world.draw()
    return world


def report(world: World) -> str:
    world.type("export report")
    world.work()
    (document,) = [file.document for file in world.slack.shared]
    assert document.name == f"mailgun-incident-{world.incident.id}-report.md"
    return str(document.text)


def test_it_has_the_message_and_each_finding_with_what_it_was_and_what_became_of_it(told: World) -> None:
    text = report(told)

    assert "Our Mailgun account was compromised" in text
    (row,) = [line for line in text.split("\n") if "route for" in line and line.startswith("|")]
    assert "| removed |" in row and "catch\\_all()" in row and f"app ({APPROVER})" in row


def test_it_says_what_was_checked_and_noted_and_by_whom(told: World) -> None:
    text = report(told)

    assert f"({APPROVER}" in text and "none is open" in text
    assert "They found \\<nothing\\> \\| at all" in text


def test_it_is_in_the_trail_that_it_was_brought(told: World) -> None:
    report(told)

    assert [entry.facts.subject for entry in told.trail(Action.EXPORTED)] == ["the report"]


def test_the_last_step_has_a_button_for_it(told: World) -> None:
    told.draw()
    ts = told.state("5").message_ts
    (card,) = [posted.content for posted in told.slack.of_kind(MarkerKind.STEP) if posted.ts == ts]
    assert isinstance(card, Card)
    (button,) = [one for one in card.buttons if isinstance(one, Button) and one.label == "Bring the long version"]
    assert told.press(Ask(button.action), **dict(button.about)).startswith("The long version")


def test_who_may_not_decide_brings_nothing(told: World) -> None:
    assert "not among those who may decide" in told.type("export report", by=STRANGER)
    assert told.slack.shared == []


def test_the_message_names_what_was_removed_and_counts_what_is_ours(told: World) -> None:
    paste = str(told.state("5").facts["paste"])

    assert "What the attacker has left in the account:\n- route for catch_all()" in paste and ": removed" in paste
    assert "5 more things looked suspicious and are our own." in paste
    assert HOST in paste and "We have not found where a key or password leaked." in paste
