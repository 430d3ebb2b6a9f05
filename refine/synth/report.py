"""What a synthesis did, for people: the funnel of phases, attempts, kinds of turns, tools, depth, examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, median
from typing import Any

from refine.ledger import read_claim
from refine.outputs import last_outcomes, read_status
from refine.report import calls_summary, write_report
from refine.synth.values import FOLDER

PHASES = ("planned", "walked", "asked", "solved", "kept")
"""`asked`: every turn got its query; `solved`: every turn was solved within the attempts."""
BEFORE = {"walk": 0, "environment": 0, "tool": 1, "query": 1, "query_judge": 1}
"""How far a conversation came that ended in a stage; all others came to be solved or not."""


def is_synthesis(folder: Path) -> bool:
    """Whether a run's folder is of a synthesis."""
    return "environment" in read_claim(folder / "run.json")


def summarise(folder: Path, examples: int = 3) -> dict[str, Any]:
    """Everything the report shows.

    Args:
        folder: The run's folder.
        examples: Conversations to show of each outcome.

    Returns:
        JSON values: `run`, `outcomes`, `cost_limit`, `left`, `funnel`, `stages`, `kinds`, `attempts`, `reasons`,
        `tools`, `depth`, `sources`, `calls`, `examples`.
    """
    counts: dict[str, Counter[Any]] = {
        name: Counter()
        for name in ("outcomes", "stages", "attempts", "reasons", "called", "offered", "sources", "levels")
    }
    kinds: dict[str, dict[str, int]] = {}
    funnel = dict.fromkeys(PHASES, 0)
    sizes: dict[str, list[int]] = {"turns": [], "calls": []}
    shown: dict[str, list[dict[str, Any]]] = {}
    errors = 0
    for line in last_outcomes(folder):
        source = line["example"]["source"]
        counts["outcomes"][line["outcome"]] += 1
        counts["stages"][line["stage"], line["outcome"]] += 1
        _pass(funnel, line)
        _count_turns(source.get("attempts", ()), kinds, counts)
        if line["outcome"] == "kept":
            _measure(source["trace"], counts, sizes)
            errors += source["error_tool_response"]
        if len(shown.setdefault(line["outcome"], [])) < examples:
            shown[line["outcome"]].append(line)
    return {
        "run": read_claim(folder / "run.json"),
        "outcomes": dict(counts["outcomes"]),
        **read_status(folder),
        "funnel": funnel,
        "stages": [{"stage": s, "outcome": o, "n": n} for (s, o), n in sorted(counts["stages"].items())],
        "kinds": dict(sorted(kinds.items())),
        "attempts": {str(number): n for number, n in sorted(counts["attempts"].items())},
        "reasons": dict(counts["reasons"].most_common(12)),
        "tools": {name: counts["called"][name] for name in sorted(counts["offered"])},
        "depth": {name: _spread(values) for name, values in sizes.items()}
        | {"levels of a turn": {str(levels): n for levels, n in sorted(counts["levels"].items())}},
        "sources": dict(counts["sources"].most_common()),
        "error_tool_response": errors,
        "calls": [*calls_summary(folder / FOLDER), *calls_summary(folder)],
        "examples": shown,
    }


def write(folder: Path) -> dict[str, Any]:
    """Write `report.md`, `report.html` and `stats.json` into a run's folder.

    Args:
        folder: The folder.

    Returns:
        The summary.
    """
    summary = summarise(folder)
    write_report(folder, summary, "synth")
    return summary


def _pass(funnel: dict[str, int], line: Mapping[str, Any]) -> None:
    """Count a conversation in every phase that it came through."""
    through = BEFORE.get(line["stage"], 2)
    if line["stage"] in ("end", "decontaminate"):
        through = 3
    for phase in PHASES[: through + 1]:
        funnel[phase] += 1
    funnel["kept"] += line["outcome"] == "kept"


def _count_turns(log: Any, kinds: dict[str, dict[str, int]], counts: dict[str, Counter[Any]]) -> None:
    for turn in log:
        row = kinds.setdefault(turn["kind"], {"begun": 0, "solved": 0, "at once": 0, "queries refused": 0})
        tries = turn["attempts"]
        solved = bool(tries) and not tries[-1]
        row["begun"] += 1
        row["solved"] += solved
        row["at once"] += solved and len(tries) == 1
        row["queries refused"] += len(turn["queries"])
        if solved:
            counts["attempts"][len(tries)] += 1
        counts["reasons"].update(_short(why) for why in (*tries, *turn["queries"]) if why)


def _short(reason: str) -> str:
    """A reason without what is one conversation's own."""
    return reason.split(": ", 1)[0][:80] if ": " in reason else reason[:80]


def _measure(trace: Mapping[str, Any], counts: dict[str, Counter[Any]], sizes: dict[str, list[int]]) -> None:
    steps = [step for turn in trace["turns"] for level in turn["levels"] for step in level]
    counts["offered"].update(trace["plan"]["tools"])
    counts["called"].update(step["call"]["name"] for step in steps)
    counts["sources"].update(source["kind"] for step in steps for source in step["sources"])
    counts["levels"].update(len(turn["levels"]) for turn in trace["turns"])
    sizes["turns"].append(len(trace["turns"]))
    sizes["calls"].append(len(steps))


def _spread(values: list[int]) -> dict[str, float]:
    return {"mean": round(mean(values), 2), "median": median(values), "most": max(values)} if values else {}
