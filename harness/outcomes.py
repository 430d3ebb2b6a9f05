"""Pass or fail of every item of one or more runs: what `compare` and `gate` pair.

A frozen baseline is the same as one JSON file, small enough to keep in a repository (one character a repeat):

    {"format": "harness-baseline/1", "label": "base-7b", "benchmarks": {"bfcl": {"version": "4 ...", "rules": ...}},
     "sizes": {"multiple": 200}, "outcomes": {"multiple": {"multiple_0": "1", "multiple_1": "0", "multiple_2": "-"}}}
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import store
from harness.errors import DataError, UsageProblem
from harness.lines import SampleLine
from harness.text import one_line
from harness.types import RunRecord, Score
from harness.usage import Usage, measure

FORMAT = "harness-baseline/1"
Key = tuple[str, int]
"""(sample id, repeat)."""
MARKS = {True: "1", False: "0", None: "-"}

MUST_AGREE = ("version", "data_sha256", "checker_sha256", "rules")
"""Runs that differ in one of these measure different things."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Everything a comparison needs of one side."""

    label: str
    benchmarks: Mapping[str, Mapping[str, Any]]
    """Benchmark -> version, data_sha256, checker_sha256, rules, categories, and settings worth a warning."""
    sizes: Mapping[str, int]
    """Category -> items of the data set times repeats."""
    results: Mapping[str, Mapping[Key, bool | None]]
    """Category -> item -> passed; None is unscored."""
    usage: Usage = field(default_factory=Usage)
    folders: tuple[Path, ...] = ()
    """The runs themselves; empty for a frozen baseline."""
    left: Mapping[str, int] = field(default_factory=dict)
    """Incomplete run -> items it was to play and has no answer for, faults among them."""

    @property
    def repeats(self) -> int:
        """Times each item was asked."""
        return 1 + max((repeat for items in self.results.values() for _, repeat in items), default=0)

    @property
    def scores(self) -> dict[str, Score]:
        """Scores as in `RunRecord.scores`, counted from the items."""
        scores = {}
        for category, items in self.results.items():
            values = list(items.values())
            judged = sum(value is not None for value in values)
            scores[category] = Score(
                max(self.sizes.get(category, 0), len(values)), judged, values.count(True), len(values) - judged
            )
        return scores


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
    from harness.rescoring import rejudged

    again = {folder: rejudged(folder, rules, logging.getLogger(__name__).warning) for folder in folders}
    lines = {folder: found for folder, (_, found) in again.items()}
    return gather({folder: record for folder, (record, _) in again.items()}, path, lines)


def gather(
    records: Mapping[Path, RunRecord], where: Path, lines: Mapping[Path, Sequence[SampleLine]] | None = None
) -> Outcomes:
    """Join runs of one model over different benchmarks.

    Args:
        records: Run folder -> record.
        where: What the user gave, for messages.
        lines: Lines of the runs, where they are already read.

    Returns:
        Their outcomes.

    Raises:
        UsageProblem: Two runs judge the same category.
    """
    benchmarks: dict[str, dict[str, Any]] = {}
    results: dict[str, dict[Key, bool | None]] = {}
    sizes: dict[str, int] = {}
    left: dict[str, int] = {}
    everything: list[SampleLine] = []
    for folder, record in records.items():
        found = list(lines[folder] if lines else store.read_samples(folder))
        mine = _results(found)
        if twice := set(mine) & set(results):
            raise UsageProblem(
                f"{where} holds more than one run of {', '.join(sorted(twice))}", "Give the folder of one run."
            )
        results |= mine
        sizes |= {name: score.n for name, score in record.scores.items()}
        benchmarks[record.benchmark["name"]] = _identity(record) | {"categories": sorted(mine)}
        left[folder.name] = store.unfinished(record, sum(line.fault is None for line in found))
        everything += found
    labels = dict.fromkeys(one_line(record.model.name, 80) for record in records.values())
    left = {name: count for name, count in left.items() if count}
    return Outcomes(" + ".join(labels), benchmarks, sizes, results, measure(everything), tuple(records), left)


def _results(lines: Iterable[SampleLine]) -> dict[str, dict[Key, bool | None]]:
    results: dict[str, dict[Key, bool | None]] = defaultdict(dict)
    for line in lines:
        for category, verdict in line.verdicts.items():
            results[category][line.key] = None if verdict.outcome == "unscored" else verdict.outcome == "pass"
    return dict(results)


def _identity(record: RunRecord) -> dict[str, Any]:
    facts = {name: record.benchmark.get(name) for name in MUST_AGREE if name != "rules"}
    sampling = {name: getattr(record.sampling, name) for name in ("temperature", "top_p", "max_tokens")}
    return facts | {
        "rules": record.rules,
        "handler": record.handler,
        "engine": dict(record.engine),
        "sampling": sampling,
        "sandbox": record.machine.get("sandbox"),
    }


def freeze(outcomes: Outcomes) -> bytes:
    """A baseline file."""
    marks = {
        category: {name: "".join(mark) for name, mark in _marks(items).items()}
        for category, items in sorted(outcomes.results.items())
    }
    data = {
        "format": FORMAT,
        "label": outcomes.label,
        "benchmarks": outcomes.benchmarks,
        "sizes": outcomes.sizes,
        "left": dict(outcomes.left),
        "outcomes": marks,
    }
    return json.dumps(data, indent=1).encode() + b"\n"


def _marks(items: Mapping[Key, bool | None]) -> dict[str, list[str]]:
    marks: dict[str, list[str]] = defaultdict(list)
    for (name, repeat), passed in sorted(items.items()):
        row = marks[name]
        row += "-" * (repeat - len(row))
        row.append(MARKS[passed])
    return marks


def thaw(path: Path) -> Outcomes:
    """Read a baseline file.

    Args:
        path: The file.

    Returns:
        Its outcomes; usage and replies are not part of a baseline.

    Raises:
        DataError: It is no baseline, or damaged.
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
        facts = {name: {**about, "categories": list(about["categories"])} for name, about in data["benchmarks"].items()}
        sizes, left = (
            {name: int(count) for name, count in counts.items()} for counts in (data["sizes"], data.get("left", {}))
        )
        return Outcomes(str(data["label"]), facts, sizes, results, left=left)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is no baseline file: {type(error).__name__}: {error}",
            "Make one with `harness gate RUN --baseline FILE --update-baseline`.",
        ) from None
