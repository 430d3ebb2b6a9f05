"""`harness.stats.paired` against scipy and statsmodels on random tables, closed forms, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as theirs
from statsmodels.stats import contingency_tables, multitest, proportion

from harness.stats import intervals
from harness.stats import paired as ours

counts = st.integers(0, 300)


@given(n=st.integers(1, 5000), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_equals_statsmodels(n: int, share: float, confidence: float) -> None:
    passed = round(n * share)
    low, high = proportion.proportion_confint(passed, n, 1 - confidence, method="wilson")
    assert intervals.wilson(passed, n, confidence) == pytest.approx((low, high), abs=1e-9)


@given(only_a=counts, only_b=counts, both=counts)
def test_permutation_test_of_single_pairs_is_mcnemars(only_a: int, only_b: int, both: int) -> None:
    sums = [-1.0] * only_a + [1.0] * only_b + [0.0] * both
    assert ours.permutation_test(sums) == pytest.approx(mcnemar(only_a, only_b), abs=1e-9)


def mcnemar(only_a: int, only_b: int) -> float:
    return float(contingency_tables.mcnemar([[5, only_a], [only_b, 7]], exact=True).pvalue)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=11))
def test_permutation_test_of_clusters_equals_scipy(sums: list[int]) -> None:
    result = theirs.permutation_test(
        (np.array(sums, float), np.zeros(len(sums))),
        lambda a, b, axis: np.sum(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    below = np.abs(result.null_distribution) >= abs(sum(sums)) - 1e-9
    assert ours.permutation_test(sums) == pytest.approx(float(below.mean()), abs=1e-9)


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_equals_scipy_and_statsmodels(p_values: dict[str, float]) -> None:
    adjusted = ours.benjamini_hochberg(p_values)
    assert list(adjusted) == list(p_values)
    values = list(p_values.values())
    assert list(adjusted.values()) == pytest.approx(list(theirs.false_discovery_control(values)), abs=1e-9)
    assert list(adjusted.values()) == pytest.approx(list(multitest.multipletests(values, method="fdr_bh")[1]), abs=1e-9)


def test_no_p_values_give_none() -> None:
    assert ours.benjamini_hochberg({}) == {}


def test_bootstrap_agrees_with_scipys() -> None:
    rng = np.random.default_rng(3)
    sums, sizes = rng.choice([-1.0, 0.0, 1.0], 600, p=[0.1, 0.7, 0.2]), np.ones(600)
    result = theirs.bootstrap((sums,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1))
    their_low, their_high = result.confidence_interval
    assert ours.bootstrap(sums, sizes) == pytest.approx((their_low, their_high), abs=0.004)


def test_bootstrap_resamples_whole_clusters() -> None:
    """Four repeats that always agree carry no more information than one."""
    rng = np.random.default_rng(4)
    single = rng.choice([-1.0, 0.0, 1.0], 400, p=[0.1, 0.7, 0.2])
    repeated = ours.bootstrap(single * 4, np.full(400, 4.0))
    assert repeated == pytest.approx(ours.bootstrap(single, np.ones(400)), abs=1e-12)


def test_permutation_interval_inverts_the_test() -> None:
    rng = np.random.default_rng(5)
    sums = rng.choice([-1.0, 0.0, 1.0], 500, p=[0.05, 0.7, 0.25])
    low, high = ours.permutation_interval(sums, np.ones(500))
    assert low < sums.mean() < high
    assert low == pytest.approx(sums.mean() - 1.96 * sums.std() / 500**0.5, abs=0.006)
    assert high == pytest.approx(sums.mean() + 1.96 * sums.std() / 500**0.5, abs=0.006)
    assert (low > 0) == (ours.permutation_test(sums) < 0.05)


@given(a=counts, b=counts, same=st.integers(1, 400))
def test_paired_interval_is_bonett_and_prices(a: int, b: int, same: int) -> None:
    n = a + b + same
    p_a, p_b = (a + 1) / (n + 2), (b + 1) / (n + 2)
    half = 1.959963984540054 * ((p_a + p_b - (p_a - p_b) ** 2) / (n + 2)) ** 0.5
    low, high = ours.paired_interval([-1.0] * a + [1.0] * b + [0.0] * same, np.ones(n))
    estimate = (b - a) / n
    assert low == pytest.approx(min(max(-1.0, p_b - p_a - half), estimate), abs=1e-9)
    assert high == pytest.approx(max(min(1.0, p_b - p_a + half), estimate), abs=1e-9)


def test_paired_interval_of_agreeing_pairs_has_width() -> None:
    assert ours.bootstrap(np.zeros(10), np.ones(10)) == (0.0, 0.0)
    low, high = ours.paired_interval(np.zeros(10), np.ones(10))
    assert low < -0.15
    assert high > 0.15


def test_paired_interval_without_pairs_knows_nothing() -> None:
    assert ours.paired_interval([], []) == (-1.0, 1.0)


@pytest.mark.parametrize(("n", "low", "high"), [(60, 0.03, 0.13), (500, 0.05, 0.15)])
def test_paired_interval_covers_what_it_says(n: int, low: float, high: float) -> None:
    rng = np.random.default_rng(n)
    drawn = rng.multinomial(n, [low, high, 1 - low - high], size=1500)
    covered = 0
    for a, b, same in drawn:
        sums = np.repeat([-1.0, 1.0, 0.0], [a, b, same])
        interval = ours.paired_interval(sums, np.ones(n))
        covered += interval.low <= high - low <= interval.high
    assert 0.93 < covered / 1500 < 0.98


def test_combine_of_one_leaf_is_its_interval() -> None:
    value, interval = intervals.combine([(1.0, 0.3, intervals.wilson(30, 100))])
    assert value == 0.3
    assert interval == pytest.approx(intervals.wilson(30, 100))


@given(a=st.integers(0, 50), b=st.integers(0, 80))
def test_combine_of_a_difference_is_newcombes(a: int, b: int) -> None:
    one, two = intervals.wilson(a, 50), intervals.wilson(b, 80)
    _, interval = intervals.combine([(1.0, a / 50, one), (-1.0, b / 80, two)])
    low, high = proportion.confint_proportions_2indep(a, 50, b, 80, compare="diff", method="newcomb")
    assert interval == pytest.approx((low, high), abs=1e-9)


def test_minimum_detectable_difference_solves_connors_formula() -> None:
    n, discordant = 1000, 0.15
    delta = ours.minimum_detectable(n, discordant)
    a, b = theirs.norm.ppf(0.975), theirs.norm.ppf(0.8)
    assert n == pytest.approx(((a * discordant**0.5 + b * (discordant - delta**2) ** 0.5) / delta) ** 2)


def test_minimum_detectable_difference_matches_simulation() -> None:
    n, discordant = 400, 0.2
    delta = ours.minimum_detectable(n, discordant)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(n, [(discordant - delta) / 2, (discordant + delta) / 2, 1 - discordant], size=2000)
    found = np.mean([mcnemar(int(a), int(b)) < 0.05 for a, b, _ in drawn])
    assert found == pytest.approx(0.8, abs=0.05)


def test_nothing_is_detectable_without_pairs_or_discordance() -> None:
    assert ours.minimum_detectable(0, 0.1) == ours.minimum_detectable(100, 0.0) == 1.0


def test_cluster_sums_join_pairs_of_one_key() -> None:
    sums, sizes = ours.cluster_sums([1, -1, 1, 0], ["b", "a", "b", "a"])
    assert sums.tolist() == [-1.0, 2.0]
    assert sizes.tolist() == [2.0, 2.0]
