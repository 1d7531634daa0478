"""What other values of the settings would do: `python -m benchmarks.choices`. The defaults were chosen by this.

Not a part of `make bench`: each value is measured once, which takes eight minutes together.
"""

from collections.abc import Iterator
from itertools import chain

from benchmarks.containment import contained_by_the_bot
from benchmarks.several import MANY, contained_by

WIDTHS = ("4", "8", "16", "24", "32")
BATCHES = ("32", "64", "100", "125", "200")


def by_width() -> Iterator[str]:
    """How long containment takes by how many calls are made at once."""
    yield "| `MAILGUN_CONCURRENCY` | contained, s | last handover, s |"
    yield "| --- | --- | --- |"
    for width in WIDTHS:
        one = contained_by_the_bot(MAILGUN_CONCURRENCY=width)
        yield f"| {width} | {one.contained:.1f} | {one.handed_over:.1f} |"


def by_batch() -> Iterator[str]:
    """How long it takes by how many logins one handover carries at most: one process, and several."""
    yield f"| `BATCH` | messages | contained, s | last handover, s | contained by {MANY} processes, s |"
    yield "| --- | --- | --- | --- | --- |"
    for batch in BATCHES:
        one, several = contained_by_the_bot(BATCH=batch), contained_by(MANY, BATCH=batch)
        yield f"| {batch} | {one.messages} | {one.contained:.1f} | {one.handed_over:.1f} | {several:.1f} |"


if __name__ == "__main__":
    for line in chain(by_width(), [""], by_batch()):
        print(line, flush=True)
