"""`python -m tests.crashes`: the crash matrix. Its last line is the result, and so is its exit status."""

import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.crashes.crew import AtOnce, crew
from tests.crashes.databases import templates
from tests.crashes.matrix import (
    KEPT_IN,
    AnyCase,
    CannotCollect,
    Total,
    collect,
    run_all,
    seed_of_the_commit,
    tenth,
)
from tests.databases import KINDS

TOLD_EVERY = 20
"""Where no bar can be drawn, every so many runs have a line."""


def main(
    seed: Annotated[int | None, typer.Option(help="Which tenth; without it, the commit's hash says.")] = None,
    only_a_tenth: Annotated[bool, typer.Option("--tenth", help="A tenth of the cases.")] = False,
    database: Annotated[str | None, typer.Option(help="sqlite or postgresql; without it, both.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A case, or a part of its name. May be repeated.")] = None,
    at_once: Annotated[int | None, typer.Option(help="How many runs at once; otherwise as many as pays.")] = None,
    names: Annotated[bool, typer.Option("--list", help="Name the cases, and run none.")] = False,
) -> None:
    """Kill the bot at every request of a small recovery, and look whether anything was lost, repeated or left."""
    # Told to stop, it ends what it has started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console()
    kinds = tuple(kind for kind in KINDS if database in (None, kind))
    began = time.monotonic()
    with TemporaryDirectory(prefix="crashes-") as folder, crew(AtOnce.as_pays(at_once)) as runners:
        copied = templates(kinds, Path(folder))
        console.print("Collecting the cases from three runs without a crash ...")
        try:
            collected = collect(runners, copied)
        except CannotCollect as error:
            console.print(str(error), markup=False, highlight=False)
            raise typer.Exit(2) from None
        chosen = choose(collected.cases, seed, only_a_tenth, only or [])
        if names:
            for case in chosen:
                console.print(str(case), markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit
        if collected.slower > 1:
            console.print(f"The machine is busy: everything takes {collected.slower} times as long.")
        total, done = Total(), 0
        with progress(console) as bar:
            task = bar.add_task("crashes", total=len(chosen))
            for outcome in run_all(runners, chosen, collected.slower, copied, KEPT_IN):
                total.add(outcome)
                bar.advance(task)
                done += 1
                if not console.is_terminal and done % TOLD_EVERY == 0:
                    console.print(f"{done} of {len(chosen)}: {total}", highlight=False, soft_wrap=True)
                if not outcome.is_well:
                    console.print(outcome.told(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"{(time.monotonic() - began) / 60:.1f} minutes", highlight=False)
    console.print(str(total), highlight=False, soft_wrap=True)
    raise typer.Exit(0 if total.is_well and chosen else 1)


def choose(every: list[AnyCase], seed: int | None, only_a_tenth: bool, only: list[str]) -> list[AnyCase]:
    """The cases that were asked for, mixed."""
    if only:
        return [case for case in every if any(part in str(case) for part in only)]
    number = seed_of_the_commit() if seed is None else seed
    return [case for part in ([number] if only_a_tenth else range(10)) for case in tenth(every, part)]


def progress(console: Console) -> Progress:
    """A bar, with how many are done and how long the rest will take."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


if __name__ == "__main__":
    typer.run(main)
