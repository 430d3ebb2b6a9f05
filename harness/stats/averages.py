"""Evaluate a view (a tree of averages, `harness.stats.views`) over the scores of a run.

Every average is linear in its leaves, so a node is evaluated by collecting the coefficient of each leaf: value,
interval (Wilson at the leaves, combined by `intervals.combine`), n, coverage and what is missing follow from those. A
node with a missing leaf is N/A and names the leaf; `upstream_missing` gives the official evaluator's number instead, in
which a missing category is 0 with its full size. Repeats of an item count as one observation in intervals, the cautious
choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import stdev
from typing import Any

from harness.errors import UsageProblem
from harness.stats.intervals import Interval, accuracy, combine
from harness.stats.views import Node, View
from harness.types import Score


@dataclass(frozen=True, slots=True)
class Cell:
    """One evaluated node."""

    value: float | None
    """A fraction (a difference for `change` and `spread`); None is N/A."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Judgements under the value."""
    size: int = 0
    """Judgements that a complete run would have."""
    missing: tuple[str, ...] = ()
    """Leaves without a single judgement."""

    @property
    def coverage(self) -> float:
        """Judged share of the data, 0..1."""
        return self.n / self.size if self.size else 0.0

    @property
    def interval(self) -> Interval | None:
        """Limits, where there are any."""
        return None if self.low is None or self.high is None else Interval(self.low, self.high)


def evaluate(
    view: View,
    scores: Mapping[str, Score],
    *,
    base: Mapping[str, Score] | None = None,
    repeats: int = 1,
    upstream_missing: bool = False,
    confidence: float = 0.95,
    columns: Sequence[str] | None = None,
) -> dict[str, Cell]:
    """Evaluate columns of a view.

    Args:
        view: The formulas.
        scores: Leaf category -> score, as in `RunRecord.scores`.
        base: The same of the base model, for `change` nodes.
        repeats: Times each item was asked.
        upstream_missing: Count missing categories as 0 with their full size.
        confidence: Level of the intervals.
        columns: Nodes or leaves to evaluate; those of the view by default.

    Returns:
        Column -> cell.

    Raises:
        UsageProblem: `upstream_missing` needs a size that the view does not state.
    """
    tree = _Tree(view, scores, repeats, upstream_missing, confidence)
    other = _Tree(view, base or {}, repeats, upstream_missing, confidence)
    return {name: _cell(tree, other, name) for name in (view.columns if columns is None else columns)}


def coefficients(view: View, name: str, scores: Mapping[str, Score], repeats: int = 1) -> dict[str, float]:
    """Weight of each leaf category in a node or leaf of a view, given the sizes of a run."""
    return _Tree(view, scores, repeats, False, 0.95).coefficients(name)


def difference(new: Cell, old: Cell) -> Cell:
    """Difference to the base model, as if the two were independent: wider than the paired interval of `compare`."""
    missing = tuple(dict.fromkeys([*new.missing, *(f"{leaf} of the base" for leaf in old.missing)]))
    if new.value is None or old.value is None or new.interval is None or old.interval is None:
        return Cell(None, n=new.n, size=new.size, missing=missing)
    value, (low, high) = combine([(1.0, new.value, new.interval), (-1.0, old.value, old.interval)])
    return Cell(value, low, high, new.n, new.size, missing)


def _cell(tree: _Tree, base: _Tree, name: str) -> Cell:
    if not tree.view.is_kind(name, "change"):
        return tree.cell(name)
    (part,) = tree.view.nodes[name].parts
    return difference(tree.cell(part), base.cell(part))


@dataclass(frozen=True, slots=True)
class _Tree:
    """One run's scores under one view."""

    view: View
    scores: Mapping[str, Score]
    repeats: int
    upstream_missing: bool
    confidence: float
    _coefficients: dict[str, dict[str, float]] = field(default_factory=dict)
    _accuracies: dict[str, tuple[float, Interval] | None] = field(default_factory=dict)

    def size(self, leaf: str) -> int:
        """Judgements of the leaf in a complete run."""
        if leaf in self.scores:
            return self.scores[leaf].n
        return self.view.sizes.get(leaf, 0) * self.repeats

    def coefficients(self, name: str) -> dict[str, float]:
        """Weight of each leaf in a node."""
        if name not in self.view.nodes:
            return {name: 1.0}
        if name not in self._coefficients:
            found: dict[str, float] = {}
            for part, weight in self._weights(self.view.nodes[name]).items():
                for leaf, inner in self.coefficients(part).items():
                    found[leaf] = found.get(leaf, 0.0) + weight * inner
            self._coefficients[name] = found
        return self._coefficients[name]

    def _weights(self, node: Node) -> Mapping[str, float]:
        if node.kind == "weighted":
            return node.parts
        if node.kind == "mean":
            return dict.fromkeys(node.parts, 1 / len(node.parts))
        sizes = {part: sum(map(self.size, self.view.leaves(part))) for part in node.parts}
        if self.upstream_missing and not all(sizes.values()):
            lost = ", ".join(part for part, size in sizes.items() if not size)
            raise UsageProblem(f"view {self.view.name!r} states no size for {lost}", "Add it under [sizes].")
        total = sum(sizes.values()) or 1
        return {part: size / total for part, size in sizes.items()}

    def accuracy(self, leaf: str) -> tuple[float, Interval] | None:
        """Accuracy of a leaf that was run; columns share leaves."""
        if leaf not in self._accuracies:
            self._accuracies[leaf] = accuracy(self.scores[leaf], self.repeats, self.confidence)
        return self._accuracies[leaf]

    def cell(self, name: str) -> Cell:
        """Evaluate one node or leaf."""
        if self.view.is_kind(name, "spread") or self.view.is_kind(name, "deviation"):
            return self._sensitivity(self.view.nodes[name])
        weights = self.coefficients(name)
        judged = {leaf: self.scores[leaf] for leaf in weights if leaf in self.scores and self.scores[leaf].judged}
        missing = tuple(leaf for leaf in weights if leaf not in judged)
        n, size = sum(score.judged for score in judged.values()), sum(map(self.size, weights))
        if not judged or (missing and not self.upstream_missing):
            return Cell(None, n=n, size=size, missing=missing)
        measured = {leaf: self.accuracy(leaf) for leaf in judged}
        value, (low, high) = combine((weights[leaf], *found) for leaf, found in measured.items() if found)
        return Cell(value, max(0.0, low), min(1.0, high), n, size, missing)

    def _sensitivity(self, node: Node) -> Cell:
        (family,) = node.parts
        parts = {leaf: score for leaf, score in self.scores.items() if leaf.startswith(f"{family}:") and score.judged}
        n, size = sum(score.judged for score in parts.values()), self.size(family)
        if not parts:
            return Cell(None, n=n, size=size, missing=(family,))
        accuracies = [score.passed / score.judged for score in parts.values()]
        return Cell(max_delta(accuracies) if node.kind == "spread" else deviation(accuracies), n=n, size=size)


def max_delta(accuracies: Iterable[float]) -> float:
    """Distance of the best from the worst configuration (format sensitivity)."""
    values = list(accuracies)
    return max(values) - min(values)


def deviation(accuracies: Iterable[float]) -> float:
    """Sample standard deviation over configurations; 0 for a single one, as upstream."""
    values = list(accuracies)
    return stdev(values) if len(values) > 1 else 0.0


def cell_json(cell: Cell) -> dict[str, Any]:
    """A cell as JSON values; fractions, not percentages."""
    numbers = {name: _rounded(getattr(cell, name)) for name in ("value", "low", "high", "coverage")}
    return {**numbers, "n": cell.n, "size": cell.size, "missing": list(cell.missing)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 9)
