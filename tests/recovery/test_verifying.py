"""Verifying reads both sides of a running bot, and asks twice before it says that something is wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Missing, Uncertain
from recovery.verifying import Scene, Verdict, verify
from tests.recovery.builders import facts
from tests.recovery.world import World


@pytest.fixture
def told(world: World) -> World:
    """An incident with some entries, all of them in the thread."""
    world.with_logins("a").opened().approved("2").draw()
    return world


def scene(world: World, pause: Callable[[], None] = lambda: None, channel: str | None = None) -> Scene:
    return Scene(world.database, world.slack, channel, pause)


def verdict(world: World, **more: object) -> Verdict:
    (one,) = verify(scene(world, **more))
    return one


@contextmanager
def tampering(world: World) -> Iterator[Callable[[str], None]]:
    with world.database._writing.begin() as connection:
        yield lambda statement: connection.execute(text(statement)) and None


def test_an_untouched_trail_is_fine(told: World) -> None:
    found = verdict(told)

    assert (found.faults, found.unread, found.notes) == ((), (), ())
    many = len(told.trail())
    assert found.lines[0] == f"Incident {told.incident.id}: the chain of {many} entries in the database is intact."
    assert f"{many} entries in " in found.lines[1]


def test_entries_that_are_not_posted_yet_are_told(told: World) -> None:
    with told.database.write() as tx:
        tx.audit.append(told.incident.id, told.clock.now(), facts(Action.NOTED))

    assert not verdict(told).faults
    assert any("1 entry is not in the thread yet" in line for line in verdict(told).lines)


def test_before_there_is_a_thread_nothing_is_missing_in_it(world: World) -> None:
    world.type("", by="U-REQ")

    assert world.incident.thread_ts is None
    assert not verdict(world).faults


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE audit_entries SET result = 'for fun' WHERE number = 2", 2),
        ("UPDATE audit_entries SET at = '2020-01-01 00:00:00.000000' WHERE number = 2", 2),
        ("UPDATE audit_entries SET action = 'forgot' WHERE number = 2", 2),
        ("UPDATE audit_entries SET at = 'yesterday' WHERE number = 2", 2),
        ("UPDATE audit_entries SET subject = x'00ff' WHERE number = 2", 2),
        ("DELETE FROM audit_entries WHERE number = 2", 2),
        ("DELETE FROM audit_entries", 1),
    ],
)
def test_what_somebody_writes_into_the_database_is_named(told: World, statement: str, number: int) -> None:
    with tampering(told) as execute:
        execute(statement)
    found = verdict(told)

    assert min(fault.number for fault in found.faults) == number
    assert f"Entry {number} " in found.lines[0] or f"Entries {number} to" in found.lines[0]


def test_a_removal_at_the_end_with_every_count_corrected_shows_beside_the_thread(told: World) -> None:
    last = len(told.trail())
    with tampering(told) as execute:
        execute(f"DELETE FROM audit_entries WHERE number = {last}")
        execute(f"UPDATE incidents SET audit_count = {last - 1}, audit_posted = {last - 1}")
        execute("DELETE FROM tasks WHERE kind = 'thread.audit'")
    found = verdict(told)

    assert [fault.number for fault in found.faults] == [last]
    assert "removed from the end of the database" in found.lines[0]


def test_a_message_that_was_deleted_is_missed_though_the_incident_says_that_nothing_was_posted(told: World) -> None:
    told.slack.of_kind(MarkerKind.AUDIT)[0].is_deleted = True
    with tampering(told) as execute:
        execute("UPDATE incidents SET audit_posted = 0")

    assert [fault.number for fault in verdict(told).faults] == [1]


def test_what_slack_shows_late_is_looked_at_once_more_after_a_pause(told: World) -> None:
    late = told.slack.of_kind(MarkerKind.AUDIT)[0]
    late.is_deleted = True
    pauses = []

    def pause() -> None:
        pauses.append(1)
        late.is_deleted = False

    assert not verdict(told, pause=pause).faults
    assert pauses == [1]


def test_what_a_bot_posts_meanwhile_is_missing_on_neither_side(told: World) -> None:
    look = told.slack.trail

    def busy(*where: object) -> object:
        before = look(*where)
        with told.database.write() as tx:
            tx.audit.append(told.incident.id, told.clock.now(), facts(Action.NOTED))
        told.draw()
        return before

    told.slack.trail = busy
    assert not verdict(told).faults


def test_a_slack_that_cannot_be_asked_is_told_and_the_chain_is_checked_still(told: World) -> None:
    told.slack.fail("trail", Uncertain("No answer came from Slack."), times=10)
    found = verdict(told)

    assert found.faults == ()
    assert "the thread could not be read" in found.unread[0]
    assert any("is intact" in line for line in found.lines)


def test_the_audit_channel_is_compared_as_well(make_world: Callable[..., World]) -> None:
    world = make_world(audit_channel="C-AUDIT")
    world.with_logins("a").opened().approved("2").draw()
    assert "in the audit channel agree" in " ".join(verdict(world, channel="C-AUDIT").lines)

    world.slack.of_kind(MarkerKind.AUDIT, "C-AUDIT")[0].is_deleted = True
    found = verdict(world, channel="C-AUDIT")
    assert "is not in the audit channel" in found.lines[0]
    assert "in the thread agree" in " ".join(found.lines)


def test_an_audit_channel_that_was_set_afterwards_lacks_nothing(told: World) -> None:
    assert not verdict(told, channel="C-AUDIT").faults


def test_an_incident_that_is_in_the_audit_channel_alone_was_removed(make_world: Callable[..., World]) -> None:
    world = make_world(audit_channel="C-AUDIT")
    world.opened().draw()
    posted = world.slack.of_kind(MarkerKind.AUDIT, "C-AUDIT")[0]
    gone = replace(posted.marker, key=posted.marker.key.replace(f":{world.incident.id}:", ":999:"))
    world.slack.post(posted.place, posted.content, gone)

    *_, stray = verify(scene(world, channel="C-AUDIT"))
    assert stray.lines == [
        "Incident 999: it is in the audit channel and not in the database: all of it was removed there."
    ]


def test_each_incident_is_verified_or_the_one_that_is_named(told: World) -> None:
    first = told.incident.id
    told.type("cancel false alarm")
    told.work()
    told.opened().draw()

    assert [one.incident_id for one in verify(scene(told))] == [first, told.incident.id]
    assert [one.incident_id for one in verify(scene(told), first)] == [first]
    with pytest.raises(Missing):
        verify(scene(told), 999)
