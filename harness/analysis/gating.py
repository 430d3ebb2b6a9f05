"""Release gates: a policy applied to a run, with three verdicts for each rule.

A score rule passes where the data show that it holds, fails where they show that it does not, and is inconclusive in
between, at the policy's one-sided confidence: `minimum` by Wilson limits of the accuracy, `max_drop` and `forgetting`
by limits of the paired difference (`stats.paired_interval`), averages by combining those of their leaves. The gate
fails if one rule fails, and passes only if all do: adding a rule can only tighten it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.analysis import outcomes
from harness.analysis.outcomes import Outcomes
from harness.analysis.pairing import average, pairs, parts, resolve
from harness.analysis.policy import EVERY, Policy, Rule, known_names
from harness.errors import UsageProblem, unknown_name
from harness.stats import paired
from harness.stats.averages import evaluate
from harness.stats.intervals import Interval
from harness.text import percent

Decision = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one rule."""

    rule: Rule
    outcome: Decision
    reason: str
    value: float | None = None
    """Accuracy, difference, or what a limit is about."""
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """What became of a policy; everything that is reported follows from this one verdict."""

    findings: tuple[Finding, ...]
    policy: Policy
    run: str
    baseline: str | None = None
    forced: tuple[str, ...] = ()
    incomplete: Mapping[str, int] = field(default_factory=dict)
    """Runs with items left, of all sides."""

    @property
    def verdict(self) -> Decision:
        """fail before inconclusive before pass."""
        found = {finding.outcome for finding in self.findings}
        return "fail" if "fail" in found else "inconclusive" if "inconclusive" in found else "pass"

    @property
    def passed(self) -> bool:
        """Whether the release may go on, by the policy for inconclusive gates."""
        return self.verdict == "pass" or (self.verdict == "inconclusive" and self.policy.on_inconclusive == "pass")


def gate(
    run: Outcomes, policy: Policy, baseline: Outcomes | None = None, base: Outcomes | None = None, force: bool = False
) -> Gate:
    """Apply a policy to a run.

    Args:
        run: The candidate.
        policy: The demands.
        baseline: What `max_drop` is measured against.
        base: The model before fine-tuning, for `forgetting`; the baseline where it is None.
        force: Go on where data, checker or rules differ; the result is marked.

    Returns:
        The findings, one a rule and category.

    Raises:
        UsageProblem: A rule needs a side that is not given or names nothing, or the sides cannot be compared.
    """
    sides = {"max_drop": baseline, "forgetting": base or baseline}
    forced = [why for side in (baseline, base) if side is not None for why in outcomes.disagreements(side, run)]
    if forced and not force:
        raise UsageProblem(
            "the run cannot be held against its baseline:\n" + "\n".join(f"  {why}" for why in forced),
            "Freeze a new baseline, score the run again with its data and rules, or give --force.",
        )
    findings = [finding for rule in policy.rules for finding in _apply(rule, run, sides, policy)]
    left = outcomes.incomplete(run, baseline, base)
    label, *others = (side.label for side in outcomes.labelled([run, *([baseline] if baseline else [])]))
    return Gate(tuple(findings), policy, label, others[0] if others else None, tuple(forced), left)


def _apply(rule: Rule, run: Outcomes, sides: Mapping[str, Outcomes | None], policy: Policy) -> Iterator[Finding]:
    if rule.section == "limits":
        yield _limit(rule, run)
        return
    side = sides.get(rule.section)
    if rule.section != "minimum" and side is None:
        flag = "--baseline" if rule.section == "max_drop" else "--base or --baseline"
        raise UsageProblem(f"rule {rule.title!r} needs {flag}", "Give a run or a frozen baseline file.")
    against = side if rule.section != "minimum" else None
    for name in _expanded(rule, run, against):
        one = Rule(rule.section, name, rule.value, rule.confidence)
        if lacking := _lacking(name, run, against):
            missing: Decision = "inconclusive" if policy.allow_missing else "fail"
            yield Finding(one, missing, f"not judged: {', '.join(lacking)}")
        elif against is None:
            yield _minimum(one, run)
        else:
            yield _drop(one, run, against)


def _expanded(rule: Rule, run: Outcomes, against: Outcomes | None) -> list[str]:
    """The categories of `*`; otherwise the rule's own name, if it means anything."""
    here = set(run.results) | set(against.results if against else ())
    if rule.name == EVERY:
        return list((against or run).results)
    if rule.name not in here and rule.name not in known_names():
        raise unknown_name(f"category in rule {rule.section!r}:", rule.name, here | known_names())
    return [rule.name]


def _lacking(name: str, run: Outcomes, against: Outcomes | None) -> list[str]:
    common = pairs(against, run) if against else {leaf: s.judged for leaf, s in run.scores.items()}
    return [leaf for leaf in parts(name, run) if not common.get(leaf)]


def _minimum(rule: Rule, run: Outcomes) -> Finding:
    view, column = resolve(rule.name, run)
    confidence = 2 * rule.confidence - 1
    cell = evaluate(view, run.scores, repeats=run.repeats, confidence=confidence, columns=[column])[column]
    assert cell.value is not None
    assert cell.interval is not None
    outcome = decide(cell.interval, rule.value)
    reason = (
        f"accuracy {percent(cell.value)} (at least {percent(cell.interval.low)}, at most {percent(cell.interval.high)}"
        f" with confidence {rule.confidence:g}, n={cell.n}), demanded {percent(rule.value)}"
    )
    return Finding(rule, outcome, reason, cell.value, *cell.interval, cell.n)


def _drop(rule: Rule, run: Outcomes, against: Outcomes) -> Finding:
    found = average(rule.name, run, pairs(against, run), 2 * rule.confidence - 1)
    assert found is not None
    outcome = decide(found.interval, -rule.value)
    low, high = map(percent, found.interval)
    reason = (
        f"changed by {percent(found.difference)} points (between {low} and {high} with confidence {rule.confidence:g}"
        f" on each side, {found.pairs} pairs), allowed -{percent(rule.value)}"
    )
    if outcome == "inconclusive":
        seen = paired.minimum_detectable(found.pairs, found.discordant / found.pairs, 2 * (1 - rule.confidence))
        reason += f"; {found.pairs} such pairs find a drop of {percent(seen)} points" if seen < 1 else "; too few pairs"
    return Finding(rule, outcome, reason, found.difference, *found.interval, found.pairs)


def decide(interval: Interval, threshold: float) -> Decision:
    """pass where the whole interval reaches the threshold, fail where none of it does."""
    if interval.low >= threshold:
        return "pass"
    return "fail" if interval.high < threshold else "inconclusive"


def _limit(rule: Rule, run: Outcomes) -> Finding:
    if rule.name == "coverage":
        return _coverage(rule, run)
    value, unit = _measured(rule.name, run)
    if value is None:
        return Finding(rule, "inconclusive", "not recorded in this run")
    held: Decision = "pass" if value <= rule.value else "fail"
    return Finding(rule, held, f"{value:.4g} {unit}, allowed {rule.value:.4g}", value)


def _coverage(rule: Rule, run: Outcomes) -> Finding:
    scores = run.scores
    judged, total = (sum(getattr(score, name) for score in scores.values()) for name in ("judged", "n"))
    value = judged / total if total else 0.0
    short = [f"{name} {score.judged}/{score.n}" for name, score in scores.items() if score.judged < score.n]
    reason = f"{percent(value)} % judged, demanded {percent(rule.value)} %" + (f": {', '.join(short)}" if short else "")
    return Finding(rule, "pass" if value >= rule.value else "fail", reason, value)


def _measured(name: str, run: Outcomes) -> tuple[float | None, str]:
    usage = run.usage
    figures: dict[str, tuple[float | None, str]] = {
        "faults": (usage.fault_share, "of the samples"),
        "truncated": (usage.truncated_share, "of the samples"),
        "latency_mean": (usage.latency_mean, "s a reply on average"),
        "latency_p95": (usage.latency_p95, "s within which 95 % of the replies came"),
        "tokens_per_sample": (usage.tokens_per_sample, "completion tokens a sample"),
    }
    return figures[name]


def as_json(result: Gate) -> dict[str, Any]:
    """The gate as JSON values."""
    rules = [
        {
            "section": finding.rule.section,
            "name": finding.rule.name,
            "threshold": finding.rule.value,
            "confidence": finding.rule.confidence,
            **{name: getattr(finding, name) for name in ("outcome", "reason", "value", "low", "high", "n")},
        }
        for finding in result.findings
    ]
    notes = {"forced": list(result.forced), "incomplete": dict(result.incomplete)}
    facts = {"verdict": result.verdict, "passed": result.passed, "run": result.run, "baseline": result.baseline}
    return {**facts, **notes, "rules": rules}
