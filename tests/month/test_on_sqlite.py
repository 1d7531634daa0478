"""A month on SQLite: people do what they are asked when they get to it, if at all, and no promise is broken."""

from collections.abc import Callable, Iterator

import pytest

from tests.month.played import played
from tests.month.promises import PROMISES, Record

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module", params=[False, True], ids=["undisturbed", "crashing"])
def record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    with played("sqlite", tmp_path_factory.mktemp("month"), is_crashing=request.param) as record:
        yield record


@pytest.mark.parametrize("broken", PROMISES, ids=lambda promise: promise.__name__)
def test_in_a_month_this_promise_is_never_broken(record: Record, broken: Callable[[Record], list[str]]) -> None:
    assert broken(record) == []
