"""Compare runs item by item: what one gained and lost against the other, and whether that is more than chance.

The first run is the baseline A. Pairs are (item, repeat, category) that both sides judged; unscored items pair with
nothing and are counted. Repeats of one item form one cluster, or a pattern names larger ones (`stats`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from harness.analysis import outcomes
from harness.analysis.outcomes import Outcomes
from harness.analysis.pairing import Average, Common, average, clustered, pairs
from harness.errors import UsageProblem
from harness.stats import paired
from harness.stats.intervals import Interval
from harness.types import Key

ALL = "all"
AVERAGES = (
    *(f"v4/{name}" for name in ("overall", "non_live", "live", "multi_turn", "agentic")),
    *(f"funreason/{name}" for name in ("overall", "live_v3")),
    *(f"acebench/summary_{language}" for language in ("en", "zh")),
    *(f"apibank/{name}" for name in ("level3_calls", "exact")),
)
"""Aggregates that a comparison holds, where both runs have all their parts."""
FEW = 10
"""Items below which a bootstrap interval says too little of what it cannot see: of one item it has no width at all."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to test."""

    alpha: float = 0.05
    resamples: int = 10_000
    seed: int = 0
    cluster: str | None = None
    """Regular expression over the sample id; its first group, or the whole match, names the cluster."""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Pairing:
    """A against B in one category, one benchmark, or all."""

    scope: str
    kind: str
    """`category`, `benchmark` or `all`."""
    pairs: int
    accuracies: tuple[float, float]
    """Of A and B over the pairs; where judgements are graded, their mean grades."""
    both: int
    """Right on both sides, or equally good."""
    only_a: int
    """Right in A, wrong in B: lost. Where judgements are graded: worse in B."""
    only_b: int
    """Wrong in A, right in B: gained; or better in B."""
    unpaired: int
    """Items that only one side has, or that one could not score."""
    difference: float
    """Accuracy of B minus accuracy of A over the pairs."""
    bootstrap: Interval
    permutation: Interval
    p: float
    """McNemar's exact test; with clusters or grades the sign-flip test over them."""
    q: float
    """p adjusted over all categories (Benjamini-Hochberg); p itself for totals."""
    detectable: float
    """Smallest difference that would be found with power 0.8 at this number of pairs and this much disagreement; 1.0
    where nothing disagrees, so that nothing can be said."""
    clusters: int
    """What was drawn: items, whatever their repeats, or the clusters of a pattern."""

    @property
    def neither(self) -> int:
        """Wrong on both sides."""
        return self.pairs - self.both - self.only_a - self.only_b


@dataclass(frozen=True, slots=True)
class Comparison:
    """A against one B."""

    a: Outcomes
    b: Outcomes
    rows: tuple[Pairing, ...]
    """All, then each benchmark, then each category."""
    forced: tuple[str, ...] = ()
    """Why the two should not have been compared."""
    cautions: tuple[str, ...] = ()
    """What a reader must know: sides that are incomplete, settings that differ."""
    repeats: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    """Accuracy of each repeat of A and of B, where there is more than one."""
    averages: tuple[Average, ...] = ()
    """Aggregates of which both runs have all parts."""
    options: Options = field(default_factory=Options)

    def totals(self) -> Comparison:
        """Without the rows of single categories."""
        return replace(self, rows=tuple(row for row in self.rows if row.kind != "category"))

    def flips(self) -> Iterator[tuple[str, Key, bool]]:
        """Every item whose outcome or grade differs: (category, item, gained), lost ones first."""
        for gained in (False, True):
            for category, items in pairs(self.a, self.b).items():
                for key, (one, other) in items.items():
                    if one != other and (other > one) == gained:
                        yield category, key, gained


def compare(a: Outcomes, others: Sequence[Outcomes], options: Options | None = None) -> list[Comparison]:
    """Compare runs with a baseline.

    Args:
        a: The baseline.
        others: What is compared with it.
        options: How to test.

    Returns:
        One comparison for each of the others; q-values are adjusted over all of them together.

    Raises:
        UsageProblem: Data, checker or rules differ, or no item is common.
    """
    options = options or Options()
    a, *others = outcomes.labelled([a, *others])
    found = [_compare(a, b, options) for b in others]
    tests = {
        f"{index} {row.scope}": row.p
        for index, comparison in enumerate(found)
        for row in comparison.rows
        if row.kind == "category"
    }
    adjusted = paired.benjamini_hochberg(tests)
    return [_with_q(comparison, index, adjusted) for index, comparison in enumerate(found)]


def over_runs(comparisons: Sequence[Comparison]) -> list[float]:
    """p of each comparison's total, adjusted over all of them: of twenty equal runs one looks different."""
    adjusted = paired.benjamini_hochberg({str(i): found.rows[0].p for i, found in enumerate(comparisons)})
    return list(adjusted.values())


def _with_q(comparison: Comparison, index: int, adjusted: Mapping[str, float]) -> Comparison:
    rows = tuple(replace(row, q=adjusted.get(f"{index} {row.scope}", row.p)) for row in comparison.rows)
    return replace(comparison, rows=rows)


def _compare(a: Outcomes, b: Outcomes, options: Options) -> Comparison:
    refused = outcomes.disagreements(a, b)
    if refused and not options.force:
        raise UsageProblem(
            f"{a.label} and {b.label} cannot be compared:\n" + "\n".join(f"  {why}" for why in refused),
            "Score one again with the other's data and rules, or give --force to compare all the same.",
        )
    common = pairs(a, b)
    if not any(common.values()):
        raise UsageProblem(f"{a.label} and {b.label} have no judged item in common", "Compare runs of the same tasks.")
    unpaired = {name: _unpaired(a, b, name) for name in common}
    rows = [_row(ALL, "all", list(common), common, unpaired, options)]
    benchmarks = {name: [c for c in facts["categories"] if c in common] for name, facts in a.benchmarks.items()}
    if len(benchmarks) > 1:
        rows += [
            _row(name, "benchmark", parts, common, unpaired, options) for name, parts in benchmarks.items() if parts
        ]
    rows += [_row(name, "category", [name], common, unpaired, options) for name in common if common[name]]
    repeats = (_by_repeat(common, 0), _by_repeat(common, 1))
    found = (average(name, a, common, 1 - options.alpha, options.cluster) for name in AVERAGES)
    averages = tuple(one for one in found if one is not None)
    cautions = (*outcomes.cautions(a, b), *_too_few(rows))
    return Comparison(a, b, tuple(rows), tuple(refused), cautions, repeats, averages, options)


def _too_few(rows: Sequence[Pairing]) -> Iterator[str]:
    if few := [f"{row.scope} ({row.clusters})" for row in rows if row.clusters < FEW]:
        yield (
            f"fewer than {FEW} items in {', '.join(few)}: a bootstrap interval of so few is too narrow or has no width"
            " at all; go by p and the permutation interval"
        )


def _unpaired(a: Outcomes, b: Outcomes, category: str) -> int:
    one, other = a.results[category], b.results[category]
    return sum(one.get(key) is None or other.get(key) is None for key in one.keys() | other.keys())


def _row(
    scope: str,
    kind: str,
    categories: Sequence[str],
    common: Common,
    unpaired: Mapping[str, int],
    options: Options,
) -> Pairing:
    items = [(key, pair) for category in categories for key, pair in common[category].items()]
    sums, sizes = clustered(items, options.cluster)
    n = len(items)
    only_a, only_b = sum(one > other for _, (one, other) in items), sum(one < other for _, (one, other) in items)
    level, p = 1 - options.alpha, paired.permutation_test(sums)
    return Pairing(
        scope,
        kind,
        n,
        (fmean(one for _, (one, _) in items), fmean(other for _, (_, other) in items)),
        sum(one == other > 0 for _, (one, other) in items),
        only_a,
        only_b,
        sum(unpaired[category] for category in categories),
        float(sums.sum()) / n,
        paired.bootstrap(sums, sizes, level, options.resamples, options.seed),
        paired.permutation_interval(sums, sizes, level, options.resamples, options.seed),
        p,
        p,
        _detectable(items, sums, options.alpha),
        len(sums),
    )


def _detectable(items: Sequence[tuple[Key, tuple[float, float]]], sums: paired.Vector, alpha: float) -> float:
    """Smallest difference found with power 0.8; grades count as the pairs that would vary as much."""
    squares = sum((one - other) ** 2 for _, (one, other) in items)
    return paired.minimum_detectable(len(items) / _design_effect(sums, squares), squares / len(items), alpha)


def _design_effect(sums: paired.Vector, discordant: float) -> float:
    """By how much pairs in clusters tell less than independent ones (Kish 1965): 2 where each is there twice."""
    return max(1.0, float(sums @ sums) / discordant) if discordant else 1.0


def _by_repeat(common: Common, side: int) -> tuple[float, ...]:
    counts: dict[int, list[float]] = {}
    for items in common.values():
        for (_, repeat), pair in items.items():
            total = counts.setdefault(repeat, [0, 0])
            total[0] += pair[side]
            total[1] += 1
    return tuple(passed / n for passed, n in (counts[repeat] for repeat in sorted(counts)))


def as_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON values."""
    rows = [{name: getattr(row, name) for name in (*Pairing.__slots__, "neither")} for row in comparison.rows]
    return {
        "a": comparison.a.label,
        "b": comparison.b.label,
        "alpha": comparison.options.alpha,
        "forced": list(comparison.forced),
        "cautions": list(comparison.cautions),
        "incomplete": outcomes.incomplete(comparison.a, comparison.b),
        "repeats": [list(side) for side in comparison.repeats],
        "rows": rows,
        "averages": [{name: getattr(one, name) for name in Average.__slots__} for one in comparison.averages],
    }
