from __future__ import annotations

import pytest

from harness.stats.intervals import accuracy, wilson
from harness.types import Score


def test_repeats_of_an_item_count_as_one_observation() -> None:
    """8 of 16 replies to 4 items: the interval of 2 of 4, for which Wilson's formula gives 0.15 to 0.85."""
    found = accuracy(Score(n=16, judged=16, passed=8, unscored=0), repeats=4)
    assert found is not None
    value, (low, high) = found
    assert (value, round(low, 2), round(high, 2)) == (0.5, 0.15, 0.85)


def test_without_repeats_it_is_the_interval_of_the_replies() -> None:
    assert accuracy(Score(16, 16, 8, 0)) == (0.5, wilson(8, 16))


@pytest.mark.parametrize("repeats", [1, 4])
def test_nothing_judged_has_no_accuracy(repeats: int) -> None:
    assert accuracy(Score(n=4, judged=0, passed=0, unscored=4), repeats) is None
