"""Statistics of the experiment in closed form."""

from __future__ import annotations

from random import Random

import pytest

from trainer.recipes.demo import numbers


def test_the_interval_over_seeds_is_students():
    low, high = numbers.over_seeds([0.01, 0.03, 0.05])
    assert (low + high) / 2 == pytest.approx(0.03)
    assert high - low == pytest.approx(2 * 4.302652729911275 * 0.02 / 3**0.5)
    assert numbers.over_seeds([0.1]) is None


def passed(share, n=100, seed=0):
    rng = Random(seed)
    return "".join("01"[rng.random() < share] for _ in range(n))


def test_pooled_differences_count_a_question_once_whatever_the_seeds():
    low, high = {"exact": passed(0.3)}, {"exact": passed(0.6)}
    results = {"base": low, **{f"sft-{seed}": low for seed in "123"}, **{f"ssb-{seed}": high for seed in "123"}}
    found = numbers._difference("123", results, "sft", "ssb", "exact")
    single = numbers._difference("1", results, "sft", "ssb", "exact")
    assert found["mean"] == single["mean"] > 0.1
    assert found["over_items"] == pytest.approx(single["over_items"])
    assert found["p"] == pytest.approx(single["p"])
    assert len(found["seeds"]) == 3


def test_counts_of_seeds_add_up_whatever_one_of_them_lacks():
    assert numbers._summed(
        [{"kinds": {"clean": {"kept": 2}}}, {"kinds": {"clean": {"kept": 1}, "cot": {"kept": 3}}}]
    ) == {"kinds": {"clean": {"kept": 3}, "cot": {"kept": 3}}}
    assert numbers._summed([]) == {}
