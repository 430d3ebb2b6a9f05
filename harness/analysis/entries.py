"""Which runs make one row of a leaderboard.

Runs of one model under one configuration (handler, engine, sampling, rules) make one row, whatever benchmarks they
cover; of two runs of a category the one with more judgements counts, then the newer. Runs whose data or checker differ
from the newest run of that benchmark never mix with it and get a row of their own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageProblem
from harness.results import store
from harness.text import one_line
from harness.types import RunRecord, Score

SENSITIVITY = "format_sensitivity"


@dataclass(frozen=True, slots=True)
class Entry:
    """Runs that make one row."""

    label: str
    records: tuple[RunRecord, ...]
    folders: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def scores(self) -> dict[str, Score]:
        """The best covered score of each category."""
        best: dict[str, Score] = {}
        for record in sorted(self.records, key=lambda record: record.started):
            for category, score in record.scores.items():
                if category not in best or score.judged >= best[category].judged:
                    best[category] = score
        return best


def load(paths: Iterable[Path], report: Callable[[str], None]) -> list[tuple[str, RunRecord]]:
    """Read the records of all runs at or below some folders.

    Args:
        paths: Run folders, or folders that contain runs.
        report: Told about records that cannot be read; they are left out.

    Returns:
        (folder, record), each run once.

    Raises:
        UsageProblem: There is no readable run at all.
    """
    paths = list(paths)
    found: dict[str, RunRecord] = {}
    for folder in (folder for path in paths for folder in store.find_runs(path)):
        try:
            found[str(folder)] = _with_configurations(folder, store.read_run(folder))
        except DataError as error:
            report(str(error))
    if not found:
        where = ", ".join(str(path) for path in paths)
        raise UsageProblem(f"no runs in {where}", "Make one with `harness run --model MODEL --tasks TASKS`.")
    return list(found.items())


def _with_configurations(folder: Path, record: RunRecord) -> RunRecord:
    """Add one score for each prompt configuration of format sensitivity, whose ids name it (`...:<config>:...`)."""
    if SENSITIVITY not in record.scores:
        return record
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in store.read_samples(folder):
        if verdict := line.verdicts.get(SENSITIVITY):
            counts = tally[line.id.split(":")[1] if ":" in line.id else "?"]
            counts[0] += 1
            counts[1] += verdict.outcome != "unscored"
            counts[2] += verdict.outcome == "pass"
    parts = {
        f"{SENSITIVITY}:{name}": Score(tried, judged, passed, tried - judged)
        for name, (tried, judged, passed) in tally.items()
    }
    return replace(record, scores={**record.scores, **parts})


def entries(runs: Iterable[tuple[str, RunRecord]]) -> list[Entry]:
    """Group runs into rows, with labels that tell rows of one model apart."""
    configurations: dict[str, list[tuple[str, RunRecord]]] = defaultdict(list)
    for folder, record in runs:
        configurations[json.dumps(_facts(record), sort_keys=True, default=str)].append((folder, record))
    groups = [group for same in configurations.values() for group in _by_data(same)]
    found = [
        Entry("", tuple(r for _, r in group), tuple(f for f, _ in group), _facts(group[-1][1]) | _data(group))
        for group in groups
    ]
    return [replace(entry, label=_label(entry, found)) for entry in found]


def _facts(record: RunRecord) -> dict[str, Any]:
    """What can change a reply or its verdict, apart from the data: runs that agree in it share a row."""
    model, engine = record.model, record.engine
    return {
        "model": model.name,
        "revision": model.revision,
        "adapter": model.adapter,
        "weights": (model.sha256 or "")[:8],
        "handler": record.handler,
        **{f"handler {name}": value for name, value in record.handler_options.items()},
        **{"engine" if name == "name" else f"engine {name}": value for name, value in engine.items()},
        **{name: getattr(record.sampling, name) for name in record.sampling.__slots__},
        "rules": record.rules,
        "repeats": record.repeats,
    }


def _data(group: Sequence[tuple[str, RunRecord]]) -> dict[str, Any]:
    """Short hashes of data and checker of each benchmark."""
    hashes = {r.benchmark["name"]: "/".join(part[:8] for part in _hashes(r)) for _, r in group}
    return {f"{name} data/checker": value for name, value in hashes.items()}


def _hashes(record: RunRecord) -> tuple[str, str]:
    return str(record.benchmark.get("data_sha256")), str(record.benchmark.get("checker_sha256"))


def _by_data(runs: Sequence[tuple[str, RunRecord]]) -> list[list[tuple[str, RunRecord]]]:
    """Split runs of one configuration so that no row mixes two versions of a benchmark's data or checker."""
    newest_first = sorted(runs, key=lambda run: run[1].started, reverse=True)
    versions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rows: dict[int, list[tuple[str, RunRecord]]] = defaultdict(list)
    for folder, record in newest_first:
        known = versions[record.benchmark["name"]]
        if _hashes(record) not in known:
            known.append(_hashes(record))
        rows[known.index(_hashes(record))].insert(0, (folder, record))
    return list(rows.values())


def _label(entry: Entry, all_entries: Sequence[Entry]) -> str:
    """The model's name, and the facts in which it differs from other rows of that name."""
    name = str(entry.facts["model"])
    namesakes = [other for other in all_entries if other.facts["model"] == name]
    differing = [
        f"{key} {value}" if key not in ("handler", "engine") else str(value)
        for key, value in entry.facts.items()
        if any(str(other.facts.get(key, value)) != str(value) for other in namesakes)
    ]
    text = name.rstrip("/").rsplit("/", 1)[-1] if name.startswith((".", "/", "~")) else name
    return one_line(f"{text} ({', '.join(differing)})" if differing else text, 120)
