"""What a policy can show at given sizes: how often models that are equal pass, and which drops are stopped.

Two models are described by how many items they disagree on. Equal ones lose as many of those as they gain; a drop of 5
points loses 5 of 100 items more than it gains, in every category. Pairs are drawn from that, and each draw is decided
as the gate decides (`stats.paired_interval`, combined over leaves); the draws come from a seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from harness.analysis import items
from harness.analysis.outcomes import Outcomes
from harness.analysis.pairing import resolve
from harness.analysis.policy import DROPS, EVERY, LEVELS, Policy, Rule
from harness.stats.averages import coefficients
from harness.stats.intervals import z_value
from harness.stats.paired import Vector, paired_limits
from harness.stats.views import load_view, view_names
from harness.types import Score

DISAGREEMENT = 0.1
"""Share of items on which two versions of a model differ, where no two runs tell."""
DROPS_SHOWN = (0.02, 0.05, 0.10)
FOUND = 0.8
"""Probability with which `Prospect.found` is stopped."""
DRAWS = 4000
STEPS = 12
"""Bisections: a drop is found to 1/4096."""

Sizes = Mapping[str, int]
"""Category -> items."""
Draws = Mapping[str, tuple[Vector, Vector]]
"""Category -> items gained and lost, one entry a draw."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one rule can show."""

    rule: Rule
    n: int
    """Items under it; 0 where the sizes do not tell."""
    least: float | None = None
    """Smallest margin that equal models pass as often as was asked; for a least value, the accuracy that does."""
    passing: float | None = None
    """How often equal models pass the rule as it stands; None for a least value."""
    found: float | None = None
    """Drop that is stopped with probability `FOUND`."""
    stopped: tuple[float, ...] = ()
    """How often drops of `DROPS_SHOWN` are stopped."""
    never: bool = False
    """Not even a candidate without a wrong, lost or gained item can pass it."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a policy can show."""

    prospects: tuple[Prospect, ...]
    probability: float
    disagreement: Mapping[str, float]
    """By category."""
    passing: float | None
    """How often equal models pass all drop rules at once."""
    stopped: tuple[float, ...]
    """How often drops of `DROPS_SHOWN` are stopped by one of them."""


def official_sizes() -> dict[str, int]:
    """Items of each category in the data sets of the shipped views."""
    return {name: size for view in map(load_view, view_names()) for name, size in view.sizes.items()}


def sizes_of(run: Outcomes) -> dict[str, int]:
    """Items of each category in a run."""
    return {category: len(items.tries(run, category)) for category in run.results}


def disagreement_of(run: Outcomes, baseline: Outcomes) -> dict[str, float]:
    """Share of items that two runs have differently; half an item is added, so that none is taken for never."""
    pairs = items.pairs(baseline, run)
    return {
        category: (sum(one != other for one, other in found.values()) + 0.5) / (len(found) + 1)
        for category, found in pairs.items()
        if found
    }


def draw(sizes: Sizes, disagreement: Mapping[str, float], drop: float, seed: int = 0, draws: int = DRAWS) -> Draws:
    """Pairs of two models, drawn many times.

    Args:
        sizes: Items of each category.
        disagreement: Share of items on which the two differ, by category; raised to the drop where it is less.
        drop: By how much the candidate is worse, as a fraction.
        seed: Of the generator.
        draws: How many.

    Returns:
        Items gained and lost.
    """
    generator = np.random.default_rng(seed)
    found = {}
    for category, n in sizes.items():
        differ = max(disagreement[category], drop)
        chances = [(differ - drop) / 2, (differ + drop) / 2, 1 - differ]
        counts = generator.multinomial(n, chances, size=draws)
        found[category] = counts[:, 0].astype(float), counts[:, 1].astype(float)
    return found


def lower_limits(weights: Mapping[str, float], sizes: Sizes, drawn: Draws, confidence: float) -> Vector:
    """Lower limit of a weighted difference in each draw, as the gate computes it (`intervals.combine`)."""
    value: Any = 0.0
    below: Any = 0.0
    for leaf, weight in weights.items():
        estimate, low = paired_limits(*drawn[leaf], sizes[leaf], confidence)
        value = value + weight * estimate
        below = below + (weight * (estimate - low)) ** 2
    limits: Vector = value - np.sqrt(below)
    return limits


def weights_of(rule: Rule, sizes: Sizes) -> dict[str, float]:
    """Leaves of a rule with their weights, at these sizes."""
    scores = {name: Score(n, n, 0, 0) for name, n in sizes.items()}
    blank = Outcomes("", {}, sizes, {name: {} for name in sizes})
    return coefficients(*resolve(rule.name, blank), scores)


def outlook(
    policy: Policy, sizes: Sizes, disagreement: Mapping[str, float], probability: float = 0.9, seed: int = 0
) -> Outlook:
    """Find out what a policy can show.

    Args:
        policy: The rules.
        sizes: Items of each category.
        disagreement: Share of items on which two versions of the model differ; `DISAGREEMENT` where it says nothing.
        probability: With which equal models are to pass.
        seed: Of the draws.

    Returns:
        A prospect for each rule and category, and for the drop rules together.
    """
    differ = {name: disagreement.get(name, DISAGREEMENT) for name in sizes}
    rules = [one for rule in policy.rules if rule.section != "limits" for one in _expanded(rule, sizes)]
    equal = draw(sizes, differ, 0.0, seed)
    worse = [draw(sizes, differ, drop, seed) for drop in DROPS_SHOWN]
    prospects = []
    for rule in rules:
        weights = weights_of(rule, sizes)
        if not all(sizes.get(leaf) for leaf in weights):
            prospects.append(Prospect(rule, 0))
        elif rule.section in LEVELS:
            prospects.append(_level(rule, weights, sizes, probability, seed))
        else:
            prospects.append(_drop(rule, weights, sizes, differ, (equal, *worse), probability))
    drops = [found.rule for found in prospects if found.n and found.rule.section in DROPS]
    together = [_passing(drops, sizes, drawn) for drawn in (equal, *worse)] if drops else []
    stopped = tuple(1 - rate for rate in together[1:])
    return Outlook(tuple(prospects), probability, differ, together[0] if together else None, stopped)


def _expanded(rule: Rule, sizes: Sizes) -> list[Rule]:
    return [replace(rule, name=name) for name in sizes] if rule.name == EVERY else [rule]


def _passing(rules: Sequence[Rule], sizes: Sizes, drawn: Draws) -> float:
    """How often all rules pass."""
    held = [
        lower_limits(weights_of(rule, sizes), sizes, drawn, 2 * rule.confidence - 1) >= -rule.value for rule in rules
    ]
    return float(np.mean(np.all(held, axis=0)))


def _drop(
    rule: Rule,
    weights: Mapping[str, float],
    sizes: Sizes,
    differ: Mapping[str, float],
    drawn: Sequence[Draws],
    probability: float,
) -> Prospect:
    leaves = {leaf: sizes[leaf] for leaf in weights}
    level = 2 * rule.confidence - 1
    limits = [lower_limits(weights, leaves, each, level) for each in drawn]
    none = {leaf: (np.zeros(1), np.zeros(1)) for leaf in leaves}
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        passing = np.mean(lower_limits(weights, leaves, draw(leaves, differ, middle), level) >= -rule.value)
        low, high = (middle, high) if passing > 1 - FOUND else (low, middle)
    return Prospect(
        rule,
        sum(leaves.values()),
        max(0.0, float(-np.quantile(limits[0], 1 - probability))),
        float(np.mean(limits[0] >= -rule.value)),
        high,
        tuple(float(np.mean(each < -rule.value)) for each in limits[1:]),
        bool(lower_limits(weights, leaves, none, level)[0] < -rule.value),
    )


def _level(rule: Rule, weights: Mapping[str, float], sizes: Sizes, probability: float, seed: int) -> Prospect:
    """The accuracy, the same in all leaves, that passes as often as was asked."""
    leaves = {leaf: sizes[leaf] for leaf in weights}
    z = z_value(2 * rule.confidence - 1)

    def passing(accuracy: float) -> float:
        generator = np.random.default_rng(seed)
        value: Any = 0.0
        below: Any = 0.0
        for leaf, n in leaves.items():
            share = generator.binomial(n, accuracy, size=DRAWS) / n
            centre = (share + z * z / (2 * n)) / (1 + z * z / n)
            half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
            value = value + weights[leaf] * share
            below = below + (weights[leaf] * (share - np.maximum(0.0, centre - half))) ** 2
        return float(np.mean(value - np.sqrt(below) >= rule.value))

    low, high = rule.value, 1.0
    if passing(high) < probability:
        return Prospect(rule, sum(leaves.values()), never=True)
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if passing(middle) >= probability else (middle, high)
    return Prospect(rule, sum(leaves.values()), high)


def as_json(outlook: Outlook) -> dict[str, Any]:
    """An outlook as JSON values."""
    return {**asdict(outlook), "drops": list(DROPS_SHOWN), "found_with": FOUND}
