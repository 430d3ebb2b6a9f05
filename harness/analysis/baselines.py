"""When a candidate may take the place of the baseline it was held against."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis import items
from harness.analysis.gating import Gate
from harness.analysis.outcomes import Outcomes
from harness.text import percent


def kept(run: Outcomes, baseline: Outcomes | None, result: Gate) -> str:
    """Why the baseline is kept; empty where the candidate replaces it.

    Args:
        run: The candidate.
        baseline: What it would replace; None for the first one.
        result: What the gate said of it.

    Returns:
        A few words for the user.
    """
    if result.verdict != "pass":
        return "the gate did not pass"
    if result.forced:
        return "the gate was forced"
    if baseline is None:
        return ""
    if lacking := list(_narrower(run, baseline)):
        return f"the run does not judge what it judges ({', '.join(lacking)})"
    if result.policy.update == "if-not-worse" and (change := _change(run, baseline, result)) < 0:
        return f"the run is worse by {percent(-change)} points, and the policy says update: if-not-worse"
    return ""


def _narrower(run: Outcomes, baseline: Outcomes) -> Iterator[str]:
    """Categories of which the baseline has more."""
    for category in baseline.results:
        before, now = items.tries(baseline, category), items.tries(run, category)
        judged = {name: item.judged for name, item in now.items()}
        lacking = sum(item.judged > judged.get(name, 0) for name, item in before.items())
        if lacking:
            yield f"{category}: {lacking} of {len(before)} items"


def _change(run: Outcomes, baseline: Outcomes, result: Gate) -> float:
    """The largest drop that a rule looked at; without such a rule that of all items together."""
    drops = [found.value for found in result.findings if found.rule.section == "max_drop" and found.value is not None]
    if drops:
        return min(drops)
    pairs = [pair for found in items.pairs(baseline, run).values() for pair in found.values()]
    return sum(other - one for one, other in pairs) / len(pairs) if pairs else 0.0
