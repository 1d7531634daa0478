"""The table of the benchmarks: medians, what is reached, and the last line."""

import pytest

from benchmarks.rows import at_least, at_most, told


@pytest.mark.parametrize(
    ("ratios", "reached"), [([1.0, 1.1, 9.0], True), ([1.0, 1.3, 1.2], True), ([1.21, 1.0, 1.3], False)]
)
def test_the_median_may_be_as_large_as_the_limit(ratios: list[float], reached: bool) -> None:
    assert at_most("what", "against", ratios, 1.2, "").is_reached is reached


@pytest.mark.parametrize(("ratios", "reached"), [([0.1, 3.0, 3.5], True), ([2.9, 2.8, 9.0], False)])
def test_the_median_may_be_as_small_as_the_limit(ratios: list[float], reached: bool) -> None:
    assert at_least("what", "against", ratios, 3, "").is_reached is reached


def test_each_row_shows_its_median_and_its_spread() -> None:
    line = list(told([at_most("one thing", "another", [3.0, 1.0, 1.25], 2, "5 s against 4 s")]))[2]

    assert line == "| one thing | another | at most 2 × | 1.25 × | 1.00 to 3.00 | yes | 5 s against 4 s |"


def test_the_last_line_counts_the_rows_that_are_reached() -> None:
    rows = [at_most("a", "b", [1.0], 2, ""), at_least("c", "d", [1.0], 2, "")]

    assert list(told(rows))[-1] == "reached: 1 of 2"
