"""An incident that was open when the bot was upgraded goes on with the new version."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from drill.process import BotProcess
from storage.migrate import newest_revision
from storage.schema import Base
from storage.urls import parsed
from tests.databases import KINDS
from tests.e2e.handed_over import handed_over
from tests.e2e.recovery_run import Run
from tests.older import OLDEST, as_older_version_left_it

INVESTIGATE, QUEUED_MAIL = 0, 7

PROCESS = BotProcess
"""The shipped command, for how it starts and ends is a part of what is looked at here."""


@pytest.mark.parametrize("kind", KINDS)
def test_an_incident_that_the_first_version_had_open_is_finished_by_this_one(
    begin_run: Callable[..., Run], tmp_path: Path, kind: str
) -> None:
    run = begin_run(kind=kind, ENCRYPTION_KEY=Fernet.generate_key().decode())
    everything_is_under_way(run)
    folder = tmp_path / "older"
    folder.mkdir()
    run.database_url = as_older_version_left_it(run.database_url, folder)
    without_the_steps_that_came_later(run)
    assert run.value("SELECT version_num FROM alembic_version") == OLDEST
    tables = set(Base.metadata.tables) - {"findings", "buckets"}
    assert all(run.rows(f"SELECT 1 FROM {table}") for table in tables), "each table has rows"

    run.restart(DATABASE_URL=run.database_url)
    run.wait_status(2, "done")
    assert run.value("SELECT version_num FROM alembic_version") == newest_revision()
    assert run.handed_passwords() == run.passwords()
    assert set(Counter(sent.secret for sent in handed_over(run.slack)).values()) == {1}

    run.wait("a card of the step that is new", lambda: cards_of(run, QUEUED_MAIL) == 2)
    run.complete(QUEUED_MAIL)
    run.wait("a card of the other one", lambda: cards_of(run, INVESTIGATE) == 2)
    run.olivia.clicks(run.card(INVESTIGATE), "Look again")
    run.wait_status(INVESTIGATE, "done")
    run.people_do_their_part()
    run.wait_status(3, "done")
    run.approve(4)
    run.wait_status(4, "done")
    run.wait(
        "the trail to be in the thread", lambda: run.value("SELECT audit_count - audit_posted FROM incidents") == 0
    )
    assert "Traceback" not in run.log_text()


def without_the_steps_that_came_later(run: Run) -> None:
    """The first version knew six steps."""
    engine = sa.create_engine(parsed(run.database_url))
    with engine.begin() as connection:
        new = f"(SELECT id FROM steps WHERE number IN ({INVESTIGATE}, {QUEUED_MAIL}))"
        connection.exec_driver_sql(f"UPDATE tasks SET step_id = NULL WHERE step_id IN {new}")
        connection.exec_driver_sql(f"DELETE FROM steps WHERE number IN ({INVESTIGATE}, {QUEUED_MAIL})")
    engine.dispose()


def cards_of(run: Run, step: int) -> int:
    """How many cards of that step were ever posted; the one that belonged to the deleted row is still there."""
    return sum(card.title.startswith(f"{step}. ") for card in run.slack.messages(kind="step"))


def everything_is_under_way(run: Run) -> None:
    """Step 1 is done, step 2 breaks off in the middle, people were asked for step 3; the bot is dead."""
    run.open_incident()
    run.complete(1)
    run.approve(3)
    run.everyone_is_asked(3)
    run.dies_at(run.mailgun, "after", {"method": "PUT", "contains": "app@mg.example.com"})
    run.approve(2)
    run.wait_gone()
