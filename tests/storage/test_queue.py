"""Planning, claiming, keeping and finishing tasks."""

import pytest

from recovery.state import HandoverStatus, NewTask, TaskStatus
from recovery.store import Batch
from storage.database import Database
from tests.storage.given import (
    LEASE,
    MINUTE,
    NOON,
    SECOND,
    a_step,
    at_once,
    claim,
    new_handover,
    plan,
)


def test_a_planned_task_is_due_at_once_unless_it_says_otherwise(database: Database) -> None:
    plan(database, NewTask("work", "later", not_before=NOON + MINUTE), NewTask("work", "now"))
    assert [task.key for task in claim(database)] == ["now"]
    assert claim(database) == []
    assert [task.key for task in claim(database, now=NOON + MINUTE)] == ["later"]


def test_no_two_unfinished_tasks_have_the_same_key(database: Database) -> None:
    assert plan(database, NewTask("work", "k1"), NewTask("work", "k2"), NewTask("work", "k1")) == 2
    assert plan(database, NewTask("work", "k2"), NewTask("work", "k3")) == 1
    [task] = claim(database)
    with database.write() as tx:
        assert tx.tasks.add([NewTask("work", task.key)]) == 0
        tx.tasks.end(task, TaskStatus.DONE, NOON)
        assert tx.tasks.add([NewTask("work", task.key)]) == 1


def test_many_tasks_are_planned_in_their_order(database: Database) -> None:
    step = a_step(database)
    assert plan(database, *(NewTask("work", f"k{n}", step_id=step.id) for n in range(3000))) == 3000
    with database.read() as tx:
        assert [task.key for task in tx.tasks.of_step(step.id)] == [f"k{n}" for n in range(3000)]


def test_a_claim_leases_the_task_under_a_new_token(database: Database) -> None:
    plan(database, NewTask("work", "k", subject="s", payload={"a": [1, None]}))
    [task] = claim(database)
    assert (task.status, task.attempts, task.lease_until) == (TaskStatus.RUNNING, 1, NOON + LEASE)
    assert (task.subject, task.payload) == ("s", {"a": [1, None]})
    with database.read() as tx:
        assert tx.tasks.get(task.id) == task
    [again] = claim(database, now=NOON + LEASE)
    assert again.attempts == 2 and again.token != task.token


def test_tasks_are_claimed_by_priority_then_age_among_the_kinds_asked_for(database: Database) -> None:
    plan(
        database,
        NewTask("work", "first of five"),
        NewTask("work", "second of five"),
        NewTask("other", "not asked for", priority=0),
        NewTask("work", "zero", priority=0),
    )
    claimed = [claim(database)[0].key for _ in range(3)]
    assert claimed == ["zero", "first of five", "second of five"]
    assert claim(database) == []


def test_threads_that_claim_at_once_never_get_the_same_task(database: Database) -> None:
    plan(database, *(NewTask("work", f"k{n}") for n in range(40)))

    def claim_all() -> list[int]:
        ids: list[int] = []
        while tasks := claim(database):
            ids += [task.id for task in tasks]
        return ids

    claimed = [task_id for ids in at_once([claim_all] * 8) for task_id in ids]
    assert len(claimed) == len(set(claimed)) == 40


# --- lanes


def test_tasks_of_a_lane_run_one_at_a_time_and_in_order(database: Database) -> None:
    plan(database, *(NewTask("work", f"k{n}", lane="a", priority=9 - n) for n in range(3)))
    for expected in ("k0", "k1", "k2"):
        [task] = claim(database)
        assert task.key == expected
        assert claim(database) == []
        with database.write() as tx:
            tx.tasks.end(task, TaskStatus.DONE, NOON)


def test_a_deferred_task_holds_its_lane_up(database: Database) -> None:
    plan(
        database,
        NewTask("work", "k1", lane="a"),
        NewTask("work", "k2", lane="a"),
        NewTask("work", "k3", lane="b"),
    )
    [task] = claim(database)
    with database.write() as tx:
        tx.tasks.defer(task, NOON + MINUTE, failure="Slack is slow")
    assert [task.key for task in claim(database)] == ["k3"]
    assert claim(database) == []
    assert claim(database, now=NOON + MINUTE)[0].key == "k1"


def test_a_task_of_another_kind_holds_the_lane_up_too(database: Database) -> None:
    plan(database, NewTask("other", "k1", lane="a"), NewTask("work", "k2", lane="a"))
    assert claim(database, "work") == []


def test_a_retried_task_waits_for_the_later_one_that_runs_in_its_lane(database: Database) -> None:
    step = a_step(database)
    plan(database, *(NewTask("work", f"k{n}", lane="a", step_id=step.id) for n in (1, 2)))
    [first] = claim(database)
    with database.write() as tx:
        tx.tasks.end(first, TaskStatus.FAILED, NOON)
    [second] = claim(database)
    with database.write() as tx:
        assert tx.tasks.retry_failed(step.id, NOON) == 1
    assert claim(database) == []
    with database.write() as tx:
        tx.tasks.end(second, TaskStatus.DONE, NOON)
    assert [task.id for task in claim(database)] == [first.id]


def test_of_a_retried_task_and_a_later_one_left_behind_the_first_of_the_lane_runs(database: Database) -> None:
    step = a_step(database)
    plan(database, *(NewTask("work", f"k{n}", lane="a", step_id=step.id) for n in (1, 2)))
    [first] = claim(database)
    with database.write() as tx:
        tx.tasks.end(first, TaskStatus.FAILED, NOON)
    claim(database)
    with database.write() as tx:
        tx.tasks.retry_failed(step.id, NOON)
    assert [task.id for task in claim(database, now=NOON + LEASE)] == [first.id]


# --- batches


def test_a_batch_takes_tasks_of_the_same_kind_and_step_up_to_its_number(database: Database) -> None:
    step = a_step(database)
    plan(
        database,
        NewTask("work", "k1", step_id=step.id),
        NewTask("work", "of no step"),
        NewTask("other", "of another kind", step_id=step.id),
        *(NewTask("work", f"k{n}", step_id=step.id) for n in range(2, 6)),
    )
    batch = claim(database, "work", "other", work=3)
    assert [task.key for task in batch] == ["k1", "k2", "k3"]
    assert len({task.token for task in batch}) == 3
    assert [task.key for task in claim(database, work=3)] == ["of no step"]
    assert [task.key for task in claim(database, work=3)] == ["k4", "k5"]


def test_a_batch_without_a_step_takes_others_without_one(database: Database) -> None:
    plan(database, NewTask("work", "k1"), NewTask("work", "k2"))
    assert [task.key for task in claim(database, work=9)] == ["k1", "k2"]


def test_a_batch_takes_one_task_of_a_lane(database: Database) -> None:
    lanes = ["a", "a", "b", None, "b"]
    plan(database, *(NewTask("work", f"k{n}", lane=lane) for n, lane in enumerate(lanes)))
    assert [task.key for task in claim(database, work=9)] == ["k0", "k2", "k3"]


def test_a_batch_takes_no_more_than_fits(database: Database) -> None:
    plan(database, *(NewTask("work", f"k{n}") for n in range(5)))
    fits = {"work": Batch(4, lambda tasks: 2)}
    with database.write() as tx:
        claimed = [tx.tasks.claim(["work"], fits, database.owner, NOON, NOON + LEASE) for _ in range(3)]
    assert [[task.key for task in batch] for batch in claimed] == [["k0", "k1"], ["k2", "k3"], ["k4"]]


def test_what_fits_nowhere_is_claimed_alone(database: Database) -> None:
    plan(database, NewTask("work", "k0"), NewTask("work", "k1"))
    with database.write() as tx:
        batch = tx.tasks.claim(["work"], {"work": Batch(4, lambda tasks: 0)}, database.owner, NOON, NOON + LEASE)
    assert [task.key for task in batch] == ["k0"]


def test_batches_of_threads_that_claim_at_once_share_no_task(database: Database) -> None:
    step = a_step(database)
    plan(database, *(NewTask("work", f"k{n}", step_id=step.id, lane=f"l{n}") for n in range(60)))
    batches = at_once([lambda: claim(database, work=10)] * 6)
    ids = [task.id for batch in batches for task in batch]
    assert len(ids) == len(set(ids))


# --- kept


def test_a_renewed_lease_lasts_longer(database: Database) -> None:
    plan(database, NewTask("work", "k1"), NewTask("work", "k2"))
    batch = claim(database, work=2)
    with database.write() as tx:
        assert tx.tasks.renew(batch, NOON + 2 * LEASE)
    assert claim(database, now=NOON + LEASE) == []
    assert len(claim(database, now=NOON + 2 * LEASE, work=2)) == 2


def test_a_batch_of_which_one_was_taken_over_is_neither_held_nor_renewed(database: Database) -> None:
    plan(database, NewTask("work", "k1"), NewTask("work", "k2"))
    batch = claim(database, work=2)
    [taken] = claim(database, now=NOON + LEASE)
    with database.write() as tx:
        assert not tx.tasks.holds(batch)
        assert not tx.tasks.renew(batch, NOON + 9 * LEASE)
        assert tx.tasks.holds([taken])
        assert tx.tasks.get(batch[1].id).lease_until == NOON + LEASE


def test_a_task_is_held_until_it_ends_whatever_the_time(database: Database) -> None:
    plan(database, NewTask("work", "k"))
    tasks = claim(database)
    with database.write() as tx:
        assert tx.tasks.holds(tasks)
        tx.tasks.end(tasks[0], TaskStatus.DONE, NOON)
        assert not tx.tasks.holds(tasks)


def test_no_tasks_are_always_held(database: Database) -> None:
    with database.write() as tx:
        assert tx.tasks.holds([])


def test_released_leases_are_claimable_at_once_and_held_until_then(database: Database) -> None:
    plan(database, NewTask("work", "k"))
    tasks = claim(database)
    with database.write() as tx:
        tx.tasks.release(database.owner)
        assert tx.tasks.holds(tasks)
    assert claim(database)[0].id == tasks[0].id
    with database.write() as tx:
        assert not tx.tasks.holds(tasks)


# --- finished, or put off


def test_an_ended_task_tells_when_and_why(database: Database) -> None:
    plan(database, NewTask("work", "k"))
    [task] = claim(database)
    with database.write() as tx:
        tx.tasks.end(task, TaskStatus.FAILED, NOON + SECOND, failure="no such domain")
        ended = tx.tasks.get(task.id)
    assert (ended.status, ended.finished_at, ended.failure) == (
        TaskStatus.FAILED,
        NOON + SECOND,
        "no such domain",
    )
    assert (ended.token, ended.lease_until) == (None, None)


def test_a_deferred_task_has_neither_lease_nor_token_and_keeps_its_attempts(database: Database) -> None:
    plan(database, NewTask("work", "k"))
    [task] = claim(database)
    with database.write() as tx:
        tx.tasks.defer(task, NOON + SECOND, failure="429")
        deferred = tx.tasks.get(task.id)
    assert (deferred.status, deferred.not_before) == (TaskStatus.READY, NOON + SECOND)
    assert (deferred.token, deferred.lease_until, deferred.attempts) == (None, None, 1)
    assert deferred.failure == "429"


def test_a_task_given_back_is_as_it_was_before_its_claim(database: Database) -> None:
    step = a_step(database)
    plan(database, NewTask("work", "k", step_id=step.id))
    with database.read() as tx:
        planned = tx.tasks.of_step(step.id)
    batch = claim(database)
    with database.write() as tx:
        tx.tasks.give_back(batch)
        assert tx.tasks.of_step(step.id) == planned


def test_a_finished_task_is_not_deferred_back_to_life(database: Database) -> None:
    plan(database, NewTask("work", "k"))
    [task] = claim(database)
    with database.write() as tx:
        tx.tasks.end(task, TaskStatus.DROPPED, NOON)
        tx.tasks.defer(task, NOON)
        assert tx.tasks.get(task.id).status is TaskStatus.DROPPED


def test_a_note_is_what_a_restart_finds(database: Database) -> None:
    plan(database, NewTask("work", "k", payload={"a": 1}))
    [task] = claim(database)
    with database.write() as tx:
        noted = tx.tasks.note(task, {"mark": "m"})
    with database.read() as tx:
        assert tx.tasks.get(task.id) == noted
    assert noted.payload == {"mark": "m"}


def test_a_handover_is_attached_and_detached(database: Database) -> None:
    step = a_step(database)
    plan(database, NewTask("work", "k"))
    batch = claim(database)
    with database.write() as tx:
        handover = tx.handovers.add(new_handover(step, status=HandoverStatus.PLANNED))
        tx.tasks.attach(batch, handover.id)
        assert tx.tasks.get(batch[0].id).handover_id == handover.id
        tx.tasks.attach(batch, None)
        assert tx.tasks.get(batch[0].id).handover_id is None


def test_retrying_makes_failed_tasks_ready_again(database: Database) -> None:
    step = a_step(database)
    plan(database, *(NewTask("work", f"k{n}", step_id=step.id) for n in range(3)))
    failed, done, _ = claim(database, work=3)
    with database.write() as tx:
        tx.tasks.end(failed, TaskStatus.FAILED, NOON, failure="refused")
        tx.tasks.end(done, TaskStatus.DONE, NOON)
        assert tx.tasks.retry_failed(step.id, NOON + SECOND) == 1
        again = tx.tasks.get(failed.id)
    assert (again.status, again.not_before, again.finished_at) == (TaskStatus.READY, NOON + SECOND, None)
    assert (again.attempts, again.failure) == (1, "refused")


def test_retrying_leaves_out_what_was_planned_anew_under_the_same_key(database: Database) -> None:
    step = a_step(database)
    for _ in range(2):
        plan(database, NewTask("work", "k", step_id=step.id))
        [task] = claim(database)
        with database.write() as tx:
            tx.tasks.end(task, TaskStatus.FAILED, NOON)
    with database.write() as tx:
        assert tx.tasks.retry_failed(step.id, NOON) == 1
        assert tx.tasks.get(task.id).status is TaskStatus.READY
        assert tx.tasks.retry_failed(step.id, NOON) == 0


def test_only_ready_tasks_that_were_never_claimed_are_dropped(database: Database) -> None:
    step = a_step(database)
    incident = step.incident_id
    plan(
        database,
        *(NewTask("work", f"k{n}", incident_id=incident, step_id=step.id) for n in range(3)),
        NewTask("other", "o", incident_id=incident, step_id=step.id),
    )
    running, deferred = claim(database, work=2)
    with database.write() as tx:
        tx.tasks.defer(deferred, NOON)
        assert tx.tasks.drop_unstarted(incident, ["work"], NOON) == 1
        assert [task.key for task in tx.tasks.of_step(step.id, TaskStatus.DROPPED)] == ["k2"]
        assert tx.tasks.get(running.id).status is TaskStatus.RUNNING


# --- looked at


def test_last_done_dates_each_subject_by_its_newest_done_task(database: Database) -> None:
    incident = a_step(database).incident_id
    for key, subject, minutes, status in [
        ("1", "a", 1, TaskStatus.DONE),
        ("2", "a", 3, TaskStatus.DONE),
        ("3", "a", 5, TaskStatus.FAILED),
        ("4", "b", 2, TaskStatus.DONE),
    ]:
        plan(database, NewTask("work", key, incident_id=incident, subject=subject))
        [task] = claim(database)
        with database.write() as tx:
            tx.tasks.end(task, status, NOON + minutes * MINUTE)
    with database.read() as tx:
        assert tx.tasks.last_done(incident, "work") == {"a": NOON + 3 * MINUTE, "b": NOON + 2 * MINUTE}


def test_tasks_of_a_step_are_listed_by_status_and_kind(database: Database) -> None:
    step = a_step(database)
    plan(database, NewTask("work", "k1", step_id=step.id), NewTask("other", "k2", step_id=step.id))
    claim(database, "work")
    with database.read() as tx:
        assert [task.key for task in tx.tasks.of_step(step.id)] == ["k1", "k2"]
        assert [task.key for task in tx.tasks.of_step(step.id, TaskStatus.READY)] == ["k2"]
        assert [task.key for task in tx.tasks.of_step(step.id, kind="work")] == ["k1"]


def test_several_claims_in_one_transaction_share_nothing_and_keep_the_order_of_lanes(database: Database) -> None:
    plan(
        database,
        NewTask("work", "a1", lane="a"),
        NewTask("work", "a2", lane="a"),
        NewTask("work", "b1", lane="b"),
        NewTask("work", "free"),
        NewTask("work", "urgent", priority=0),
    )
    with database.write() as tx:
        claimed = [tx.tasks.claim(["work"], {}, database.owner, NOON, NOON + LEASE) for _ in range(5)]
    assert [[task.key for task in tasks] for tasks in claimed] == [["urgent"], ["a1"], ["b1"], ["free"], []]


def test_what_was_claimed_in_a_transaction_that_failed_can_be_claimed(database: Database) -> None:
    plan(database, NewTask("work", "one"), NewTask("work", "two"))
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        for _ in range(2):
            assert tx.tasks.claim(["work"], {}, database.owner, NOON, NOON + LEASE)
        raise ZeroDivisionError
    (first,), (second,) = claim(database), claim(database)
    assert (first.key, second.key, first.attempts) == ("one", "two", 1)
