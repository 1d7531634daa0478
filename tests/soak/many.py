"""Many seeds, each in a process that runs nothing else meanwhile."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.crashes.crew import Crew
from tests.crashes.databases import Templates
from tests.soak.one import HARMS, Outcome, soak

SEEDS = 100
"""Of `make soak`: 1 and on."""

POSTGRESQL_EVERY = 4
"""Of how many seeds one runs on PostgreSQL."""


def database_of(seed: int) -> str:
    """Which kind of database a seed has."""
    return "sqlite" if seed % POSTGRESQL_EVERY else "postgresql"


def soak_many(crew: Crew, seeds: Sequence[int], templates: Templates, keep_in: Path | None) -> Iterator[Outcome]:
    """What came of each seed, as soon as it is known. `keep_in` gets a folder for each that went wrong."""
    return crew.each(partial(soak_seed, templates=templates, keep_in=keep_in), seeds)


def soak_seed(seed: int, templates: Templates, keep_in: Path | None) -> Outcome:
    """The same for one, on the kind of database that it has."""
    return soak(seed, database_of(seed), templates, keep_in)


@dataclass
class Total:
    """What all of them came to."""

    seeds: int = 0
    harms: Counter[str] = field(default_factory=Counter)
    weather: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    deaths: int = 0
    by_hand: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.seeds += 1
        self.harms.update({harm for harm, _ in outcome.wrong})
        for weather in outcome.weather.values():
            self.weather.update(weather["done"])
            self.requests += weather["requests"]
        self.deaths += outcome.starts - 1
        self.by_hand += len(outcome.by_hand)

    @property
    def is_well(self) -> bool:
        """Whether there was a seed, and nothing wrong with any."""
        return bool(self.seeds) and not self.harms.total()

    def weather_told(self) -> str:
        """What the weather did in all of them together."""
        counts = ", ".join(f"{what} {times}" for what, times in sorted(self.weather.items()))
        return (
            f"{self.requests} requests; {counts}; the bot died {self.deaths} times; "
            f"{self.by_hand} retries and second rounds by hand"
        )

    def __str__(self) -> str:
        told = ", ".join(f"{harm}: {self.harms[harm]}" for harm in HARMS)
        return f"seeds: {self.seeds}, {told}"
