import pytest

from recovery.state import StepStatus
from storage.database import Database
from tests.storage.given import NOON, a_step, an_incident, at_once


def test_a_move_changes_status_and_fields_and_grows_the_version(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        moved = tx.steps.move(
            step, [StepStatus.WAITING], StepStatus.RUNNING, decided_by="U2", decided_at=NOON, facts={"n": [1]}
        )
        assert moved == tx.steps.get(step.id)
    assert moved is not None
    assert (moved.status, moved.version) == (StepStatus.RUNNING, step.version + 1)
    assert (moved.decided_by, moved.decided_at, moved.facts) == ("U2", NOON, {"n": [1]})


def test_a_move_from_another_status_changes_nothing(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        assert tx.steps.move(step, [StepStatus.NEEDS_ATTENTION], StepStatus.RUNNING, reason="x") is None
        assert tx.steps.get(step.id) == step


def test_a_move_by_an_old_version_changes_nothing(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        skipped = tx.steps.move(step, [StepStatus.WAITING], StepStatus.SKIPPED)
        assert tx.steps.move(step, [StepStatus.SKIPPED], StepStatus.RUNNING) is None
        assert tx.steps.get(step.id) == skipped


def test_of_decisions_at_the_same_moment_one_wins(database: Database) -> None:
    step = a_step(database)

    def decide() -> bool:
        with database.write() as tx:
            return tx.steps.move(step, [StepStatus.WAITING], StepStatus.RUNNING) is not None

    assert sorted(at_once([decide] * 8)) == [False] * 7 + [True]


def test_set_leaves_the_version_alone(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        tx.steps.set(step.id, drawn="abc", keep_reminding=True)
        now = tx.steps.get(step.id)
    assert (now.drawn, now.keep_reminding, now.version) == ("abc", True, step.version)


@pytest.mark.parametrize("name", ["status", "version", "stauts"])
def test_only_a_move_sets_status_and_version(database: Database, name: str) -> None:
    step = a_step(database)
    with database.write() as tx, pytest.raises(TypeError, match=name):
        tx.steps.set(step.id, **{name: 1})


def test_steps_are_listed_by_number(database: Database) -> None:
    incident = an_incident(database)
    for number in (3, 1, 2):
        a_step(database, incident, number)
    with database.read() as tx:
        assert [step.number for step in tx.steps.of(incident.id)] == [1, 2, 3]
