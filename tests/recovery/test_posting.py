"""Each message is there once, whatever happened on the way."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action, AuditEntry
from recovery.content import Card, Marker, MarkerKind, Place, Trail
from recovery.errors import Later, Paced, Refused, Uncertain
from recovery.posting import POSTED, post_once
from tests.recovery.builders import facts
from tests.recovery.fakes import Posted
from tests.recovery.world import World

AT_ONCE = timedelta(0)


def boards(world: World) -> int:
    return len(world.slack.of_kind(MarkerKind.BOARD))


def entries_in(posted: Posted) -> tuple[AuditEntry, ...]:
    assert isinstance(posted.content, Trail)
    return posted.content.entries


def open_and_draw(world: World) -> None:
    world.type("", by="U-REQ")
    world.work(timedelta(minutes=3), drawing=True)


@pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])
def test_a_message_whose_post_was_uncertain_is_there_once(world: World, arrived: bool) -> None:
    world.slack.fail("post", Uncertain("timed out"), "board", after=arrived)
    open_and_draw(world)

    assert boards(world) == 1
    assert world.incident.thread_ts == world.slack.of_kind(MarkerKind.BOARD)[0].ts


def test_a_message_that_slack_shows_late_is_found_rather_than_posted_again(world: World) -> None:
    world.slack.fail("post", Uncertain("timed out"), "board", after=True)
    world.slack.hidden_looks = 1
    open_and_draw(world)

    assert boards(world) == 1


def test_a_message_is_looked_for_twice_before_it_is_posted_again(world: World) -> None:
    world.slack.fail("post", Uncertain("timed out"), "board")
    before = world.clock.now()
    open_and_draw(world)

    posted = float(world.slack.of_kind(MarkerKind.BOARD)[0].ts)
    assert posted >= before.timestamp() + world.policy.settle.total_seconds()


def test_extra_copies_are_deleted(world: World) -> None:
    # Slack shows the first copy so late that a second was posted, whose answer was lost too.
    world.slack.fail("post", Uncertain("timed out"), "board", after=True, times=2)
    world.slack.hidden_looks = 2
    open_and_draw(world)

    assert boards(world) == 1
    assert sum(message.is_deleted for message in world.slack.messages) == 1


def test_another_databases_message_is_none_of_ours(world: World) -> None:
    other = Marker(MarkerKind.BOARD, "another-uuid:1")
    world.slack.post(Place("C-OPS"), Card("somebody else's board"), other)
    world.slack.fail("post", Uncertain("timed out"), "board")
    open_and_draw(world)

    assert boards(world) == 2


def test_a_post_that_has_to_wait_is_sent_afterwards_once(world: World) -> None:
    world.slack.fail("post", Later("slow down", seconds=5), "board", times=3)
    open_and_draw(world)

    assert boards(world) == 1


def test_after_a_crash_in_the_post_the_message_is_there_once(world: World) -> None:
    world.type("", by="U-REQ")
    job = world.claim("thread.board")
    assert job
    world.slack.fail("post", SystemExit(), "board", after=True)
    with pytest.raises(SystemExit):
        world.run(job)
    world.start()
    world.clock.pass_by(world.policy.lease)
    world.work(timedelta(minutes=3), drawing=True)

    assert boards(world) == 1


def test_after_a_crash_between_slacks_answer_and_its_record_the_message_is_there_once(world: World) -> None:
    world.type("", by="U-REQ")
    job = world.claim("thread.board")
    assert job
    marker = Marker(MarkerKind.BOARD, f"{world.database.identity()}:1")
    post_once(job, Place("C-OPS"), Card("the board"), marker)
    world.start()
    world.clock.pass_by(world.policy.lease)
    world.work(timedelta(minutes=3), drawing=True)

    assert boards(world) == 1
    assert world.incident.thread_ts == world.slack.of_kind(MarkerKind.BOARD)[0].ts


def test_where_a_message_was_posted_is_written_down_with_the_result(world: World) -> None:
    world.type("", by="U-REQ")
    job = world.claim("thread.board")
    assert job
    world.run(job)

    with world.database.read() as tx:
        posted = tx.tasks.get(job_id(world, "thread.board")).payload[POSTED]
    assert posted == [f"{world.database.identity()}:1", world.incident.thread_ts]


def job_id(world: World, kind: str) -> int:
    with world.database._reading.begin() as connection:
        return int(connection.exec_driver_sql(f"SELECT id FROM tasks WHERE kind = '{kind}'").scalar_one())


def test_the_trail_is_in_the_thread_once_and_in_order(world: World) -> None:
    world.slack.fail("post", Uncertain("timed out"), "audit", after=True)
    world.with_logins("a").opened().approved("1", "2")
    world.work(timedelta(minutes=3), drawing=True)

    numbers = [entry.number for posted in world.slack.of_kind(MarkerKind.AUDIT) for entry in entries_in(posted)]
    assert numbers == list(range(1, len(world.trail()) + 1))


def test_a_trail_message_holds_at_most_twenty_with_their_hashes(world: World) -> None:
    world.opened()
    for n in range(22):
        with world.database.write() as tx:
            tx.audit.append(world.incident.id, world.clock.now(), facts(Action.NOTED, str(n)))
    world.draw()

    messages = world.slack.of_kind(MarkerKind.AUDIT)
    assert [len(entries_in(posted)) for posted in messages] == [20, 5]
    assert messages[0].marker.details["hashes"] == [entry.hash for entry in world.trail()[:20]]


def test_the_audit_channel_gets_the_same_entries(make_world: Callable[..., World]) -> None:
    world = make_world(audit_channel="C-AUDIT")
    world.opened().draw()

    in_thread, mirrored = (world.slack.of_kind(MarkerKind.AUDIT, channel) for channel in ("C-OPS", "C-AUDIT"))
    assert [entries_in(posted) for posted in mirrored] == [entries_in(posted) for posted in in_thread]


def test_the_audit_channel_gets_the_last_entries_of_an_incident_that_has_ended(
    make_world: Callable[..., World],
) -> None:
    world = make_world(audit_channel="C-AUDIT")
    world.opened().draw()
    world.slack.fail("post", Later("slow down", seconds=60), f"{MarkerKind.AUDIT} C-AUDIT")
    world.type("skip 1 not needed")
    world.work(timedelta(seconds=10), drawing=True)
    world.type("cancel false alarm")
    world.work(drawing=True)

    assert world.incident.audit_mirrored == world.incident.audit_count


def test_a_board_that_somebody_deleted_does_not_hold_up_the_rest(world: World) -> None:
    world.opened().draw()
    world.slack.of_kind(MarkerKind.BOARD)[0].is_deleted = True
    world.type("skip 1 not needed")
    world.draw()

    assert world.incident.drawn_revision == world.incident.revision


def test_what_did_not_change_is_not_redrawn(world: World) -> None:
    world.opened().draw()
    drawn = [len(message.said) for message in world.slack.messages]
    world.later(timedelta(minutes=1))
    world.draw()

    assert [len(message.said) for message in world.slack.messages] == drawn


def test_a_board_that_changes_all_the_time_leaves_the_cards_their_turn(world: World) -> None:
    world.opened().draw()
    (board,) = world.slack.of_kind(MarkerKind.BOARD)
    drawn = len(board.said)
    for step in ("1", "2", "3"):
        world.type(f"skip {step} not needed")
        world.slack.fail("redraw", Paced("one at a time", seconds=1), "step")
        world.work(AT_ONCE, drawing=True)
        world.clock.pass_by(timedelta(seconds=1))
    assert len(board.said) == drawn + 1

    world.draw()
    assert all("skipped" in world.card(step) for step in ("1", "2", "3"))


def test_what_changed_while_the_thread_was_redrawn_is_redrawn_next(world: World) -> None:
    world.opened().draw()
    world.type("skip 1 not needed")
    world.slack.fail("redraw", Paced("one at a time", seconds=1), "step")
    world.work(AT_ONCE, drawing=True)
    world.type("skip 2 not needed")
    world.work(drawing=True)

    assert world.incident.drawn_revision == world.incident.revision
    assert world.slack.of_kind(MarkerKind.BOARD)[0].words.count(": skipped") == 2


def test_a_refused_post_to_the_thread_is_tried_again(world: World) -> None:
    world.slack.fail("post", Refused("not_in_channel", code="not_in_channel"), "board", times=2)
    open_and_draw(world)

    assert boards(world) == 1


def crashed_after(world: World, kind: MarkerKind, task: str) -> None:
    """The process dies when Slack has the message and before anything was written down."""
    job = world.claim(task)
    assert job
    world.slack.fail("post", SystemExit(), kind, after=True)
    with pytest.raises(SystemExit):
        world.run(job)
    world.start()


def test_a_card_that_is_found_after_a_crash_shows_how_the_step_stands_by_then(world: World) -> None:
    world.type("", by="U-REQ")
    world.drain("thread.board", "survey")
    crashed_after(world, MarkerKind.STEP, "thread.step")
    world.type("skip 1 not needed here")
    world.clock.pass_by(world.policy.lease)
    world.work(timedelta(minutes=3), drawing=True)

    assert "skipped" in world.card("1")


def test_a_button_beside_a_handover_that_expired_meanwhile_is_drawn_as_it_stands_by_then(world: World) -> None:
    world.with_logins().opened().press(Ask.APPROVE, "2")
    world.drain("smtp_credentials.begin", "smtp_credentials.set")
    crashed_after(world, MarkerKind.HANDOVER_CONTROLS, "handover.controls")
    world.later(world.policy.handover_ttl)

    (controls,) = world.slack.of_kind(MarkerKind.HANDOVER_CONTROLS)
    assert "Issue anew" in controls.words
