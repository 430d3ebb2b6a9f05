"""What each item of a run came to over its repeats, and what is missing of it.

Repeats of an item are one observation: each item gives one value between 0 and 1, and a statistic over items has as
many observations as there are items, however often each was asked. What was planned and is not judged bounds a value
from both sides: a rule passes only if it would with all of it failed, and fails only if it would with all of it passed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.analysis.outcomes import Outcomes
from harness.types import Key, Score

Assume = Literal["judged", "failed", "passed"]
"""How what is missing counts: not at all, as failed or as passed."""
ASSUMED: tuple[Assume, ...] = ("judged", "failed", "passed")
Value = Callable[[float, int], float]
"""(repeats that passed, repeats) -> value of an item, 0..1."""


@dataclass(frozen=True, slots=True)
class Tries:
    """One item over its repeats."""

    passed: float
    """Repeats that passed; the sum of their grades where judgements are graded."""
    judged: int
    absent: int
    """Repeats that were planned and not judged."""

    def value(self, assume: Assume = "judged", of: Value = lambda passed, tries: passed / tries) -> float | None:
        """What the item came to; None where there is nothing to count."""
        absent = 0 if assume == "judged" else self.absent
        tries = self.judged + absent
        return of(self.passed + absent * (assume == "passed"), tries) if tries else None


def repeats(run: Outcomes, category: str) -> int:
    """Times each item of a category was to be asked."""
    seen = max((repeat for _, repeat in run.results.get(category, ())), default=0) + 1
    return max(seen, run.repeats_of.get(category, 1))


def tries(run: Outcomes, category: str, graded: bool = True) -> dict[str, Tries]:
    """Items of a category that a run holds something of.

    Args:
        run: The run.
        category: The category.
        graded: Whether grades count where there are some, or passes alone.

    Returns:
        Item -> what it came to.
    """
    sums: dict[str, float] = defaultdict(int)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (name, _), value in (run.values(category) if graded else run.results.get(category, {})).items():
        sums[name] += value or 0
        counts[name][0] += value is not None
        counts[name][1] += 1
    planned = repeats(run, category)
    # What its rules leave out is not absent; of which items that is, the counts do not say.
    spare = run.excluded.get(category, 0)
    found = {}
    for name, (judged, seen) in counts.items():
        left_out = min(spare, seen - judged)
        spare -= left_out
        found[name] = Tries(sums[name], judged, planned - judged - left_out)
    return found


def unseen(run: Outcomes, category: str) -> int:
    """Items of a category that were planned and of which a run holds nothing: at most so many."""
    planned, missing = repeats(run, category), run.missing.get(category, 0)
    seen: dict[str, int] = defaultdict(int)
    for name, _ in run.results.get(category, ()):
        seen[name] += 1
    known = sum(planned - count for count in seen.values())
    return max(0, -(-(missing - known) // planned))


def scores(run: Outcomes, categories: Iterable[str], assume: Assume, of: Value | None = None) -> dict[str, Score]:
    """Scores by category in which an item is one observation with its value.

    Args:
        run: The run.
        categories: Those to count; one that the run does not have is left out.
        assume: How what is missing counts.
        of: Value of an item; its share of passed repeats where it is None.

    Returns:
        Category -> score; `passed` is a sum of values and need not be whole, `n` is the same under every assumption.
    """
    found = {}
    for category in categories:
        if category not in run.results:
            continue
        items = tries(run, category, graded=of is None).values()
        values = [value for item in items if (value := item.value(assume, *([of] if of else []))) is not None]
        lacking = unseen(run, category)
        n = max(len(items) + lacking, -(-run.sizes.get(category, 0) // repeats(run, category)))
        extra = 0 if assume == "judged" else lacking
        total = sum(values) + extra * (assume == "passed")
        found[category] = Score(n, len(values) + extra, total, 0)
    return found


def pairs(
    a: Outcomes, b: Outcomes, assume: Assume = "judged", categories: Iterable[str] | None = None
) -> dict[str, dict[Key, tuple[float, float]]]:
    """Values of the items that A judged, of A and of B; an item that B lacks counts as assumed.

    Args:
        a: The baseline.
        b: The candidate.
        assume: How what is missing of B counts; `judged` leaves items out that B did not judge.
        categories: Those to pair; all of A where it is None.

    Returns:
        Category -> (item, 0) -> (value of A, value of B), for categories that both have.
    """
    found: dict[str, dict[Key, tuple[float, float]]] = {}
    for category in a.results if categories is None else categories:
        if category not in a.results or category not in b.results:
            continue
        others, planned = tries(b, category), repeats(b, category)
        pairs: dict[Key, tuple[float, float]] = {}
        for name, item in tries(a, category).items():
            one, other = item.value(), others.get(name, Tries(0, 0, planned)).value(assume)
            if one is not None and other is not None:
                pairs[name, 0] = one, other
        found[category] = pairs
    return found


def repeat_of(run: Outcomes, repeat: int) -> Outcomes:
    """One repeat of a run alone, by passes; what is missing of the whole run may be missing of it."""
    results: Mapping[str, Mapping[Key, bool | None]] = {
        category: {(name, 0): passed for (name, number), passed in items.items() if number == repeat}
        for category, items in run.results.items()
    }
    sizes = {category: -(-size // repeats(run, category)) for category, size in run.sizes.items()}
    items = {category: len({name for name, _ in found}) for category, found in run.results.items()}
    missing = {category: max(0, items[category] - len(results[category])) + unseen(run, category) for category in items}
    return replace(run, results=results, sizes=sizes, missing=missing, repeats_of={}, grades={})
