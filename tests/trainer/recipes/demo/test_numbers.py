"""Statistics of the experiment in closed form."""

from __future__ import annotations

from math import log
from random import Random
from statistics import stdev

import pytest

from trainer.recipes.demo import numbers


def test_the_interval_over_seeds_is_students():
    low, high = numbers.over([0.01, 0.03, 0.05])
    assert (low + high) / 2 == pytest.approx(0.03)
    assert high - low == pytest.approx(2 * 4.302652729911275 * 0.02 / 3**0.5)
    assert numbers.over([0.1]) is None


def passed(share, n=100, seed=0):
    rng = Random(seed)
    return [float(rng.random() < share) for _ in range(n)]


def test_pooled_differences_count_a_question_once_whatever_the_seeds():
    low, high = passed(0.3), passed(0.6)
    found, single = numbers.difference(dict.fromkeys((1, 2, 3), (low, high))), numbers.difference({1: (low, high)})
    assert found["mean"] == single["mean"] > 0.1
    assert found["over_items"] == pytest.approx(single["over_items"])
    assert found["p"] == pytest.approx(single["p"])
    assert len(found["seeds"]) == 3


def test_grades_have_students_interval_and_test_and_a_loss():
    score = numbers.score([0.1, 0.2, 0.4])
    assert score["loss"] == pytest.approx(-(log(0.1) + log(0.2) + log(0.4)) / 3)
    assert score["high"] - score["value"] == pytest.approx(4.302652729911275 * stdev([0.1, 0.2, 0.4]) / 3**0.5)
    # t = mean / (sd / sqrt(n)) = 0.2 / (0.1 / sqrt(3)) with two degrees of freedom: p = 1 - t / sqrt(2 + t**2).
    t = 0.2 / (0.1 / 3**0.5)
    found = numbers.difference({1: ([0.1, 0.1, 0.1], [0.2, 0.3, 0.4])})
    assert found["p"] == pytest.approx(1 - t / (2 + t**2) ** 0.5)


def test_counts_of_seeds_add_up_whatever_one_of_them_lacks():
    assert numbers._summed(
        [{"kinds": {"clean": {"kept": 2}}}, {"kinds": {"clean": {"kept": 1}, "cot": {"kept": 3}}}]
    ) == {"kinds": {"clean": {"kept": 3}, "cot": {"kept": 3}}}
    assert numbers._summed([]) == {}
