"""How many processes there are, as each of them sees it."""

from pathlib import Path

import pytest

from drill.waiting import wait_for
from storage.database import Database
from tests.databases import KINDS, borrowed_url


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_counts_itself(kind: str, tmp_path: Path) -> None:
    with borrowed_url(kind, tmp_path) as url, Database.open(url) as database:
        assert database.processes() == 1
        database.hold()
        assert database.processes() == 1


def test_on_postgresql_processes_count_each_other_while_they_live(tmp_path: Path) -> None:
    with borrowed_url("postgresql", tmp_path) as url, Database.open(url) as one:
        one.hold()
        with Database.open(url) as another:
            another.hold()
            assert (one.processes(), another.processes()) == (2, 2)
        # The server lets go of a lock a moment after the connection that held it was closed.
        wait_for("the other to be gone", lambda: one.processes() == 1, 10)
