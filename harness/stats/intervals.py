"""Intervals of proportions and of weighted sums of them: standard library only, so that a score is quick to print."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from harness.types import Score


class Interval(NamedTuple):
    """A two-sided confidence interval."""

    low: float
    high: float


@cache
def z_value(confidence: float) -> float:
    """Half width, in standard errors, of a two-sided normal interval."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(passed: float, n: float, confidence: float = 0.95) -> Interval:
    """Score interval of one proportion (Wilson 1927).

    Args:
        passed: Successes; may be fractional where repeats are averaged.
        n: Trials; 0 gives (0, 1).
        confidence: Two-sided level.

    Returns:
        Limits as fractions.
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    z, p = z_value(confidence), passed / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def accuracy(score: Score, repeats: int = 1, confidence: float = 0.95) -> tuple[float, Interval] | None:
    """Accuracy of a category with its interval: repeats of an item count as one observation, the cautious choice.

    Args:
        score: The category's counts.
        repeats: Times each item was asked.
        confidence: Two-sided level.

    Returns:
        Passed share of the judged replies and its Wilson interval, as fractions; None where nothing was judged.
    """
    if not score.judged:
        return None
    return score.passed / score.judged, wilson(score.passed / repeats, score.judged / repeats, confidence)


def combine(terms: Iterable[tuple[float, float, Interval]]) -> tuple[float, Interval]:
    """Interval of a weighted sum of independent estimates, from the interval of each.

    Distances from estimate to limit add in quadrature (MOVER; Zou & Donner 2008). One proportion keeps its Wilson
    interval, a difference of two gives Newcombe's, and a category at 0 or 1 still carries its uncertainty.

    Args:
        terms: (weight, estimate, interval) of each part; a negative weight swaps its limits.

    Returns:
        The sum and its interval.
    """
    value = below = above = 0.0
    for weight, estimate, (low, high) in terms:
        value += weight * estimate
        down, up = weight * (estimate - low), weight * (high - estimate)
        below += (down if weight >= 0 else up) ** 2
        above += (up if weight >= 0 else down) ** 2
    return value, Interval(value - below**0.5, value + above**0.5)
