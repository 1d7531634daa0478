"""Thousands of requests that Slack would never send, signed, at the real endpoint and into a real database."""

import http.client
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from drill.slack.requesturl import signed_headers
from handlers.http import PATH
from recovery.desk import keep_request
from recovery.state import NewRequest
from storage.database import Database
from tests.databases import KINDS, borrowed_url
from tests.handlers.conftest import practice_slack
from tests.handlers.http.http_door import SECRET, Kept, Served, http_door
from tests.handlers.payloads import KEY, bodies

CALM = {200, 400, 404, 413}
"""Taken, or refused as what it is. Neither 500, nor 503: the database was never asked to store nonsense."""

EXAMPLES = {True: 1400, False: 600}
"""On SQLite, and on PostgreSQL, which differs only in what it refuses to store."""


@dataclass
class KeptForGood(Kept):
    """Stores what comes where the bot stores it."""

    database: Database | None = None

    def keep(self, request: NewRequest) -> None:
        assert self.database is not None
        with self.database.write(within=1) as tx:
            keep_request(tx, request)


@pytest.fixture(scope="module", params=KINDS)
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Storing"]:
    folder = tmp_path_factory.mktemp("nonsense")
    with (
        borrowed_url(request.param, folder) as url,
        Database.open(url) as database,
        practice_slack() as slack,
        http_door(slack.api, slack.workspace.app.bot_token, KeptForGood(database=database)) as served,
    ):
        yield Storing(served, url)


@dataclass
class Storing:
    served: Served
    url: str

    def rows(self) -> list[str]:
        """Every request and task that is stored, whole."""
        engine = sa.create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
        with engine.connect() as connection:
            return [
                str(row)
                for table in ("requests", "tasks")
                for row in connection.execute(sa.text(f"SELECT * FROM {table}"))
            ]


def test_nonsense_is_answered_calmly_and_leaves_no_secret(door: Storing, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = http.client.HTTPConnection("127.0.0.1", door.served.port, timeout=10)
    statuses: dict[int, int] = {}

    @settings(
        max_examples=EXAMPLES[door.url.startswith("sqlite")],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(bodies)
    def refused_or_taken(body: bytes) -> None:
        connection.request("POST", PATH, body, signed_headers(SECRET, body, time.time()))
        answer = connection.getresponse()
        said = answer.read().decode()
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        assert answer.status in CALM
        assert "Traceback" not in said
        assert KEY not in said

    refused_or_taken()
    connection.close()
    assert statuses[200] > 50, "some must come so far as to be stored"
    assert statuses[400] + statuses[404] > 100
    stored = door.rows()
    assert stored
    assert not [row for row in stored if KEY in row]
    assert KEY not in caplog.text
