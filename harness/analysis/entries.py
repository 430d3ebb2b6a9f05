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

from harness.analysis.labels import facts, name_of, tell_apart
from harness.errors import DataError, UsageProblem
from harness.results import store
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
        configurations[json.dumps(facts(record), sort_keys=True, default=str)].append((folder, record))
    groups = [group for same in configurations.values() for group in _by_data(same)]
    found = [
        Entry("", tuple(r for _, r in group), tuple(f for f, _ in group), facts(group[-1][1]) | _data(group))
        for group in groups
    ]
    names = [name_of(entry.facts["model"]) for entry in found]
    ids = [" + ".join(record.run_id for record in entry.records) for entry in found]
    labels = tell_apart(names, [entry.facts for entry in found], ids)
    return [replace(entry, label=label) for entry, label in zip(found, labels, strict=True)]


def _data(group: Sequence[tuple[str, RunRecord]]) -> dict[str, Any]:
    """Short hashes of data and checker of each benchmark, and its simulated user."""
    hashes = {r.benchmark.name: "/".join(part[:8] for part in _hashes(r)) for _, r in group}
    users = {r.benchmark.name: f"{r.user.model} {r.user.sha256[:8]}" for _, r in group if r.user.sha256}
    found = {f"{name} data/checker": value for name, value in hashes.items()}
    return found | {f"{name} user": value for name, value in users.items()}


def _hashes(record: RunRecord) -> tuple[str, str]:
    return str(record.benchmark.data_sha256), str(record.benchmark.checker_sha256)


def _by_data(runs: Sequence[tuple[str, RunRecord]]) -> list[list[tuple[str, RunRecord]]]:
    """Split runs of one configuration so that no row mixes two versions of a benchmark's data, checker or user.

    A run in which nobody plays a user goes with any.
    """
    newest_first = sorted(runs, key=lambda run: run[1].started, reverse=True)
    versions: dict[str, list[_Version]] = defaultdict(list)
    rows: dict[int, list[tuple[str, RunRecord]]] = defaultdict(list)
    for folder, record in newest_first:
        known, own = versions[record.benchmark.name], _Version(_hashes(record), record.user.sha256)
        place = next((place for place, version in enumerate(known) if version.takes(own)), len(known))
        if place == len(known):
            known.append(own)
        known[place].user = known[place].user or own.user
        rows[place].insert(0, (folder, record))
    return list(rows.values())


@dataclass(slots=True)
class _Version:
    """What runs of one benchmark must agree in to share a row."""

    hashes: tuple[str, str]
    user: str | None

    def takes(self, other: _Version) -> bool:
        """Whether another run may share the row."""
        return self.hashes == other.hashes and (self.user is None or other.user in (None, self.user))
