"""Release policies: what `harness gate` demands of a run, as YAML.

confidence: 0.95            # one-sided level of every statistical rule
on_inconclusive: fail       # or pass: how a gate exits that can show neither
allow_missing: false        # true: a category that was not run is inconclusive instead of failed
minimum:                    # accuracy that must be shown
  simple_python: 0.70
  funreason/overall: 0.75   # a column of leaderboards/funreason.toml
max_drop:                   # against --baseline: the drop must be shown to be smaller (non-inferiority margin)
  "*": 0.05                 # every category of the baseline
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
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import UsageProblem, unknown_name
from harness.stats.views import KINDS, load_view, view_names

Section = Literal["minimum", "max_drop", "forgetting", "limits"]
SECTIONS: tuple[Section, ...] = ("minimum", "max_drop", "forgetting", "limits")
SETTINGS = ("confidence", "on_inconclusive", "allow_missing")
LIMITS = ("coverage", "faults", "truncated", "latency_mean", "latency_p95", "tokens_per_sample")
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand."""

    section: Section
    name: str
    """Category, `view/column`, `*`, or for limits one of `LIMITS`."""
    value: float
    confidence: float

    @property
    def title(self) -> str:
        """How it is called in reports."""
        return f"{self.section} {self.name}"


@dataclass(frozen=True, slots=True)
class Policy:
    """All demands on a run."""

    rules: tuple[Rule, ...]
    on_inconclusive: Literal["fail", "pass"] = "fail"
    allow_missing: bool = False


def load(path: Path | None, extra: Mapping[Section, Iterable[str]], overrides: Mapping[str, Any]) -> Policy:
    """Read a policy file and what the command line adds to it.

    Args:
        path: YAML or JSON; None for a policy made of flags alone.
        extra: `NAME=VALUE` texts by section.
        overrides: Settings given as flags; they win over the file.

    Returns:
        The policy.

    Raises:
        UsageProblem: The file cannot be read, a key or name is unknown (near ones are offered), a value is out of
            range, or there is no rule at all.
    """
    document = _read(path) if path else {}
    where = str(path or "command line")
    for section, texts in extra.items():
        document = {**document, section: {**(document.get(section) or {}), **dict(map(_pair, texts))}}
    return parse({**document, **overrides}, where)


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise UsageProblem(f"{path}: a policy is a map of sections", f"Sections: {', '.join(SECTIONS)}.")
    return document


def _pair(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise UsageProblem(f"{text!r} is not NAME=NUMBER", "For example --min simple_python=0.70") from None


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
        if key not in (*SECTIONS, *SETTINGS):
            raise _at(where, unknown_name("key", str(key), (*SECTIONS, *SETTINGS)))
    if (choice := document.get("on_inconclusive", "fail")) not in ("fail", "pass"):
        raise UsageProblem(f"{where}: on_inconclusive is {choice!r}", "It is fail or pass.")
    if not isinstance(missing := document.get("allow_missing", False), bool):
        raise UsageProblem(f"{where}: allow_missing is {missing!r}", "It is true or false.")
    level = _number(document.get("confidence", 0.95), 0.5, 1, f"{where}: confidence")
    rules = [
        _rule(section, str(name), value, level, where)
        for section in SECTIONS
        for name, value in _section(document.get(section), section, where).items()
    ]
    if not rules:
        raise UsageProblem(f"{where}: the policy has no rule", f"Sections: {', '.join(SECTIONS)}.")
    return Policy(tuple(rules), choice, missing)


def _at(where: str, error: UsageProblem) -> UsageProblem:
    message, _, remedy = str(error).partition("\n")
    return UsageProblem(f"{where}: {message}", remedy)


def _section(content: Any, section: str, where: str) -> Mapping[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageProblem(f"{where}: {section} is {content!r}", "It is a map of name: value.")
    return content


def _rule(section: Section, name: str, content: Any, level: float, where: str) -> Rule:
    at = f"{where}: {section}: {name}"
    if section == "limits" and name not in LIMITS:
        raise _at(f"{where}: limits", unknown_name("limit", name, LIMITS))
    if isinstance(content, dict):
        for key in content:
            if key not in ("value", "confidence"):
                raise _at(at, unknown_name("key", str(key), ("value", "confidence")))
        level = _number(content.get("confidence", level), 0.5, 1, f"{at}: confidence")
        content = content.get("value")
    most = 1.0 if section != "limits" or name in ("coverage", "faults", "truncated") else float("inf")
    return Rule(section, name, _number(content, 0, most, at), level)


def _number(value: Any, least: float, most: float, at: str) -> float:
    if isinstance(value, str):  # YAML takes 1e-3 for a text
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise UsageProblem(f"{at} is {value!r}", f"It is a number from {least:g} to {most:g}.")
    return float(value)


def known_names() -> set[str]:
    """Every name a score rule can have: leaves of the shipped views, and `view/column` for their averages."""
    names = {EVERY}
    for view in map(load_view, view_names()):
        names |= {f"{view.name}/{node}" for node, entry in view.nodes.items() if entry.kind in KINDS[:3]}
        names |= {leaf for column in view.columns for leaf in view.leaves(column)}
    return names
