"""A run whose bot reaches its PostgreSQL through a network that can fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.recovery_run import Run, recovery_run
from tests.forwarder import Forwarder, forwarded


@contextmanager
def run_through_a_forwarder(folder: Path) -> Iterator[tuple[Run, Forwarder]]:
    """The run, its bot connected, and what to cut or silence. The run itself looks at the database past it."""
    with recovery_run(folder, kind="postgresql", start=False) as run, forwarded(run.database_url) as (forwarder, url):
        run.bot.environ["DATABASE_URL"] = url
        run.bot.start()
        try:
            run.bot.wait_until_connected(run.slack)
            yield run, forwarder
        finally:
            if run.bot.is_running:
                run.bot.kill()
