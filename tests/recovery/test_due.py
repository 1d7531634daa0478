"""Ticks: what is due is planned, and where nothing is, nothing is written."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from recovery.actions import Ask
from recovery.due import plan_due
from recovery.state import IncidentStatus
from recovery.steps import STEPS
from recovery.store import Transaction
from tests.recovery.world import World


class Wrote(Exception):
    """Something was to be written."""


@pytest.fixture
def only_reads(monkeypatch: pytest.MonkeyPatch, world: World) -> Callable[[], None]:
    """Call it, and from there on writing raises `Wrote`."""

    def refuse(within: float | None = None) -> AbstractContextManager[Transaction]:
        raise Wrote

    return lambda: monkeypatch.setattr(world.database, "write", refuse)


def planned(world: World, kind: str) -> bool:
    with world.database._reading.begin() as connection:
        query = f"SELECT 1 FROM tasks WHERE kind = '{kind}' AND finished_at IS NULL"
        return connection.exec_driver_sql(query).first() is not None


def test_a_tick_at_which_nothing_is_due_writes_nothing(world: World, only_reads: Callable[[], None]) -> None:
    world.with_logins().opened().draw()
    only_reads()
    plan_due(world.tools, STEPS)


def test_when_a_poll_is_due_a_tick_plans_it(ann: World) -> None:
    ann.approved("3").draw()
    ann.clock.pass_by(ann.policy.poll_every)
    plan_due(ann.tools, STEPS)

    assert planned(ann, "people.poll")


def test_what_the_thread_does_not_show_yet_is_planned_at_a_tick(world: World) -> None:
    world.opened().draw()
    world.type("skip 1 not needed")
    assert not planned(world, "thread.audit")
    plan_due(world.tools, STEPS)

    assert planned(world, "thread.audit")
    assert planned(world, "thread.redraw")


def test_the_last_look_waits_for_no_tick(world: World) -> None:
    world.with_logins().opened().vacated("6")
    world.press(Ask.SKIP, "6", text="nothing to look at")

    assert planned(world, "review")


def test_while_the_last_look_is_planned_a_tick_writes_nothing(world: World, only_reads: Callable[[], None]) -> None:
    world.with_logins().opened().vacated("6")
    world.press(Ask.SKIP, "6", text="nothing to look at")
    world.drain("thread.audit", "thread.redraw")
    plan_due(world.tools, STEPS)
    world.drain("thread.audit", "thread.redraw")
    only_reads()
    plan_due(world.tools, STEPS)


def test_closing_waits_for_no_tick(world: World) -> None:
    world.with_logins().opened().vacated()
    world.press(Ask.SENT, "5", text="4711")
    while world.drain():
        pass

    assert world.incident.status is IncidentStatus.CLOSED
