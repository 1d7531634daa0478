"""`python -m benchmarks [name ...]`: measure everything, or these parts alone; print the table.

All of it together also writes `benchmarks/results.md`. Exit status 0 only where every row is reached.
"""

import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import acks, containment, limited, memory, redraw, several, starting, ticks
from benchmarks.limits import TooManyRefusals
from benchmarks.rows import Benchmark, Row, told

RESULTS = Path(__file__).parent / "results.md"

BENCHMARKS: dict[str, Benchmark] = {
    "containment": containment.measured,
    "acks": acks.measured,
    "ticks": ticks.measured,
    "redraw": redraw.measured,
    "starting": starting.measured,
    "several": several.measured,
    "memory": memory.measured,
    "limited": limited.measured,
}
LIBRARIES = ("slack-bolt", "slack-sdk", "requests", "SQLAlchemy", "APScheduler", "psycopg", "uvicorn")


def run(names: Sequence[str]) -> int:
    """Measure these, one after another; the exit status."""
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        print(f"There is no {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    began, rows = time.monotonic(), list[Row]()
    for name in names or BENCHMARKS:
        since = time.monotonic()
        try:
            rows += BENCHMARKS[name]()
        except TooManyRefusals as error:
            what = f"{name}: calls of one method that Slack refused within a minute"
            rows.append(Row(what, "Slack's known limits", "at most 1", [error.most], False, str(error), ""))
        print(f"{name}: {time.monotonic() - since:.0f} s", file=sys.stderr, flush=True)
    table = list(told(rows))
    took = time.monotonic() - began
    if not names:
        RESULTS.write_text("\n".join([*heading(took), *table, ""]), encoding="utf-8")
    print(*table, sep="\n")
    return 0 if all(row.is_reached for row in rows) else 1


def heading(took: float) -> Sequence[str]:
    """What was measured where, when, and for how long."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        "# Results of the benchmarks",
        "",
        f"By `make bench` on {datetime.now(UTC):%Y-%m-%d}, in {took / 60:.1f} minutes. Medians; the spread is from the "
        "smallest to the largest. What each row means is in [docs/performance.md](../docs/performance.md).",
        "",
        f"- Machine: {machine()}",
        f"- Python {platform.python_version()}; {libraries}",
        "",
    ]


def machine() -> str:
    """Its kind: processor, cores, memory and system, and nothing that tells which one it is."""
    models = [line for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else platform.machine()
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return f"{processor}, {os.cpu_count()} cores, {memory / 1024**2:.0f} GiB, {platform.system()}"


def _lines(path: str) -> Sequence[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
