"""Join the runs of one side of a comparison: their outcomes, what was planned and is missing, and whether they agree.

A side can be several runs of one model over different benchmarks or categories. Runs that differ in the model, data,
checker, rules, sampling or handler are not one side: they are told, and `compare` and `gate` refuse them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.analysis.labels import facts, joined, name_of
from harness.analysis.outcomes import Outcomes, short
from harness.errors import UsageProblem
from harness.results import store
from harness.results.lines import SampleLine
from harness.results.shards import asked, judged
from harness.results.tally import lost
from harness.results.usage import measure
from harness.types import Key, RunRecord


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
    parts = [_part(folder, record, lines[folder] if lines else None) for folder, record in records.items()]
    owners = Counter(category for part in parts for category in part.results)
    if twice := sorted(category for category, count in owners.items() if count > 1):
        raise UsageProblem(
            f"{where} holds more than one run of {', '.join(twice)}",
            "Give the folder of one run, or join the shards of one run with `harness merge`.",
        )
    label = " + ".join(dict.fromkeys(name_of(record.model.name) for record in records.values()))
    return Outcomes(
        label,
        _benchmarks(parts),
        _joined(part.sizes for part in parts),
        _joined(part.results for part in parts),
        measure(line for part in parts for line in part.lines),
        tuple(records),
        {part.name: part.left for part in parts if part.left is not None},
        joined([facts(record) for record in records.values()]),
        _grades(line for part in parts for line in part.lines),
        missing=_joined(part.missing for part in parts),
        excluded=_joined(part.excluded for part in parts),
        repeats_of={category: part.record.repeats for part in parts for category in part.results},
        unreadable={part.name: len(part.problems) for part in parts if part.problems},
        unplayed=sum(part.unplayed for part in parts),
        shards={part.name: part.record.shards.told for part in parts if part.record.shards and part.record.shards.told},
        readable=_joined(_readable(part.record) for part in parts),
        conflicts=tuple(dict.fromkeys(conflicts(list(records.values())))),
        runs=tuple(_about(record) for record in records.values()),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One run of a side."""

    name: str
    record: RunRecord
    lines: Sequence[SampleLine]
    problems: Sequence[str]
    """Lines that cannot be read."""
    results: Mapping[str, Mapping[Key, bool | None]]
    sizes: Mapping[str, int]
    missing: Mapping[str, int]
    excluded: Mapping[str, int]
    unplayed: int
    """Episodes without a line."""
    left: int | None
    """Items without a finished episode where the run is incomplete, 0 where it does not say how many."""


def _part(folder: Path, record: RunRecord, lines: Sequence[SampleLine] | None) -> _Part:
    problems: list[str] = []

    def report(problem: str) -> None:
        problems.append(problem)
        store.log(problem)

    found = list(store.read_samples(folder, report)) if lines is None else lines
    results: dict[str, dict[Key, bool | None]] = {name: {} for name in record.benchmark.categories}
    excluded: Counter[str] = Counter()
    for line in found:
        for category, verdict in line.verdicts.items():
            unscored = verdict.outcome == "unscored"
            results.setdefault(category, {})[line.key] = None if unscored else verdict.outcome == "pass"
            excluded[category] += unscored and not lost(verdict)
    unplayed = store.unfinished(record, len(found))
    missing = _missing(record, found, results, unplayed)
    told = missing if sum(missing.values()) <= unplayed else {}  # else it says of none how many
    sizes = {
        name: max(score.n if (score := record.scores.get(name)) else 0, len(items) + told.get(name, 0))
        for name, items in results.items()
    }
    left = store.unfinished(record, sum(line.fault is None for line in found))
    unknown = record.benchmark.n is None and record.status != "complete"
    stated = left if left or unknown or record.status == "incomplete" else None
    return _Part(folder.name, record, found, problems, results, sizes, missing, excluded, unplayed, stated)


def _readable(record: RunRecord) -> dict[str, float]:
    shares = {name: reading.readable for name, reading in record.readings.items()}
    return {name: share for name, share in shares.items() if share is not None}


def _grades(lines: Iterable[SampleLine]) -> dict[str, dict[Key, float]]:
    grades: dict[str, dict[Key, float]] = defaultdict(dict)
    for line in lines:
        for category, verdict in line.verdicts.items():
            if "credit" in verdict.evidence:
                grades[category][line.key] = verdict.evidence["credit"]
    return dict(grades)


def _missing(
    record: RunRecord, lines: Sequence[SampleLine], results: Mapping[str, Mapping[Key, Any]], unplayed: int
) -> dict[str, int]:
    """Category -> episodes that were planned and have no line; at most so many where the run does not say of each."""
    played, sources = Counter(line.category for line in lines), defaultdict(set)
    for line in lines:
        for category in line.verdicts:
            sources[category].add(line.category)
    planned = record.planned
    missing = {}
    for category, items in results.items():
        names = sources[category] or {category}
        if all(isinstance(planned.get(name), int) for name in names):
            left = sum(planned[name] - played[name] for name in names)
        else:
            score = record.scores.get(category)
            left = min(unplayed, score.n - len(items)) if score else unplayed
        missing[category] = max(0, min(left, unplayed))
    return {name: count for name, count in missing.items() if count}


def _joined(maps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for each in maps for name, value in each.items()}


def _benchmarks(parts: Sequence[_Part]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        name = part.record.benchmark.name
        before = found.setdefault(name, _identity(part.record) | {"categories": []})
        before["categories"] = sorted({*before["categories"], *part.results})
    return found


def _identity(record: RunRecord) -> dict[str, Any]:
    sampling = {name: getattr(record.sampling, name) for name in ("temperature", "top_p", "max_tokens")}
    return judged(record) | {
        "user_sha256": record.user.sha256,
        "rules": record.rules,
        "handler": record.handler,
        "dialect": record.handler_options.get("dialect"),
        "engine": asdict(record.engine),
        "sampling": sampling,
        "sandbox": record.machine.sandbox,
        "parts": dict(record.benchmark.parts),
    }


def conflicts(records: Sequence[RunRecord]) -> Iterator[str]:
    """Why runs are not those of one model, asked and judged in one way; one sentence each."""
    first = {record.benchmark.name: record for record in reversed(records)}
    for record in records[1:]:
        same = first[record.benchmark.name]
        pairs = [(asked(records[0]), asked(record)), (judged(same), judged(record))]
        pairs.append(({"rules": records[0].rules}, {"rules": record.rules}))
        if None not in (same.user.sha256, record.user.sha256):  # None: no dialogue in its categories
            pairs.append(({"user": same.user.sha256}, {"user": record.user.sha256}))
        for one, other in pairs:
            for name in one:
                if one[name] != other[name]:
                    values = f"{short(one[name], other[name])} and {short(other[name], one[name])}"
                    yield f"runs {records[0].run_id} and {record.run_id} are no one side: {name} differs ({values})"


def _about(record: RunRecord) -> dict[str, Any]:
    """What a frozen baseline says of a run: enough to find it again, and to see in a review what was replaced."""
    return {
        "run_id": record.run_id,
        "started": record.started,
        "benchmark": record.benchmark.name,
        "model": name_of(record.model.name),
        "model_sha256": record.model.sha256,
        "revision": record.model.revision,
        "adapter": name_of(record.model.adapter) if record.model.adapter else None,
        "commit": record.code.git,
        "dirty": record.code.dirty,
        "harness": record.code.harness,
    }
