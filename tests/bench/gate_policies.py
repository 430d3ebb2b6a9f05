"""Operating characteristics of the shipped release policies: how often equal models pass, and which drops are stopped.

python -m tests.bench.gate_policies    # rows of the table in docs/gate.md, and the x- keys of the policies
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis import margins
from harness.analysis.policy import load
from harness.analysis.policy_file import read, shipped, shipped_names

DISAGREEMENTS = (0.05, 0.10, 0.15)
USUAL = 0.10
NOT_SIMULATED = ("example",)


@dataclass(frozen=True)
class Row:
    """One policy at the sizes it is for."""

    name: str
    items: int
    passing: Mapping[float, float]
    """Share of items on which equal models differ -> how often they pass."""
    stopped: Mapping[float, float]
    """Drop -> how often it is stopped, where they differ on `USUAL` of the items."""


def policies() -> list[str]:
    return [name for name in shipped_names() if name not in NOT_SIMULATED]


def sizes(document: Mapping[str, Any]) -> dict[str, int]:
    most = document.get("x-items", 10_000)
    return {name: min(n, most) for name, n in margins.official_sizes().items()}


def row(name: str) -> Row:
    path = shipped(Path(name))
    policy, counts = load(path, {}, {}), sizes(read(path))
    found = {rate: margins.outlook(policy, counts, dict.fromkeys(counts, rate)) for rate in DISAGREEMENTS}
    used = {leaf for rule in policy.rules if rule.section != "limits" for leaf in margins.weights_of(rule, counts)}
    passing = {rate: outlook.passing or 0.0 for rate, outlook in found.items()}
    stopped = dict(zip(margins.DROPS_SHOWN, found[USUAL].stopped, strict=True))
    return Row(name, sum(counts[leaf] for leaf in used), passing, stopped)


def written(rates: Mapping[float, float]) -> str:
    return "{" + ", ".join(f"{key:.2f}: {value:.2f}" for key, value in rates.items()) + "}"


def main() -> None:
    for name in policies():
        found = row(name)
        rates = [*found.passing.values(), *found.stopped.values()]
        print(f"| `{name}` | {found.items:,} | " + " | ".join(f"{100 * rate:.0f} %" for rate in rates) + " |")
        print(f"  x-equal-models-pass: {written(found.passing)}\n  x-stops-a-drop-of: {written(found.stopped)}")


if __name__ == "__main__":
    main()
