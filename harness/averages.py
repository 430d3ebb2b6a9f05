"""Averages of a view compared item by item: what the paired difference of each category makes of their average."""

from __future__ import annotations

from dataclasses import dataclass

from harness.outcomes import Key, Outcomes
from harness.pairing import Common, clustered
from harness.stats import paired
from harness.stats.averages import coefficients
from harness.stats.intervals import Interval, combine
from harness.stats.views import BARE, View, load_view


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
        items: list[tuple[Key, tuple[bool, bool]]] = list(common[leaf].items())
        sums, sizes = clustered(items, cluster)
        terms.append((weight, float(sums.sum() / sizes.sum()), paired.paired_interval(sums, sizes, confidence)))
        a += weight * sum(one for _, (one, _) in items) / len(items)
        b += weight * sum(other for _, (_, other) in items) / len(items)
        n += len(items)
        discordant += sum(one != other for _, (one, other) in items)
    difference, interval = combine(terms)
    return Average(name, a, b, difference, interval, n, discordant)
