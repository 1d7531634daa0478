"""Word between processes that something was planned: at once on PostgreSQL, and never from oneself."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

from drill.waiting import wait_for
from recovery.state import NewTask
from storage.database import Database
from tests.databases import drop_connections, migrated_url

SOON = 10.0


def listening(database: Database) -> Event:
    """Set when that process hears that another has planned something."""
    heard = Event()
    database.hold()
    database.listen(heard.set)
    return heard


def plan(database: Database, key: str = "k1") -> None:
    with database.write() as tx:
        tx.tasks.add([NewTask("work", key)])


def heard_of_more(database: Database, heard: Event) -> bool:
    """Whether it hears soon; it takes a moment until a listener listens, so more is planned until it does."""
    numbers = iter(range(1000))

    def plan_and_look() -> bool:
        plan(database, f"more {next(numbers)}")
        return heard.wait(0.1)

    return wait_for("word from the other process", plan_and_look, SOON)


def test_a_process_hears_what_another_plans(postgresql_url: str, opened: Callable[[str], Database]) -> None:
    one, other = opened(postgresql_url), opened(postgresql_url)
    heard = listening(one)
    assert heard_of_more(other, heard)


def test_it_does_not_hear_itself(postgresql_url: str, opened: Callable[[str], Database]) -> None:
    one, other = opened(postgresql_url), opened(postgresql_url)
    other_heard = listening(other)
    heard_of_more(one, other_heard)
    heard = listening(one)
    other_heard.clear()
    for number in range(20):
        plan(one, f"its own {number}")
    # Words arrive in order: what the other has heard by now, this one would have heard too.
    assert other_heard.wait(SOON)
    assert not heard.is_set()


def test_a_listener_whose_connection_breaks_makes_another(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    one, other = opened(postgresql_url), opened(postgresql_url)
    heard = listening(one)
    heard_of_more(other, heard)
    drop_connections(postgresql_url)
    heard.clear()
    assert heard_of_more(other, heard)


def test_sqlite_has_one_process_and_nobody_listens(tmp_path: Path) -> None:
    with Database.open(migrated_url("sqlite", tmp_path)) as database:
        listening(database)
        assert database._wakeups is None
