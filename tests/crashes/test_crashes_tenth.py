"""A tenth of the crash matrix; which tenth, the commit's hash says, or `SEED`."""

from pathlib import Path

import pytest

from tests.crashes.databases import templates
from tests.crashes.matrix import KEPT_IN, Total, collect, run_all, seed_of_the_commit, tenth, workers
from tests.databases import KINDS

AT_ONCE = 12
"""Fewer than `make crash` has: other tests run beside it."""


@pytest.mark.timeout(900)
def test_no_crash_of_a_tenth_harms_anything(tmp_path: Path) -> None:
    total, told = Total(), []
    with workers(AT_ONCE) as pool:
        copied = templates(KINDS, tmp_path)
        collected = collect(pool, copied)
        chosen = tenth(collected.cases, seed_of_the_commit())
        for outcome in run_all(pool, chosen, collected.slower, copied, KEPT_IN):
            total.add(outcome)
            if not outcome.is_well:
                told.append(outcome.told())
    assert total.crashes == len(chosen) and total.is_well, "\n".join([*told, str(total)])
