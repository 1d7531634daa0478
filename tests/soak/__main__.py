"""`python -m tests.soak`: a hundred recoveries in bad weather. Its last line is the result, as is its exit status."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.crashes.crew import AtOnce, crew
from tests.crashes.databases import templates
from tests.crashes.matrix import ROOT
from tests.soak.many import SEEDS, Total, database_of, soak_many

KEPT_IN = ROOT / ".crashes" / "soak"


def main(
    seed: Annotated[int | None, typer.Option(help="This seed only, and what the weather did in any case.")] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds, from 1 on.")] = SEEDS,
    at_once: Annotated[int | None, typer.Option(help="How many at once; otherwise as many as pays.")] = None,
) -> None:
    """Soak the bot: a fifth of all requests fail, and it is killed at random moments."""
    console, began, total = Console(), time.monotonic(), Total()
    chosen = list(range(1, seeds + 1)) if seed is None else [seed]
    with (
        TemporaryDirectory(prefix="soak-") as folder,
        crew(AtOnce.as_pays(at_once)) as runners,
        _progress(console) as bar,
    ):
        copied = templates(tuple({database_of(each) for each in chosen}), Path(folder))
        task = bar.add_task("random weather", total=len(chosen))
        for outcome in soak_many(runners, chosen, copied, KEPT_IN):
            total.add(outcome)
            bar.advance(task)
            if outcome.wrong or seed is not None:
                console.print(outcome.told(), markup=False, highlight=False, soft_wrap=True)
    console.print(total.weather_told(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"{(time.monotonic() - began) / 60:.1f} minutes", highlight=False)
    console.print(str(total), highlight=False, soft_wrap=True)
    raise typer.Exit(0 if total.is_well else 1)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


if __name__ == "__main__":
    typer.run(main)
