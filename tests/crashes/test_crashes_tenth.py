"""A tenth of the crash matrix; which tenth, the commit's hash says, or `SEED`."""

from pathlib import Path

import pytest

from tests.crashes.crew import AtOnce, crew
from tests.crashes.databases import templates
from tests.crashes.matrix import KEPT_IN, Total, collect, run_all, seed_of_the_commit, tenth
from tests.databases import KINDS


@pytest.mark.timeout(900)
def test_no_crash_of_a_tenth_harms_anything(tmp_path: Path) -> None:
    total, told = Total(), []
    with crew(AtOnce.as_pays()) as runners:
        copied = templates(KINDS, tmp_path)
        collected = collect(runners, copied)
        chosen = tenth(collected.cases, seed_of_the_commit())
        for outcome in run_all(runners, chosen, collected.slower, copied, KEPT_IN):
            total.add(outcome)
            if not outcome.is_well:
                told.append(outcome.told())
    assert total.crashes == len(chosen) and total.is_well, "\n".join([*told, str(total)])
