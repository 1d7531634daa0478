"""What asking costs: calls to Mailgun and statements to the database, counted, whatever the number of people."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from recovery.actions import Ask
from recovery.audit import Action, Actor, AuditFacts
from recovery.content import MarkerKind
from recovery.due import plan_due
from recovery.polling import APART, POLL, poll_task
from recovery.state import IncidentStatus
from recovery.steps import STEPS
from recovery.thread import REDRAW
from recovery.weighing import FIND
from storage.database import Database
from tests.databases import KINDS, borrowed_url
from tests.recovery.builders import DAY, a_member, a_user
from tests.recovery.world import World
from tests.statements import counted

SIZES = (10, 300, 3_000)


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Makes a world on a database of that kind."""
    with borrowed_url(request.param, tmp_path) as url, Database.open(url) as database:
        database.hold()
        yield lambda: World.on(database)


def with_people(world: World, many: int) -> World:
    for number in range(many):
        world.mailgun.has_user(a_user(f"u{number}"))
    return world.opened()


def written_to(world: World) -> World:
    """Everybody has had the first message; not one by one, of which so many would take a minute."""
    at = world.clock.now()
    with world.database.write() as tx:
        people, obligations = tx.people.of(world.incident.id), tx.people.obligations(world.incident.id)
        reached = [replace(p, slack_id=f"U-{p.id}", channel_id=f"D-{p.id}", reached_at=at) for p in people]
        tx.people.save([replace(p, message_ts="1", next_message_at=at + DAY) for p in reached])
        tx.people.save_obligations([replace(one, told_at=at) for one in obligations])
    return world


def polled(world: World) -> list[str]:
    """The statements of one poll."""
    world.clock.pass_by(APART)
    with world.database.write() as tx:
        tx.tasks.add([poll_task(world.incident)])
    job = world.claim(POLL)
    assert job is not None
    with counted() as statements:
        job.kind.run(job)
    return statements


def nothing_changes(world: World) -> None:
    pass


def everybody_has_done_it(world: World) -> None:
    for user_id in world.mailgun.people:
        world.mailgun.change_user(user_id, tfa_active=True, tfa_created_at=world.clock.now() - timedelta(days=9))


def everybody_is_disabled(world: World) -> None:
    for user_id in world.mailgun.people:
        world.mailgun.change_user(user_id, is_disabled=True)


def as_many_join(world: World) -> None:
    for number in range(len(world.mailgun.people)):
        world.mailgun.has_user(a_user(f"new{number}"))


@pytest.mark.parametrize("change", [nothing_changes, everybody_has_done_it, everybody_is_disabled, as_many_join])
def test_a_poll_takes_as_many_statements_for_many_as_for_few(
    either: Callable[[], World], change: Callable[[World], None]
) -> None:
    world = with_people(either(), SIZES[0]).approved("4")
    costs = []
    for size in SIZES:
        for number in range(len(world.mailgun.people), size):
            world.mailgun.has_user(a_user(f"more{number}"))
        polled(world)
        # Whoever is new is looked for, so that nothing is left to be planned but what the change brings.
        world.drain(FIND)
        written_to(world)
        change(world)
        costs.append(len(polled(world)))
        for user_id in list(world.mailgun.people):
            world.mailgun.change_user(user_id, tfa_active=False, tfa_created_at=None, is_disabled=False)
        polled(world)

    assert len(set(costs)) == 1, costs


def test_a_poll_lists_the_users_once(either: Callable[[], World]) -> None:
    world = with_people(either(), 300).approved("4")
    before = len(world.mailgun.called("users"))
    polled(world)

    assert len(world.mailgun.called("users")) == before + 1


@pytest.mark.parametrize(("many", "earlier"), [(10, 0), (10, 3), (300, 0)])
def test_a_tick_with_nothing_due_takes_one_statement(either: Callable[[], World], many: int, earlier: int) -> None:
    world = with_people(either(), many)
    for _ in range(earlier):
        world.press(Ask.CANCEL, text="false alarm")
        world.opened()
    world.approved("3", "4").draw()
    written_to(world)
    with counted() as statements:
        plan_due(world.tools, STEPS)

    assert len(statements) == 1
    with world.database.read() as tx:
        assert len(tx.incidents.in_status(*IncidentStatus)) == earlier + 1


def test_a_tick_with_no_incident_takes_one_statement(either: Callable[[], World]) -> None:
    world = either()
    with counted() as statements:
        plan_due(world.tools, STEPS)

    assert len(statements) == 1


def redrawn(world: World) -> tuple[int, int]:
    """How many statements redrawing the board takes, and how many messages are redrawn."""
    with world.database.write() as tx:
        tx.incidents.set(world.incident.id, description=f"spam is leaving, {world.incident.revision}")
    plan_due(world.tools, STEPS)
    drawn = sum(len(message.said) for message in world.slack.messages)
    job = world.claim(REDRAW)
    assert job is not None
    with counted() as statements:
        job.kind.run(job)
    return len(statements), sum(len(message.said) for message in world.slack.messages) - drawn


def test_redrawing_the_board_costs_as_much_under_a_long_trail_as_under_a_short_one(
    either: Callable[[], World],
) -> None:
    world = either().opened()
    costs = []
    for size in SIZES:
        with world.database.write() as tx:
            said = [AuditFacts(Actor.BOT, Action.HANDED_OVER, f"handover {number}") for number in range(size)]
            tx.audit.append_all(world.incident.id, world.clock.now(), said)
        world.draw()
        costs.append(redrawn(world))

    assert len(set(costs)) == 1, costs
    assert costs[0][1] == 1
    assert len(world.slack.of_kind(MarkerKind.AUDIT)) >= sum(SIZES) / 20


def test_however_many_press_check_now_one_poll_answers_them_and_the_next_waits(world: World) -> None:
    for number in range(200):
        world.mailgun.has_user(a_user(f"u{number}"))
        world.directory.has(a_member(f"U-{number}", email=f"u{number}@acme.example"))
    world.opened().approved("4")
    before, answered = len(world.mailgun.called("users")), len(world.slack.answers)
    world.clock.pass_by(APART)
    for number in range(200):
        world.ask(Ask.CHECK, f"U-{number}")
    world.drain("judge")
    world.drain(POLL, "people.answer")
    assert len(world.mailgun.called("users")) == before + 1
    assert len(world.slack.answers) == answered + 200

    world.ask(Ask.CHECK, "U-7")
    world.drain("judge")
    assert world.claim(POLL) is None
    world.clock.pass_by(APART)
    assert world.claim(POLL) is not None
