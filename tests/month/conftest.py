"""The month that a module looks at, on the kind of database that it names."""

from collections.abc import Iterator

import pytest

from tests.month.played import played
from tests.month.record import Record


@pytest.fixture(scope="module", params=[False, True], ids=["undisturbed", "crashing"])
def record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    with played(request.module.KIND, tmp_path_factory.mktemp("month"), is_crashing=request.param) as record:
        yield record
