"""A month on PostgreSQL: people do what they are asked when they get to it, if at all, and no promise is broken."""

from collections.abc import Callable

import pytest

from tests.month.promises import PROMISES
from tests.month.record import Record

KIND = "postgresql"
pytestmark = pytest.mark.timeout(1800)


@pytest.mark.parametrize("broken", PROMISES, ids=lambda promise: promise.__name__)
def test_in_a_month_this_promise_is_never_broken(record: Record, broken: Callable[[Record], list[str]]) -> None:
    assert broken(record) == []
