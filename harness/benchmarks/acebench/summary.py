"""The official score headers and the summary row, with the roundings and quirks of `evaluation_helper.py`.

`harness leaderboard --view acebench` has the same averages with intervals, unrounded; this is what a row of the
official table would say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.benchmarks.acebench import data
from harness.types import Verdict

Header = Mapping[str, Any]
"""First line of an official score file: `accuracy` or `end_to_end_accuracy`, `correct_count`, `total_count`, ..."""

WEIGHTS = {"special": 0.2676, "normal": 0.578, "agent": 0.1545}
"""They add to 1.0001."""

_ATOM = ("bool", "enum", "number", "list", "object_short", "object_deep")


def header(category: str, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What a category's score file begins with.

    Args:
        category: The category.
        verdicts: Of all its samples that were judged; a dialogue of normal multi-turn is one.

    Returns:
        Official names and roundings; in normal multi-turn the counts are those of steps.
    """
    right = sum(verdict.outcome == "pass" for verdict in verdicts)
    share = right / len(verdicts) if verdicts else 0.0
    counts = {"correct_count": right, "total_count": len(verdicts)}
    if category in data.SPECIAL:
        return {"accuracy": share, **counts}
    if category not in (*data.MULTI_TURN, *data.AGENT):
        return {"accuracy": round(share, 3), **counts}
    parts = [
        verdict.evidence["process_share" if category in data.AGENT else "process_accuracy"] for verdict in verdicts
    ]
    if category in data.AGENT:
        process = round(sum(parts) / len(parts), 3) if parts else 0.0
        return {"end_to_end_accuracy": round(share, 3), "process_accuracy": process, **counts}
    steps = [step["outcome"] == "pass" for verdict in verdicts for step in verdict.evidence["steps"]]
    process = round(sum(parts) / len(parts), 3) if parts else 0.0
    counts = {"correct_count": sum(steps), "total_count": len(steps)}
    return {"accuracy": round(share, 3), **counts, "process_accuracy": process}


def row(headers: Mapping[str, Header], rules: str = "upstream") -> dict[str, float | None]:
    """The summary of one model in one language.

    Args:
        headers: By category.
        rules: `upstream` reproduces the official row: every mean is rounded to three digits before it is used, a
            category without a score counts 0, the weights add to 1.0001, and the values of object_short and
            object_deep are swapped. `strict` mends all four; what lacks a part is None.

    Returns:
        Official columns, in their order.
    """
    upstream = rules == "upstream"

    def score(category: str, name: str = "accuracy") -> float | None:
        found = headers.get(category, {}).get(name)
        return 0.0 if found is None and upstream else found

    def mean(*parts: float | None) -> float | None:
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return _digits(sum(known) / len(known), upstream)

    atom = {name: score(f"normal_atom_{name}") for name in _ATOM}
    single, parallel = (score(category) for category in data.SINGLE_TURN)
    adjust, switch = (score(category) for category in data.MULTI_TURN)
    similar, profile = score("normal_similar_api"), score("normal_preference")
    special = [score(category) for category in data.SPECIAL]
    ends = [score(category, "end_to_end_accuracy") for category in (data.AGENT_TURNS, data.MULTI_STEP)]
    process = [score(category, "process_accuracy") for category in (data.AGENT_TURNS, data.MULTI_STEP)]
    normal = mean(*atom.values(), single, parallel, switch, adjust, similar, profile)
    groups = {"special": mean(*special), "normal": normal, "agent": mean(*ends)}
    if upstream:
        atom["object_short"], atom["object_deep"] = atom["object_deep"], atom["object_short"]
    return {
        **atom,
        "atom": mean(*atom.values()),
        "single_turn_singal_function": single,
        "single_turn_parallel_function": parallel,
        "single_turn": mean(single, parallel),
        "multiple_turn_switch": switch,
        "multiple_turn_adjust": adjust,
        "multiple_turn": mean(switch, adjust),
        "similar_api": similar,
        "profile": profile,
        "normal_summary": groups["normal"],
        **dict(zip(("incomplete", "error", "irrelevant"), special, strict=True)),
        "special_summary": groups["special"],
        "agent_multi_turn": ends[0],
        "agent_multi_turn_process": process[0],
        "agent_multi_step": ends[1],
        "agent_multi_step_process": process[1],
        "agent_summary": groups["agent"],
        "Summary": _summary(groups, upstream),
    }


def _summary(groups: Mapping[str, float | None], upstream: bool) -> float | None:
    parts = [weight * value for name, weight in WEIGHTS.items() if (value := groups[name]) is not None]
    if len(parts) < len(WEIGHTS):
        return None
    return round(sum(parts), 3) if upstream else sum(parts) / sum(WEIGHTS.values())


def _digits(value: float, rounded: bool) -> float:
    return round(value, 3) if rounded else value
