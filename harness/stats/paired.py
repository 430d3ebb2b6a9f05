"""Paired tests for pass/fail data: closed forms and exact distributions over numpy and scipy.special.

Differences are always `candidate - baseline`. Pairs that belong together (repeats of one item, prompts over one
function document) form a cluster; every paired function takes one summed difference per cluster, so that what is
resampled or flipped is the unit that was drawn. With clusters of one pair the permutation test is McNemar's exact test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from harness.stats.intervals import Interval, z_value

Vector = NDArray[np.float64]


def cluster_sums(differences: ArrayLike, clusters: Sequence[str]) -> tuple[Vector, Vector]:
    """Sum the pairs of each cluster.

    Args:
        differences: One difference a pair.
        clusters: Cluster key of each pair, aligned.

    Returns:
        Summed difference and number of pairs of each cluster.
    """
    _, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    sums: Vector = np.bincount(index, weights=np.asarray(differences, dtype=float)).astype(np.float64)
    return sums, np.bincount(index).astype(np.float64)


def bootstrap(
    sums: ArrayLike, sizes: ArrayLike, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Percentile interval of the mean difference, resampling whole clusters.

    Equal clusters are exchangeable, so a resample is one multinomial draw over the distinct (sum, size) pairs: the cost
    does not grow with the number of items.

    Args:
        sums: Summed difference of each cluster.
        sizes: Pairs in each cluster.
        confidence: Two-sided level.
        resamples: Number of bootstrap samples.
        seed: Of the generator.

    Returns:
        Limits of the mean difference of a pair.
    """
    kinds, counts = np.unique(np.column_stack([sums, sizes]), axis=0, return_counts=True)
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    means = (drawn @ kinds[:, 0]) / (drawn @ kinds[:, 1])
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def permutation_test(sums: ArrayLike, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value of the sign-flip test on clusters: exact where their sums are whole numbers.

    The distribution of the flipped total is built by convolving one binomial for each distinct size of sum; nothing is
    sampled. Same answer as `scipy.stats.permutation_test(permutation_type="samples")` with all flips enumerated, and
    for single pairs as McNemar's exact test. Sums of grades are flipped at random instead.

    Args:
        sums: Summed difference of each cluster.
        resamples: Random flips, where there are grades.
        seed: Of the generator.

    Returns:
        Probability of a total at least as far from zero when A and B are exchangeable in every cluster.
    """
    given = np.asarray(sums, dtype=float)
    values = np.rint(given).astype(np.int64)
    if not np.allclose(given, values, rtol=0, atol=1e-9):
        signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(resamples, given.size))
        as_far = np.abs(signs @ given) >= abs(float(given.sum())) - 1e-12
        return (1 + int(as_far.sum())) / (1 + resamples)
    sizes, counts = np.unique(np.abs(values[values != 0]), return_counts=True)
    masses = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        spaced = np.zeros(size * count + 1)
        spaced[::size] = _binomial_half(count)
        masses = np.convolve(masses, spaced)
    reach = int((sizes * counts).sum())
    totals = 2 * np.arange(masses.size) - reach
    return min(1.0, float(masses[np.abs(totals) >= abs(int(values.sum()))].sum()))


def _binomial_half(count: int) -> Vector:
    """Probabilities of 0..count heads, through logarithms so that large counts do not overflow."""
    heads = np.arange(count + 1)
    logs = special.gammaln(count + 1) - special.gammaln(heads + 1) - special.gammaln(count - heads + 1)
    return np.asarray(np.exp(logs - count * np.log(2.0)))


def permutation_interval(
    sums: ArrayLike, sizes: ArrayLike, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Differences that the sign-flip test does not reject: the test, inverted by bisection over shifts.

    One set of random flips serves every shift, so the p-value falls steadily with the distance from the estimate.

    Args:
        sums: Summed difference of each cluster.
        sizes: Pairs in each cluster.
        confidence: Two-sided level.
        resamples: Number of random flips.
        seed: Of the generator.

    Returns:
        Limits of the mean difference of a pair.
    """
    kinds, counts = np.unique(np.column_stack([sums, sizes]), axis=0, return_counts=True)
    ups = np.random.default_rng(seed).binomial(counts, 0.5, size=(resamples, counts.size))
    signs = 2.0 * ups - counts
    pairs = float(counts @ kinds[:, 1])
    total, weight = signs @ kinds[:, 0] / pairs, signs @ kinds[:, 1] / pairs
    estimate = float(counts @ kinds[:, 0]) / pairs

    def rejected(shift: float) -> bool:
        as_far = np.abs(total - shift * weight) >= abs(estimate - shift) - 1e-12
        return (1 + int(as_far.sum())) / (1 + resamples) < 1 - confidence

    def limit(outside: float) -> float:
        inside = estimate
        for _ in range(30):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if rejected(middle) else (middle, outside)
        return (inside + outside) / 2

    return Interval(limit(-1.0 - 1e-9), limit(1.0 + 1e-9))


def paired_interval(sums: ArrayLike, sizes: ArrayLike, confidence: float = 0.95) -> Interval:
    """Interval of the mean difference that stays honest when few or no pairs differ.

    The normal interval after adding one cluster for each side (Bonett & Price 2012, here for clusters of any size): a
    bootstrap of pairs that all agree has no width, which would let ten items prove that nothing was lost.

    Args:
        sums: Summed difference of each cluster.
        sizes: Pairs in each cluster.
        confidence: Two-sided level.

    Returns:
        Limits of the mean difference of a pair, within [-1, 1].
    """
    totals, pairs = np.asarray(sums, dtype=float), np.asarray(sizes, dtype=float)
    if not pairs.sum():
        return Interval(-1.0, 1.0)
    estimate, typical = totals.sum() / pairs.sum(), pairs.mean()
    scaled = np.concatenate([totals, [typical, -typical]]) / typical
    weights = np.concatenate([pairs, [typical, typical]]) / typical
    centre = scaled.sum() / weights.sum()
    error = np.sqrt(np.sum((scaled - centre * weights) ** 2)) / weights.sum()
    half = z_value(confidence) * float(error)
    low, high = max(-1.0, float(centre) - half), min(1.0, float(centre) + half)
    return Interval(min(low, float(estimate)), max(high, float(estimate)))


def paired_limits(gained: ArrayLike, lost: ArrayLike, n: int, confidence: float) -> tuple[Vector, Vector]:
    """`paired_interval` of many samples at once, for pairs that are not clusters.

    Args:
        gained: Pairs that only the candidate has right, one entry a sample.
        lost: Pairs that only the baseline has right, aligned.
        n: Pairs in each sample, at least one.
        confidence: Two-sided level.

    Returns:
        Difference and lower limit of each sample.
    """
    up, down = np.asarray(gained, dtype=float), np.asarray(lost, dtype=float)
    estimate, centre = (up - down) / n, (up - down) / (n + 2)
    error = np.sqrt(up + down + 2 - centre * (up - down)) / (n + 2)
    return estimate, np.minimum(np.maximum(-1.0, centre - z_value(confidence) * error), estimate)


def noninferiority(lost: int, gained: int, n: int, margin: float) -> float:
    """One-sided p-value of the score test that a drop is smaller than a margin (Tango 1998, Statistics in Medicine 17).

    The null hypothesis is that the candidate is worse by the margin or more; a small p shows that it is not. What is
    unknown besides, how often the two disagree, is estimated under that hypothesis.

    Args:
        lost: Pairs that only the baseline has right.
        gained: Pairs that only the candidate has right.
        n: All pairs.
        margin: The drop that is just not allowed, 0..1, both exclusive.

    Returns:
        The p-value; 1.0 without a pair.
    """
    if n <= 0:
        return 1.0
    difference = -margin
    a, b = 2.0 * n, -gained - lost + (2.0 * n - gained + lost) * difference
    c = -lost * difference * (1 - difference)
    disagree = (float(np.sqrt(max(0.0, b * b - 4 * a * c))) - b) / (2 * a)
    variance = n * (2 * disagree + difference * (1 - difference))
    if variance <= 0:
        return 0.0 if gained - lost > n * difference else 1.0
    return float(special.ndtr(-(gained - lost - n * difference) / np.sqrt(variance)))


def minimum_detectable(n: float, discordant: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest true difference that McNemar's test finds with the given power (Connor 1987, solved for it).

    Args:
        n: Pairs; of pairs in clusters as many as there would be independent ones.
        discordant: Share of pairs in which the two differ, 0..1.
        alpha: Two-sided level of the test.
        power: Probability of finding the difference.

    Returns:
        The difference as a fraction; 1.0 where no difference could be found.
    """
    if n <= 0 or discordant <= 0:
        return 1.0
    a, b = float(special.ndtri(1 - alpha / 2)), float(special.ndtri(power))
    inner = a * a * n * discordant - (n + b * b) * (a * a - b * b) * discordant
    return min(1.0, (a * float(np.sqrt(n * discordant)) + float(np.sqrt(max(0.0, inner)))) / (n + b * b))


def benjamini_hochberg(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjust p-values for the false discovery rate (Benjamini & Hochberg 1995), in the order given.

    As `scipy.stats.false_discovery_control`, whose import would cost every comparison a third of a second.
    """
    names = list(p_values)
    values = np.array([p_values[name] for name in names], dtype=float)
    order = np.argsort(values)[::-1]
    ranks = np.arange(len(names), 0, -1)
    adjusted = np.empty(len(names))
    adjusted[order] = np.minimum.accumulate(values[order] * len(names) / ranks).clip(max=1.0)
    return dict(zip(names, adjusted.tolist(), strict=True))
