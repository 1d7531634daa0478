"""Three recoveries in bad weather; `make soak` is a hundred of them. Which three: `SEED`, or the commit's hash."""

from pathlib import Path

import pytest

from tests.crashes.crew import AtOnce, crew
from tests.crashes.databases import templates
from tests.crashes.matrix import seed_of_the_commit
from tests.soak.many import SEEDS, Total, database_of, soak_many

MANY = 3


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_repeated_in_bad_weather(tmp_path: Path) -> None:
    first = seed_of_the_commit()
    seeds = [(first + number) % SEEDS + 1 for number in range(MANY)]
    copied = templates(tuple({database_of(seed) for seed in seeds}), tmp_path)
    with crew(AtOnce(MANY, MANY)) as runners:
        outcomes = list(soak_many(runners, seeds, copied, None))
    total = Total()
    for outcome in outcomes:
        total.add(outcome)
    assert total.is_well, "\n".join([str(total), *(outcome.told() for outcome in outcomes if outcome.wrong)])
