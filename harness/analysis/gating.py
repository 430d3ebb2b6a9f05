"""Release gates: a policy applied to a run, with three verdicts for each rule.

A score rule passes where the data show that it holds, fails where they show that it does not, and is inconclusive in
between, at the policy's one-sided confidence: a least value by Wilson limits, a drop by limits of the paired difference
(`stats.paired_interval`, one observation an item), averages by combining those of their leaves. The gate fails if one
rule fails, and passes only if all do: adding a rule can only tighten it.

What was not looked at never passes. `*` means what was planned and what the other side has; what is missing counts
against the candidate; and a run that lacks items, shards or lines makes a gate inconclusive at best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.analysis import deciding, items, outcomes
from harness.analysis.deciding import Decision, Finding, decide
from harness.analysis.outcomes import Outcomes
from harness.analysis.pairing import parts
from harness.analysis.policy import DROPS, EVERY, LEVELS, Policy, Rule, known_names
from harness.errors import UsageProblem, unknown_name

__all__ = ["Finding", "Gate", "as_json", "decide", "gate"]

ITSELF = "the run is compared with itself: whatever it does, it cannot be worse"
FROZEN = "the baseline was frozen from this very run"
UNSEEN = "the baseline is not there yet: --first accepts that, and with --update-baseline freezes this run as the first"


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
    cautions: tuple[str, ...] = ()
    """What a reader must know, one sentence each."""
    first: bool = False
    """There was no baseline yet, and drops were accepted unseen."""

    @property
    def verdict(self) -> Decision:
        """fail before inconclusive before pass."""
        found = {finding.outcome for finding in self.findings}
        return "fail" if "fail" in found else "inconclusive" if "inconclusive" in found else "pass"

    @property
    def lets_inconclusive_pass(self) -> bool:
        """Whether what can be shown neither way is let through: by the policy, and if anything was looked at."""
        looked = self.first or any(finding.value is not None for finding in self.findings)
        return looked and self.policy.on_inconclusive == "pass"

    @property
    def passed(self) -> bool:
        """Whether the release may go on."""
        return self.verdict == "pass" or (self.verdict == "inconclusive" and self.lets_inconclusive_pass)


def gate(
    run: Outcomes,
    policy: Policy,
    baseline: Outcomes | None = None,
    base: Outcomes | None = None,
    force: bool = False,
    anchor: Outcomes | None = None,
    first: bool | None = None,
) -> Gate:
    """Apply a policy to a run.

    Args:
        run: The candidate.
        policy: The demands.
        baseline: What `max_drop` is measured against.
        base: The model before fine-tuning, for `forgetting`; the baseline where it is None.
        force: Go on where data, checker or rules differ; the result is marked.
        anchor: What `max_drop` is measured against as well, where the policy has one.
        first: Given where a baseline was named that is not there yet: whether drops against it are accepted unseen.

    Returns:
        The findings, one a rule and category.

    Raises:
        UsageProblem: A rule needs a side that is not given or names nothing, the sides cannot be compared, or there is
            nothing to hold the policy against.
    """
    sides = {"max_drop": baseline, "anchor": anchor, "forgetting": base or baseline}
    others = [side for side in (baseline, base, anchor) if side is not None]
    forced = _refusals(run, others)
    if forced and not force:
        raise UsageProblem(
            "the run cannot be checked against its policy:\n" + "\n".join(f"  {why}" for why in forced),
            "Give one run, freeze a new baseline, score the run again with its data and rules, or give --force.",
        )
    findings = [finding for rule in _rules(policy) for finding in _apply(rule, run, sides, policy, first)]
    if not findings:
        raise UsageProblem(
            f"the policy says nothing of this run: {run.label} has no category, planned or judged",
            "Give the folder of a run that was made for the categories of the policy.",
        )
    if first is False:
        findings.append(Finding(Rule("run", "baseline", 1.0, 1.0), "inconclusive", UNSEEN))
    same = [side for side in others if _ids(side) & _ids(run)]
    itself = any(side.folders for side in same)
    if itself:
        findings.append(Finding(Rule("run", "baseline", 1.0, 1.0), "inconclusive", ITSELF))
    if not policy.allow_incomplete:
        findings += _whole(run, others, policy)
    left = outcomes.incomplete(run, *others)
    told = {finding.reason for finding in findings}
    known = dict.fromkeys(why for side in (run, *others) for why in outcomes.lacks(side))
    cautions = [*(why for why in known if why not in told), *([FROZEN] if same and not itself else [])]
    label, *named = (side.label for side in outcomes.labelled([run, *([baseline] if baseline else [])]))
    against = named[0] if named else None
    return Gate(tuple(findings), policy, label, against, tuple(forced), left, tuple(cautions), bool(first))


def _refusals(run: Outcomes, others: list[Outcomes]) -> list[str]:
    found = [why for side in others for why in outcomes.disagreements(side, run)]
    return list(dict.fromkeys([*run.conflicts, *found]))


def _ids(side: Outcomes) -> set[Any]:
    return {run.get("run_id") for run in side.runs}


def _rules(policy: Policy) -> Iterator[Rule]:
    """The policy's rules; each `max_drop` holds for the anchor, too."""
    for rule in policy.rules:
        yield rule
        if policy.anchor and rule.section == "max_drop":
            yield replace(rule, section="anchor")


def _apply(
    rule: Rule, run: Outcomes, sides: Mapping[str, Outcomes | None], policy: Policy, first: bool | None
) -> Iterator[Finding]:
    if rule.section == "limits":
        yield deciding.limit(rule, run)
        return
    against = sides.get(rule.section)
    unseen = first is not None and rule.section != "anchor"
    if rule.section in DROPS and against is None and not unseen:
        flags = {"max_drop": "--baseline", "anchor": "the policy's anchor", "forgetting": "--base or --baseline"}
        raise UsageProblem(f"rule {rule.title!r} needs {flags[rule.section]}", "Give a run or a frozen baseline file.")
    for name in _expanded(rule, run, sides):
        one = replace(rule, name=name)
        if finding := _lacking(one, run, against, policy):
            yield finding
        elif rule.section in LEVELS:
            yield deciding.level(one, run, not policy.allow_incomplete)
        elif against is None:
            yield Finding(one, "pass" if first else "inconclusive", "accepted unseen: --first" if first else UNSEEN)
        else:
            yield deciding.drop(one, run, against, not policy.allow_incomplete)


def _expanded(rule: Rule, run: Outcomes, sides: Mapping[str, Outcomes | None]) -> list[str]:
    """The categories of `*`: what was planned and what the other side has; otherwise the rule's own name."""
    against = sides.get(rule.section) if rule.section in DROPS else sides["max_drop"]
    here = dict.fromkeys([*(against.results if against else ()), *run.results])
    if rule.name == EVERY:
        return list(here)
    if rule.name not in here and rule.name not in known_names():
        raise unknown_name(f"category in rule {rule.section!r}:", rule.name, {*here, *known_names()})
    return [rule.name]


def _lacking(rule: Rule, run: Outcomes, against: Outcomes | None, policy: Policy) -> Finding | None:
    """A finding where a part of a rule has nothing to be held against."""
    leaves = parts(rule.name, run)
    absent = [leaf for leaf in leaves if not run.scores.get(leaf) or not run.scores[leaf].judged]
    if absent:
        missing: Decision = "inconclusive" if policy.allow_missing else "fail"
        return Finding(rule, missing, f"not judged: {', '.join(absent)}")
    if against is None:
        return None
    common = items.pairs(against, run, categories=leaves)
    if apart := [leaf for leaf in leaves if not common.get(leaf)]:
        judged = [leaf for leaf in apart if any(item.judged for item in items.tries(against, leaf).values())]
        if judged:
            why = f"the items of {', '.join(judged)} that {against.label} judged were not judged here"
            return Finding(rule, "inconclusive" if policy.allow_missing else "fail", why)
        why = f"{against.label} did not judge {', '.join(apart)}: freeze a baseline that has it"
        return Finding(rule, "inconclusive", why)
    return None


def _whole(run: Outcomes, others: list[Outcomes], policy: Policy) -> Iterator[Finding]:
    """What every gate asks of its runs: items, shards and lines are all there.

    Faulted items of the candidate are left to the policy's `faults` limit, where it has one.
    """
    tolerant = any(rule.section == "limits" and rule.name == "faults" for rule in policy.rules)
    for name, side in (("complete", run), *(("complete baseline", other) for other in others)):
        if side is run and tolerant and not side.unplayed and all(side.left.values()):
            side = replace(side, left={})
        for why in outcomes.lacks(side):
            yield Finding(Rule("run", name, 1.0, 1.0), "inconclusive", why)


def as_json(result: Gate) -> dict[str, Any]:
    """The gate as JSON values."""
    rules = [
        {
            "section": finding.rule.section,
            "name": finding.rule.name,
            "threshold": finding.rule.value,
            "confidence": finding.rule.confidence,
            **({} if finding.rule.k is None else {"k": finding.rule.k}),
            **{name: getattr(finding, name) for name in ("outcome", "reason", "value", "low", "high", "n", "p")},
        }
        for finding in result.findings
    ]
    notes = {"forced": list(result.forced), "incomplete": dict(result.incomplete), "cautions": list(result.cautions)}
    facts = {"verdict": result.verdict, "passed": result.passed, "run": result.run, "baseline": result.baseline}
    return {**facts, **notes, "rules": rules}
