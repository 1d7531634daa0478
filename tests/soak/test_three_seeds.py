"""Three recoveries in bad weather; `make soak` is a hundred of them. Which three: `SEED`, or the commit's hash."""

import pytest

from tests.crashes.databases import templates
from tests.crashes.matrix import seed_of_the_commit
from tests.soak.many import database_of
from tests.soak.one import soak

SEEDS = 100
"""Those of `make soak`."""


@pytest.mark.parametrize("number", range(3))
def test_nothing_is_lost_or_repeated_in_bad_weather(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    seed = (seed_of_the_commit() + number) % SEEDS + 1
    database = database_of(seed)
    outcome = soak(seed, database, templates((database,), tmp_path_factory.mktemp("template")))
    assert not outcome.wrong, outcome.told()
