"""Many seeds, as many at once as keep the cores busy, each in a process that runs nothing else meanwhile."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from tests.crashes.databases import Templates
from tests.soak.one import HARMS, Outcome, soak

SEEDS = 100
"""Of `make soak`: 1 and on."""

POSTGRESQL_EVERY = 4
"""Of how many seeds one runs on PostgreSQL."""


def database_of(seed: int) -> str:
    """Which kind of database a seed has."""
    return "sqlite" if seed % POSTGRESQL_EVERY else "postgresql"


def soak_many(pool: Executor, seeds: Sequence[int], templates: Templates, keep_in: Path | None) -> Iterator[Outcome]:
    """What came of each seed, as soon as it is known. `keep_in` gets a folder for each that went wrong."""
    running = {pool.submit(soak, seed, database_of(seed), templates, keep_in): seed for seed in seeds}
    for done in as_completed(running):
        yield done.result()


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
