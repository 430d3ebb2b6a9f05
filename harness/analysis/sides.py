"""Read one side of a comparison, a run or a frozen baseline file, and freeze a run as such a file.

A frozen baseline is one JSON file, small enough to keep in a repository (one character a repeat). A difference of two
reads as a review does: which run replaced which, how many passed in each category, and then a line for each item:

    {"format": "harness-baseline/1", "label": "base-7b", "runs": [{"run_id": "20261121T0312Z-1a2b3c", "commit": ...}],
     "passed": {"multiple": "181 of 200"}, "benchmarks": {"bfcl": {"version": "4 ...", "rules": ...}},
     "sizes": {"multiple": 200}, "outcomes": {"multiple": {"multiple_0": "1", "multiple_1": "0", "multiple_2": "-"}}}
"""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness.analysis.gathering import gather
from harness.analysis.outcomes import Outcomes
from harness.errors import DataError, UsageProblem
from harness.results import store
from harness.results.lines import build
from harness.results.provenance import current_checker
from harness.text import one_line
from harness.types import EngineInfo, Key

FORMAT = "harness-baseline/1"
MARKS = {True: "1", False: "0", None: "-"}


def read(path: Path, rules: str | None = None) -> Outcomes:
    """Read one side of a comparison.

    Args:
        path: A run's folder, the start of its id, a folder above runs of different benchmarks, or a baseline file.
        rules: Judge the recorded replies again by these rules instead of the recorded ones.

    Returns:
        Its outcomes.

    Raises:
        UsageProblem: There is no run, two runs below the folder judge the same category, or a baseline file is to be
            judged again.
    """
    if path.is_file() and path.name not in (store.RUN, store.SAMPLES):
        if rules is not None:
            raise UsageProblem(f"{path} holds no replies to judge by {rules!r} rules", "Give the run it came from.")
        return thaw(path)
    folders = store.find_runs(path) if path.exists() else [store.find_run(str(path))]
    if not folders:
        raise UsageProblem(f"no run in {path}", "Give a run's folder (see `harness list runs`) or a baseline file.")
    records = {folder: store.read_run(folder) for folder in folders}
    if rules is None or all(record.rules == rules for record in records.values()):
        return gather(records, path)
    return _judged_again(folders, path, rules)


def _judged_again(folders: Iterable[Path], path: Path, rules: str) -> Outcomes:
    from harness.running.rejudging import rejudged

    again = {folder: rejudged(folder, rules, logging.getLogger(__name__).warning) for folder in folders}
    lines = {folder: found for folder, (_, found) in again.items()}
    problems = {folder.name: store.damaged(folder) for folder in again}
    side = gather({folder: record for folder, (record, _) in again.items()}, path, lines)
    return replace(side, unreadable={name: count for name, count in problems.items() if count})


KEPT = ("sizes", "left", "missing", "excluded", "repeats_of", "unreadable")
"""Counts of a side that a baseline file keeps as they are; an earlier version may have written less."""


def freeze(outcomes: Outcomes) -> bytes:
    """A baseline file."""
    marks = {
        category: {name: "".join(mark) for name, mark in _marks(items).items()}
        for category, items in sorted(outcomes.results.items())
    }
    data = {
        "format": FORMAT,
        "label": outcomes.label,
        "runs": list(outcomes.runs),
        "passed": {name: f"{score.passed:.10g} of {score.n}" for name, score in sorted(outcomes.scores.items())},
        "benchmarks": outcomes.benchmarks,
        **{name: dict(sorted(getattr(outcomes, name).items())) for name in KEPT},
        "unplayed": outcomes.unplayed,
        "readable": dict(outcomes.readable),
        "shards": dict(outcomes.shards),
        "conflicts": list(outcomes.conflicts),
        "facts": dict(outcomes.facts),
        "grades": {category: _grades(items) for category, items in sorted(outcomes.grades.items())},
        "outcomes": marks,
    }
    return json.dumps(data, indent=1).encode() + b"\n"


def _marks(items: Mapping[Key, bool | None]) -> dict[str, list[str]]:
    marks: dict[str, list[str]] = defaultdict(list)
    for (name, repeat), passed in sorted(items.items(), key=lambda item: (_in_order(item[0][0]), item[0])):
        row = marks[name]
        row += "-" * (repeat - len(row))
        row.append(MARKS[passed])
    return marks


def _grades(items: Mapping[Key, float]) -> dict[str, dict[str, float]]:
    """Item -> repeat -> grade."""
    grades: dict[str, dict[str, float]] = defaultdict(dict)
    for (name, repeat), grade in sorted(items.items(), key=lambda item: (_in_order(item[0][0]), item[0])):
        grades[name][str(repeat)] = grade
    return grades


def _thawed_grades(data: Mapping[str, Any], results: Mapping[str, Mapping[Key, Any]]) -> dict[str, dict[Key, float]]:
    """Grades by item; an earlier version kept their sum alone, and each item then has their mean."""
    grades = {
        category: {(name, int(repeat)): float(grade) for name, each in items.items() for repeat, grade in each.items()}
        for category, items in data.get("grades", {}).items()
    }
    for category, credit in data.get("credits", {}).items():
        judged = [key for key, passed in results[category].items() if passed is not None]
        grades[category] = dict.fromkeys(judged, float(credit) / max(1, len(judged)))
    return grades


def _in_order(name: str) -> list[tuple[int, str]]:
    """Numbers in a name by their value: multiple_2 before multiple_10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def thaw(path: Path) -> Outcomes:
    """Read a baseline file.

    Args:
        path: The file.

    Returns:
        Its outcomes; usage and replies are not part of a baseline.

    Raises:
        DataError: It is not a baseline, or damaged.
    """
    values = {mark: passed for passed, mark in MARKS.items()}
    try:
        data = json.loads(path.read_bytes())
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']!r} is not {FORMAT!r}")
        results = {
            category: {
                (name, repeat): values[mark] for name, marks in items.items() for repeat, mark in enumerate(marks)
            }
            for category, items in data["outcomes"].items()
        }
        benchmarks = {name: _facts(name, about) for name, about in data["benchmarks"].items()}
        counts: dict[str, Any] = {
            name: {key: int(count) for key, count in data.get(name, {}).items()} for name in KEPT if name != "sizes"
        }
        sizes = {name: int(count) for name, count in data["sizes"].items()}
        return Outcomes(
            one_line(str(data["label"])),
            benchmarks,
            sizes,
            results,
            facts=dict(data.get("facts", {})),
            grades=_thawed_grades(data, results),
            unplayed=int(data.get("unplayed", 0)),
            readable={name: float(share) for name, share in data.get("readable", {}).items()},
            shards={name: one_line(str(told)) for name, told in data.get("shards", {}).items()},
            conflicts=tuple(one_line(str(why)) for why in data.get("conflicts", ())),
            runs=tuple(dict(run) for run in data.get("runs", ())),
            **counts,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is not a baseline file: {type(error).__name__}: {error}",
            "Make one with `harness gate RUN --baseline FILE --update-baseline`.",
        ) from None


def _facts(benchmark: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """What a baseline says of one benchmark, as `outcomes` says it of a run that is read today."""
    facts = {**about, "categories": list(about["categories"])}
    facts["checker_sha256"] = current_checker(benchmark, about.get("checker_sha256"))
    if isinstance(engine := about.get("engine"), dict):
        facts["engine"] = asdict(build(EngineInfo, engine, lenient=True))
    return facts
