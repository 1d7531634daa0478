"""A practice Slack that speaks to the door of HTTP mode, at the real endpoint."""

from collections.abc import Iterator

import pytest

from tests.handlers.conftest import PracticeSlack, practice_slack
from tests.handlers.http.http_door import (
    SECRET,
    Kept,
    Served,
    http_door,
)


@pytest.fixture(scope="module")
def slack() -> Iterator[PracticeSlack]:
    with practice_slack() as practice:
        practice.workspace.app.signing_secret = SECRET
        yield practice


@pytest.fixture(scope="module")
def opened(slack: PracticeSlack) -> Iterator[Served]:
    with http_door(slack.api, slack.workspace.app.bot_token) as served:
        slack.workspace.request_url = served.url
        yield served


@pytest.fixture
def door(opened: Served) -> Served:
    """The door, and nothing stored yet."""
    opened.kept.reset()
    return opened


@pytest.fixture
def kept(door: Served) -> Kept:
    return door.kept
