"""What becomes of one rule: the statistic it is about, its limits, and the verdict with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.analysis import items
from harness.analysis.outcomes import Outcomes
from harness.analysis.pairing import Average, Common, average, resolve
from harness.analysis.policy import Rule
from harness.stats import paired
from harness.stats.averages import Cell, evaluate
from harness.stats.intervals import Interval
from harness.stats.pass_at_k import pass_at_k
from harness.text import percent, telling
from harness.types import Score

Decision = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one rule."""

    rule: Rule
    outcome: Decision
    reason: str
    value: float | None = None
    """Accuracy, difference, or what a limit is about; None where the rule was not held against anything."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    p: float | None = None
    """Of a drop in one category: how likely items that differ so are if the drop is as large as is just not allowed."""


def decide(interval: Interval, threshold: float) -> Decision:
    """pass where the whole interval reaches the threshold, fail where none of it does."""
    if interval.low >= threshold:
        return "pass"
    return "fail" if interval.high < threshold else "inconclusive"


def level(rule: Rule, run: Outcomes, complete: bool) -> Finding:
    """Decide a rule that demands a least value of the run itself.

    Args:
        rule: Of a section in `policy.LEVELS`.
        run: The candidate; each leaf of the rule has a judged item.
        complete: What is missing counts against it.

    Returns:
        The finding.
    """
    if rule.section == "worst_repeat":
        return _worst(rule, run, complete)
    if why := _too_few(rule, run):
        return Finding(rule, "inconclusive", why)
    of: Mapping[str, tuple[str, items.Value | None]] = {
        "minimum": ("accuracy", None),
        "all_repeats": ("share right in every repeat", lambda passed, tries: float(passed == tries)),
        "pass_at": (f"pass@{rule.k}", lambda passed, tries: pass_at_k(tries, int(passed), min(rule.k or 1, tries))),
    }
    what, value = of[rule.section]
    return _level(rule, run, what, complete, value)


def _too_few(rule: Rule, run: Outcomes) -> str:
    needed = {"pass_at": rule.k or 1, "all_repeats": 2}.get(rule.section, 1)
    leaves = items_of(rule.name, run)
    most = min(items.repeats(run, leaf) for leaf in leaves)
    return "" if most >= needed else f"each item was asked {most} times, this needs {needed}; give --repeats {needed}"


def items_of(name: str, run: Outcomes) -> list[str]:
    """Leaf categories under a name."""
    view, column = resolve(name, run)
    return list(view.leaves(column))


def _level(rule: Rule, run: Outcomes, what: str, complete: bool, of: items.Value | None = None) -> Finding:
    def cell(scores: Mapping[str, Score]) -> Cell:
        view, column = resolve(rule.name, run)
        return evaluate(view, scores, confidence=2 * rule.confidence - 1, columns=[column])[column]

    leaves = items_of(rule.name, run)
    judged = items.scores(run, leaves, "judged", of)
    assumed = [items.scores(run, leaves, assume, of) if complete else judged for assume in items.ASSUMED]
    found, worst, best = map(cell, assumed)
    assert found.value is not None
    assert worst.low is not None
    assert best.high is not None
    limits = Interval(worst.low, best.high)
    reason = (
        f"{what} {percent(found.value)} (at least {telling(limits.low, rule.value)}, at most"
        f" {telling(limits.high, rule.value)} with confidence {rule.confidence:g}, n={found.n}), demanded"
        f" {telling(rule.value, limits.low, limits.high)}"
    )
    outcome = decide(limits, rule.value)
    if lacking := worst.n - found.n:
        reason += f"; {lacking} of {worst.n} items are missing and count against it"
    perfect = cell({name: replace(score, passed=score.judged) for name, score in judged.items()}).low or 0.0
    if outcome == "inconclusive" and perfect < rule.value:
        reason += f"; {found.n} items are too few: all right would show {telling(perfect, rule.value)}"
    return Finding(rule, outcome, reason, found.value, *limits, found.n)


def _worst(rule: Rule, run: Outcomes, complete: bool) -> Finding:
    """The worst repeat reaches a value if each repeat does: no correction is needed for looking at all of them."""
    leaves = items_of(rule.name, run)
    count = min(items.repeats(run, leaf) for leaf in leaves)
    if count < 2:
        return Finding(rule, "inconclusive", "each item was asked once, this needs 2; give --repeats 2")
    parts = [items.repeat_of(run, repeat) for repeat in range(count)]
    empty = [number for number, part in enumerate(parts) if not all(_judged(part, leaf) for leaf in leaves)]
    if empty:
        return Finding(rule, "inconclusive", f"repeat {empty[0]} has no judged item")
    found = [_level(rule, part, f"repeat {number}: accuracy", complete) for number, part in enumerate(parts)]
    worst = min(found, key=lambda finding: (finding.value or 0.0, finding.low or 0.0))
    low, high = (min(getattr(finding, name) for finding in found) for name in ("low", "high"))
    return replace(worst, outcome=decide(Interval(low, high), rule.value), low=low, high=high)


def _judged(run: Outcomes, leaf: str) -> bool:
    return any(passed is not None for passed in run.results.get(leaf, {}).values())


def drop(rule: Rule, run: Outcomes, against: Outcomes, complete: bool) -> Finding:
    """Decide a rule that bounds a drop.

    Args:
        rule: Of a section in `policy.DROPS`.
        run: The candidate.
        against: The other side; each leaf of the rule has a pair.
        complete: What the candidate lacks of it counts against it.

    Returns:
        The finding.
    """
    confidence, leaves = 2 * rule.confidence - 1, items_of(rule.name, run)

    def compare(assume: items.Assume) -> Average:
        found = average(rule.name, run, items.pairs(against, run, assume, leaves), confidence)
        assert found is not None
        return found

    found = compare("judged")
    worst, best = (compare("failed"), compare("passed")) if complete else (found, found)
    limits = Interval(worst.interval.low, best.interval.high)
    outcome = decide(limits, -rule.value)
    low, high = (telling(limit, -rule.value) for limit in limits)
    reason = (
        f"changed by {percent(found.difference)} points (between {low} and {high} with confidence {rule.confidence:g}"
        f" on each side, {found.pairs} pairs), allowed {telling(-rule.value, *limits)}"
    )
    if lacking := worst.pairs - found.pairs:
        reason += f"; {lacking} of the {worst.pairs} items judged there are missing here and count against it"
    if len(asked := {items.repeats(side, leaf) for side in (run, against) for leaf in leaves}) > 1:
        reason += f"; asked {' and '.join(map(str, sorted(asked)))} times: means of each item are compared"
    if outcome == "inconclusive":
        reason += _hint(rule, found, unchanged(rule.name, run, items.pairs(against, run, "judged", leaves), confidence))
    return Finding(rule, outcome, reason, found.difference, *limits, found.pairs, _p(rule, run, against, complete))


def unchanged(name: str, run: Outcomes, common: Common, confidence: float) -> float:
    """What a model that loses and gains nothing shows: the lower limit of its difference."""
    same = {category: dict.fromkeys(found, (0.0, 0.0)) for category, found in common.items()}
    found = average(name, run, same, confidence)
    assert found is not None
    return found.interval.low


def _hint(rule: Rule, found: Average, least: float) -> str:
    """What so many pairs could show at best."""
    if least < -rule.value:
        return f"; {found.pairs} pairs are too few: with none lost or gained the limit is {telling(least, -rule.value)}"
    seen = paired.minimum_detectable(found.pairs, found.discordant / found.pairs, 2 * (1 - rule.confidence))
    return f"; {found.pairs} such pairs find a drop of {percent(seen)} points" if seen < 1 else "; too few pairs"


def _p(rule: Rule, run: Outcomes, against: Outcomes, complete: bool) -> float | None:
    """Of the score test for one category; None for averages and for items asked more than once."""
    if items_of(rule.name, run) != [rule.name] or not 0 < rule.value < 1:
        return None
    found = items.pairs(against, run, "failed" if complete else "judged", [rule.name])[rule.name].values()
    if any(value not in (0.0, 1.0) for pair in found for value in pair):
        return None
    lost, gained = (sum(one - other == sign for one, other in found) for sign in (1, -1))
    return paired.noninferiority(lost, gained, len(found), rule.value)


def limit(rule: Rule, run: Outcomes) -> Finding:
    """Decide a limit on coverage, readable calls, faults, truncation, latency or tokens."""
    if rule.name == "coverage":
        return _coverage(rule, run)
    if rule.name == "readable":
        return _readable(rule, run)
    value, unit = MEASURED[rule.name](run)
    if value is None:
        return Finding(rule, "inconclusive", "not recorded in this run")
    shown, allowed = _figures(value, rule.value)
    return Finding(rule, "pass" if value <= rule.value else "fail", f"{shown} {unit}, allowed {allowed}", value)


def _figures(value: float, other: float) -> tuple[str, str]:
    """Two numbers in as many significant digits as tell them apart, four at least."""
    for digits in range(4, 17):
        shown = f"{value:.{digits}g}", f"{other:.{digits}g}"
        if value == other or shown[0] != shown[1]:
            break
    return shown


def _coverage(rule: Rule, run: Outcomes) -> Finding:
    """Judged share of the data set, or of what was planned where that is more; what rules leave out is not a part."""
    counts = {name: (score.judged, score.n - run.excluded.get(name, 0)) for name, score in run.scores.items()}
    held = sum(map(len, run.results.values())) - sum(run.excluded.values())
    judged = sum(found for found, _ in counts.values())
    total = max(sum(n for _, n in counts.values()), held + run.unplayed)
    value = judged / total if total else 0.0
    short = [f"{name} {found}/{n or '?'}" for name, (found, n) in counts.items() if found < n or not n]
    reason = f"{telling(value, rule.value)} % judged, demanded {telling(rule.value, value)} %"
    reason += f": {', '.join(short)}" if short else ""
    return Finding(rule, "pass" if total and value >= rule.value else "fail", reason, value)


def _readable(rule: Rule, run: Outcomes) -> Finding:
    """The least share, over the categories, of the replies that should be calls in which a call can be read."""
    if not run.readable:
        return Finding(rule, "inconclusive", "not recorded in this run")
    name, value = min(run.readable.items(), key=lambda item: item[1])
    passed = value >= rule.value
    reason = f"a call can be read in {telling(value, rule.value)} % of the replies of {name} that should be calls"
    reason += f", demanded {telling(rule.value, value)} %"
    hint = "" if passed else "; `harness run --check` shows how its replies are read"
    return Finding(rule, "pass" if passed else "fail", reason + hint, value)


def _usage(name: str, unit: str, known: Callable[[Outcomes], bool]) -> Callable[[Outcomes], tuple[float | None, str]]:
    return lambda run: (getattr(run.usage, name) if known(run) else None, unit)


def _tells_tokens(run: Outcomes) -> bool:
    """Runs of other tools may tell no tokens, and then not either whether a reply was cut."""
    return run.usage.completion_tokens > 0


MEASURED: Mapping[str, Callable[[Outcomes], tuple[float | None, str]]] = {
    "faults": _usage("fault_share", "of the samples", lambda run: run.usage.samples > 0),
    "truncated": _usage("truncated_share", "of the samples", _tells_tokens),
    "latency_mean": _usage("latency_mean", "s a reply on average", lambda run: True),
    "latency_p95": _usage("latency_p95", "s within which 95 % of the replies came", lambda run: True),
    "tokens_per_sample": _usage("tokens_per_sample", "completion tokens a sample", _tells_tokens),
}
"""Limit -> its figure and unit; None where the run does not tell."""
