"""Release policies: what `harness gate` demands of a run, as YAML.

confidence: 0.95            # one-sided level of every statistical rule
on_inconclusive: fail       # or pass: how a gate exits that can show neither
allow_missing: false        # true: a category that was not run is inconclusive instead of failed
allow_incomplete: false     # true: an incomplete run may pass, and what is missing does not count against it
anchor: baseline-v1.json    # a second baseline for every max_drop, beside this file: small drops cannot add up
update: if-passed           # or if-not-worse: when --update-baseline replaces the baseline
minimum:                    # accuracy that must be shown
  simple_python: 0.70
  funreason/overall: 0.75   # a column of leaderboards/funreason.toml
pass_at:                    # the same for pass@k of a run with repeats
  humaneval: {k: 10, value: 0.90}
all_repeats:                # and for the share of items that pass in every repeat
  simple_python: 0.60
worst_repeat:               # and for the accuracy of the worst repeat
  simple_python: 0.68
max_drop:                   # against --baseline: the drop must be shown to be smaller (non-inferiority margin)
  "*": 0.05                 # every category that was planned or that the baseline has
  live_simple: {value: 0.02, confidence: 0.9}
forgetting:                 # the same against --base, the model before fine-tuning
  humaneval: 0.03
limits:
  coverage: 1.0             # least judged share of the data
  faults: 0.0               # largest share of samples
  truncated: 0.01
  latency_mean: 2.0         # seconds a reply
  latency_p95: 10.0
  tokens_per_sample: 900    # completion tokens
x-note: anything            # keys that start with x- are yours, for YAML anchors
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness.analysis.policy_file import number, read, shipped
from harness.errors import UsageProblem, unknown_name
from harness.stats.views import KINDS, load_view, view_names

Section = Literal[
    "minimum", "pass_at", "all_repeats", "worst_repeat", "max_drop", "anchor", "forgetting", "limits", "run"
]
SECTIONS: tuple[Section, ...] = (
    "minimum",
    "pass_at",
    "all_repeats",
    "worst_repeat",
    "max_drop",
    "forgetting",
    "limits",
)
"""What a policy can demand; `anchor` follows from `max_drop`, and `run` is what every gate asks of its runs."""
LEVELS: tuple[Section, ...] = ("minimum", "pass_at", "all_repeats", "worst_repeat")
"""Sections that demand a least value of the run itself."""
DROPS: tuple[Section, ...] = ("max_drop", "anchor", "forgetting")
"""Sections that bound a drop against another side."""
SETTINGS = ("confidence", "on_inconclusive", "allow_missing", "allow_incomplete", "anchor", "update")
LIMITS = ("coverage", "readable", "faults", "truncated", "latency_mean", "latency_p95", "tokens_per_sample")
AT_LEAST = ("coverage", "readable")
"""Limits that are the least of a good thing; the others are the most of a bad one."""
MOST = 0.999999
"""Confidence: nothing is ever certain, and no finite limit would be."""
EVERY = "*"
UPDATES = ("if-passed", "if-not-worse")
HELPER = "x-"


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand."""

    section: Section
    name: str
    """Category, `view/column`, `*`, or for limits one of `LIMITS`."""
    value: float
    confidence: float
    k: int | None = None
    """Replies that may be tried, for `pass_at`."""

    @property
    def title(self) -> str:
        """How it is called in reports."""
        return f"{self.section}{'' if self.k is None else f' {self.k}'} {self.name}"


@dataclass(frozen=True, slots=True)
class Policy:
    """All demands on a run."""

    rules: tuple[Rule, ...]
    on_inconclusive: Literal["fail", "pass"] = "fail"
    allow_missing: bool = False
    allow_incomplete: bool = False
    anchor: Path | None = None
    """Run or frozen file that every `max_drop` is measured against as well."""
    update: Literal["if-passed", "if-not-worse"] = "if-passed"


def load(
    path: Path | None,
    extra: Mapping[Section, Iterable[str]],
    overrides: Mapping[str, Any],
    override: bool = False,
) -> Policy:
    """Read a policy file and what the command line adds to it.

    Args:
        path: YAML or JSON, or the name of a shipped policy; None for a policy made of flags alone.
        extra: `NAME=VALUE` texts by section.
        overrides: Settings given as flags; they win over the file.
        override: Flags may loosen what the file demands.

    Returns:
        The policy.

    Raises:
        UsageProblem: The file cannot be read, a key or name is unknown (near ones are offered), a value is out of
            range, there is no rule at all, or a flag loosens the file.
    """
    path = shipped(path) if path else None
    document = read(path) if path else {}
    where = str(path or "command line")
    own = parse(document, where) if any(document.get(name) for name in SECTIONS) else None
    added = {section: dict(_pairs(section, texts)) for section, texts in extra.items()}
    merged: dict[str, Any] = {**document, **overrides}
    for section, pairs in added.items():
        merged[section] = {**(document.get(section) or {}), **pairs}
    policy = parse(merged, where)
    if path and policy.anchor:
        policy = replace(policy, anchor=path.parent / policy.anchor)
    if own and not override:
        _refuse_loosening(own, policy, document)
    return policy


def _pairs(section: str, texts: Iterable[str]) -> Iterable[tuple[str, float]]:
    flag = "--min" if section == "minimum" else f"--{section.replace('_', '-')}"
    seen: set[str] = set()
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise UsageProblem(f"{flag} {text!r} is not NAME=NUMBER", f"For example {flag} simple_python=0.70")
        if name in seen:
            raise UsageProblem(f"{flag} is given twice for {name!r}", "Give it once.")
        seen.add(name)
        yield name, number(value, 0, 1, f"{flag} {name}")


def _refuse_loosening(own: Policy, policy: Policy, document: Mapping[str, Any]) -> None:
    """Flags add demands to a file; what takes one away has to be said."""
    now = {(rule.section, rule.name, rule.k): rule for rule in policy.rules}
    for rule in own.rules:
        flagged = now[rule.section, rule.name, rule.k]
        sign = 1 if rule.section in LEVELS or rule.name in AT_LEAST else -1
        if (flagged.value - rule.value) * sign < 0:
            what = f"{rule.title} = {flagged.value:g} is looser than the policy's {rule.value:g}"
        elif flagged.confidence < rule.confidence:
            what = f"confidence {flagged.confidence:g} is lower than the policy's {rule.confidence:g} for {rule.title}"
        else:
            continue
        raise UsageProblem(what, "Flags only tighten a policy file; give --override if you mean it.")
    for name in ("allow_missing", "allow_incomplete"):
        if document.get(name) is False and getattr(policy, name):
            flag = f"--{name.replace('_', '-')}"
            raise UsageProblem(f"{flag} is looser than the policy's {name}: false", "Give --override if you mean it.")


def parse(document: Mapping[str, Any], where: str) -> Policy:
    """Check a policy document.

    Args:
        document: The map.
        where: File name for messages.

    Returns:
        The policy.

    Raises:
        UsageProblem: A key is unknown or a value out of range.
    """
    for key in document:
        if key not in (*SECTIONS, *SETTINGS) and not str(key).startswith(HELPER):
            raise _at(where, unknown_name("key", str(key), (*SECTIONS, *SETTINGS)))
    level = number(document.get("confidence", 0.95), 0.5, MOST, f"{where}: confidence")
    rules = [
        _rule(section, str(name), value, level, where)
        for section in SECTIONS
        if section in document
        for name, value in _section(document[section], section, where).items()
    ]
    if not rules:
        raise UsageProblem(f"{where}: the policy has no rule", f"Sections: {', '.join(SECTIONS)}.")
    anchor = document.get("anchor")
    if not isinstance(anchor, str | None) or anchor == "":
        raise UsageProblem(f"{where}: anchor is {anchor!r}", "It is the path of a run or a frozen baseline file.")
    if anchor and not any(rule.section == "max_drop" for rule in rules):
        raise UsageProblem(
            f"{where}: an anchor without a max_drop rule is compared with nothing", "Add a rule or take it away."
        )
    return Policy(
        tuple(rules),
        _choice(document, "on_inconclusive", ("fail", "pass"), where),
        _switch(document, "allow_missing", where),
        _switch(document, "allow_incomplete", where),
        Path(anchor) if anchor else None,
        _choice(document, "update", UPDATES, where),
    )


def _choice(document: Mapping[str, Any], name: str, choices: tuple[str, ...], where: str) -> Any:
    if (choice := document.get(name, choices[0])) not in choices:
        raise UsageProblem(f"{where}: {name} is {choice!r}", f"It is {' or '.join(choices)}.")
    return choice


def _switch(document: Mapping[str, Any], name: str, where: str) -> bool:
    if not isinstance(value := document.get(name, False), bool):
        raise UsageProblem(f"{where}: {name} is {value!r}", "It is true or false.")
    return value


def _at(where: str, error: UsageProblem) -> UsageProblem:
    message, _, remedy = str(error).partition("\n")
    return UsageProblem(f"{where}: {message}", remedy)


def _section(content: Any, section: str, where: str) -> Mapping[str, Any]:
    if content is None:
        raise UsageProblem(f"{where}: {section} is empty", "Indent its rules, or take it away.")
    if not isinstance(content, dict):
        raise UsageProblem(f"{where}: {section} is {content!r}", "It is a map of name: value.")
    return content


def _rule(section: Section, name: str, content: Any, level: float, where: str) -> Rule:
    at = f"{where}: {section}: {name}"
    if section == "limits" and name not in LIMITS:
        raise _at(f"{where}: limits", unknown_name("limit", name, LIMITS))
    known = ("value", "confidence", *(("k",) if section == "pass_at" else ()))
    k = None
    if isinstance(content, dict):
        for key in content:
            if key not in known:
                raise _at(at, unknown_name("key", str(key), known))
        level = number(content.get("confidence", level), 0.5, MOST, f"{at}: confidence")
        k = content.get("k")
        content = content.get("value")
    if section == "pass_at" and (type(k) is not int or k < 1):
        raise UsageProblem(f"{at}: k is {k!r}", "Write for example {k: 10, value: 0.90}.")
    most = 1.0 if section != "limits" or name in ("coverage", "faults", "truncated") else float("inf")
    return Rule(section, name, number(content, 0, most, at), level, k)


def known_names() -> set[str]:
    """Every name a score rule can have: leaves of the shipped views, and `view/column` for their averages."""
    names = {EVERY}
    for view in map(load_view, view_names()):
        names |= {f"{view.name}/{node}" for node, entry in view.nodes.items() if entry.kind in KINDS[:3]}
        names |= {leaf for column in view.columns for leaf in view.leaves(column)}
    return names
