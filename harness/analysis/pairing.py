"""Pair the items of two runs, join pairs that belong together, and compare averages of a view over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.outcomes import Outcomes
from harness.errors import UsageProblem
from harness.stats import paired
from harness.stats.averages import coefficients
from harness.stats.intervals import Interval, combine
from harness.stats.views import BARE, View, load_view
from harness.types import Key

Common = Mapping[str, Mapping[Key, tuple[float, float]]]
"""Category -> item -> (value in A, value in B): passes, grades, or shares of repeats where `items.pairs` made it."""


def pairs(a: Outcomes, b: Outcomes) -> dict[str, dict[Key, tuple[float, float]]]:
    """Values of the items that both sides judged, by category in A's order."""
    found: dict[str, dict[Key, tuple[float, float]]] = {}
    for category in a.results:
        if category in b.results:
            others = b.values(category)
            found[category] = {
                key: (one, other)
                for key, one in a.values(category).items()
                if one is not None and (other := others.get(key)) is not None
            }
    return found


def clustered(
    items: Sequence[tuple[Key, tuple[float, float]]], pattern: str | None
) -> tuple[paired.Vector, paired.Vector]:
    """Summed differences and sizes of clusters: repeats of an item, or what a pattern names.

    Args:
        items: Pairs by (id, repeat).
        pattern: Regular expression over the id; where it does not match, the id itself is the cluster.

    Returns:
        Sums and sizes as `stats` takes them.

    Raises:
        UsageProblem: The pattern is not a regular expression.
    """
    differences = [float(other) - float(one) for _, (one, other) in items]
    if pattern is None:
        return paired.cluster_sums(differences, [name for (name, _), _ in items])
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageProblem(
            f"--cluster {pattern!r}: {error}", r"Give a regular expression, for example ^\w+_\d+."
        ) from None
    keys = []
    for (name, _), _pair in items:
        match = expression.search(name)
        keys.append(name if match is None else (match[1] if match.groups() else match[0]))
    return paired.cluster_sums(differences, keys)


@dataclass(frozen=True, slots=True)
class Average:
    """One category or average of two runs, over the items that both judged."""

    name: str
    """A category, or `view/column`."""
    a: float
    b: float
    difference: float
    """B minus A."""
    interval: Interval
    """Of the difference: paired limits of each category (`stats.paired_interval`), combined."""
    pairs: int
    discordant: int
    """Pairs that differ."""


def resolve(name: str, run: Outcomes) -> tuple[View, str]:
    """View and column of a name; a plain category is a leaf of the bare view."""
    if name in run.results or "/" not in name:
        return BARE, name
    view, column = name.split("/", 1)
    return load_view(view), column


def parts(name: str, run: Outcomes) -> dict[str, float]:
    """Leaf categories of a name with their weights, by the sizes of a run."""
    return coefficients(*resolve(name, run), run.scores, run.repeats)


def average(name: str, run: Outcomes, common: Common, confidence: float, cluster: str | None = None) -> Average | None:
    """Compare one average.

    Args:
        name: A category, or `view/column`.
        run: Whose sizes weigh the parts.
        common: Pairs by category.
        confidence: Two-sided level.
        cluster: As in `pairing.clustered`.

    Returns:
        The average; None where a part has no pair.
    """
    weights = parts(name, run)
    if not all(common.get(leaf) for leaf in weights):
        return None
    terms, a, b, n, discordant = [], 0.0, 0.0, 0, 0
    for leaf, weight in weights.items():
        items = list(common[leaf].items())
        sums, sizes = clustered(items, cluster)
        terms.append((weight, float(sums.sum() / sizes.sum()), paired.paired_interval(sums, sizes, confidence)))
        a += weight * sum(one for _, (one, _) in items) / len(items)
        b += weight * sum(other for _, (_, other) in items) / len(items)
        n += len(items)
        discordant += sum(one != other for _, (one, other) in items)
    difference, interval = combine(terms)
    return Average(name, a, b, difference, interval, n, discordant)
