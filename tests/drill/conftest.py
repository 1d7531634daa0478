"""What the tests of the practice servers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drill.practice_slack import Practice, practice_slack


@pytest.fixture
def slack() -> Iterator[Practice]:
    with practice_slack() as practice:
        yield practice
