from recovery.state import HandoverStatus
from storage.database import Database
from tests.storage.given import MINUTE, NOON, a_step, an_incident, at_once, new_handover


def test_handovers_are_numbered_within_their_incident_without_gaps(database: Database) -> None:
    step = a_step(database)

    def add() -> int:
        with database.write() as tx:
            return tx.handovers.add(new_handover(step)).number

    assert sorted(at_once([add] * 8)) == list(range(1, 9))


def test_a_handover_comes_back_with_its_tuples(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        stored = tx.handovers.add(new_handover(step, subjects=("x", "y"), replaces=(4, 5), planned_at=NOON))
    with database.read() as tx:
        assert tx.handovers.get(stored.id) == stored
    assert (stored.subjects, stored.replaces) == (("x", "y"), (4, 5))


def test_a_handover_moves_once(database: Database) -> None:
    step = a_step(database)
    with database.write() as tx:
        handover = tx.handovers.add(new_handover(step))

    def send() -> bool:
        with database.write() as tx:
            return tx.handovers.move(handover, [HandoverStatus.PLANNED], HandoverStatus.SENDING, sent_at=NOON)

    assert sorted(at_once([send] * 4)) == [False] * 3 + [True]


def test_handovers_are_listed_by_status(database: Database) -> None:
    step = a_step(database, an_incident(database))
    with database.write() as tx:
        first = tx.handovers.add(new_handover(step))
        second = tx.handovers.add(new_handover(step, status=HandoverStatus.SENT))
        assert tx.handovers.of(step.incident_id) == [first, second]
        assert tx.handovers.of(step.incident_id, HandoverStatus.SENT) == [second]


def test_a_sent_handover_is_due_for_its_reminder_or_its_end(database: Database) -> None:
    step = a_step(database)
    soon, later = NOON + MINUTE, NOON + 2 * MINUTE
    sent = HandoverStatus.SENT
    with database.write() as tx:
        reminded = tx.handovers.add(new_handover(step, status=sent, next_reminder_at=soon, expires_at=later))
        expiring = tx.handovers.add(new_handover(step, status=sent, expires_at=later))
        tx.handovers.add(new_handover(step, status=HandoverStatus.SAVED, expires_at=soon))
        assert tx.handovers.due(NOON) == []
        assert tx.handovers.due(soon) == [reminded]
        assert tx.handovers.due(later) == [reminded, expiring]
