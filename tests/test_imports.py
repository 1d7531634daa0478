"""What a start loads. Each library takes its part of the seconds that a restarted bot is not there."""

import subprocess
import sys

import pytest

from drill.process import ROOT


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that are loaded once the command line is."""
    printed = subprocess.run(
        [sys.executable, "-c", "import bot, sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(printed.stdout.split())


@pytest.mark.parametrize(
    ("module", "needed_by"),
    [
        ("alembic", "a database that is not current"),
        ("psycopg", "PostgreSQL"),
        ("rich", "the drill"),
        ("drill", "the drill"),
    ],
)
def test_a_start_does_not_load(loaded: set[str], module: str, needed_by: str) -> None:
    assert module not in loaded, f"only {needed_by} needs it"
