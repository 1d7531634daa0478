"""Runs of the real bot for specifications to look at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.recovery_run import Run, recovery_run
from tests.forks import ForkedBot


@pytest.fixture
def begin_run(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Run]]:
    """Begins a run with whatever a test needs: `prepared`, `kind`, variables. A module may have its own `PROCESS`."""
    process = getattr(request.module, "PROCESS", ForkedBot)
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(recovery_run(tmp_path, process=process, **how))


@pytest.fixture
def run(begin_run: Callable[..., Run]) -> Run:
    """The small account, the bot running, no incident yet."""
    return begin_run()


@pytest.fixture
def opened(run: Run) -> Run:
    """The same with an incident that Olivia has opened."""
    run.open_incident()
    return run
