"""What `harness run` says: the plan, the scores, and the difference to a base model."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.results import store
from harness.running.plan import RunPlan
from harness.running.readings import warnings
from harness.text import count, one_line, percent, table
from harness.types import RunRecord, Score

LARGE = 1000
"""Episodes from which on a run says how many it has before it starts."""
FLIPS = 10
"""Items lost and gained that are printed of each benchmark."""
COUNTS = ("passed", "judged", "of", "unscored", "truncated")
REASONS, REASON = 3, 300
"""Reasons of faults that are printed, and characters of each."""
NUMBER = re.compile(r"\d+")
SPARE = ("of", "passed", "unscored")
"""Counts that a narrow terminal is not shown."""


def plans_json(plans: Sequence[RunPlan]) -> list[dict[str, Any]]:
    """What would be done, as JSON values."""
    return [
        {
            "benchmark": plan.record.benchmark.name,
            "model": plan.record.model.name,
            "engine": plan.record.engine.name,
            "handler": f"{plan.handler.name} ({plan.why})",
            "samples": dict(Counter(sample.category for sample in plan.samples.values())),
            "episodes": len(plan.keys),
            "left": len(plan.left()),
            "folder": str(plan.folder) if plan.folder else None,
        }
        for plan in plans
    ]


def size_text(plan: RunPlan, left: int, seconds: float | None) -> str | None:
    """What a large run will ask, before it starts.

    Args:
        plan: The run.
        left: Samples, repeats counted, that have no answer yet.
        seconds: What a sample took in an earlier run of the same model; None where there is none.

    Returns:
        One line; None for a small run.
    """
    if left < LARGE:
        return None
    sizes = Counter(sample.category for sample in plan.samples.values())
    largest, n = sizes.most_common(1)[0]
    of = f", of which {n * plan.spec.repeats:,} {largest}" if len(sizes) > 1 else ""
    expected = "the time left is shown once some are done"
    if seconds is not None:
        expected = f"about {timedelta(seconds=round(seconds * left))} at {seconds:.2g} s each, as in an earlier run"
    return f"{plan.benchmark.name}: {left:,} samples{of}; {expected}"


def episode_seconds(planned: RunPlan) -> float | None:
    """Wall-clock seconds of one episode in the newest run of the same model and engine on the same benchmark.

    Args:
        planned: The run that is to begin.

    Returns:
        Seconds; None where there is no such run.
    """
    record, found = planned.record, list[tuple[str, float]]()
    for folder in store.find_runs(planned.spec.output / store.slug(record.model) / record.benchmark.name):
        try:
            earlier = store.read_run(folder)
        except DataError:
            continue
        done = sum(score.judged for score in earlier.scores.values())
        if earlier.engine.name == record.engine.name and done and earlier.seconds:
            found.append((earlier.started, earlier.seconds / done))
    return max(found)[1] if found else None


def plans_text(plans: Sequence[RunPlan]) -> str:
    """What would be done."""

    def rows(entry: dict[str, Any]) -> Iterator[str]:
        for name, value in entry.items():
            said = ", ".join(f"{key} {n}" for key, n in value.items()) if isinstance(value, dict) else value
            label = "in all" if name == "episodes" else name
            yield f"{label:>10}  {'a new one' if said is None else said}"

    return "\n\n".join("\n".join(rows(entry)) for entry in plans_json(plans))


def records_json(records: Sequence[RunRecord], root: Path) -> list[dict[str, Any]]:
    """Runs and their folders, as JSON values."""
    return [{"folder": str(store.path_of(root, record)), **asdict(record)} for record in records]


def records_text(records: Sequence[RunRecord], root: Path) -> str:
    """A table of scores for each run, and where it is."""
    width = shutil.get_terminal_size().columns
    parts = []
    for record in records:
        if rows := [_row(category, record) for category in record.scores]:
            parts.append(table(rows, width, SPARE, right=[*rows[0]][1:]))
        parts += [f"note: {said}" for said in overflows(record.scores)]
        parts += [f"warning: {said}" for said in warnings(record.readings, record.handler_options.get("dialect"))]
        parts.append(cost_text(record))
        parts += faults_text(store.path_of(root, record), record)
        parts.append(f"{record.status}: {store.path_of(root, record)}")
    return "\n".join(parts)


def overflows(scores: Mapping[str, Score]) -> list[str]:
    """Of each category, how many items did not fit the model's context."""
    return [
        f"{name}: {score.overflowed} of {score.judged} items do not fit the model's context: they are wrong, or no call"
        " where none is wanted"
        for name, score in scores.items()
        if score.overflowed
    ]


def cost_text(record: RunRecord) -> str:
    """Tokens, latency, throughput, money and GPU-hours of a run; N/A where a figure is not known."""
    usage = record.usage
    named = {"p50": usage.latency_p50, "p95": usage.latency_p95, "p99": usage.latency_p99}
    latency = ", ".join(f"{name} {_known(value, '.2f')} s" for name, value in named.items())
    read, written = (f"{record.tokens.get(name, 0):,}" for name in ("prompt", "completion"))
    cached, rate = _known(usage.cache_hit_rate, ".1%"), _known(usage.tokens_per_second, ".1f")
    return (
        f"tokens: {read} in ({cached} from the prefix cache), {written} out, {rate} a second\n"
        f"latency: {latency} · cost: {_known(usage.usd, '.4g')} USD, {_known(usage.gpu_hours, '.3f')} GPU-hours"
    )


def faults_text(folder: Path, record: RunRecord) -> list[str]:
    """The most frequent reasons why items faulted, each with its count and an example; nothing where none did.

    Reasons that differ in numbers only are one: `prompt exceeds context: 9120 tokens` and `... 8731 tokens`.

    Args:
        folder: The run's folder.
        record: The run.

    Returns:
        Lines.
    """
    if not record.benchmark.left and not any(score.unscored for score in record.scores.values()):
        return []
    faults: dict[str, list[str]] = {}
    for line in store.read_samples(folder):
        if line.fault is not None:
            faults.setdefault(NUMBER.sub("#", line.fault), []).append(line.fault)
    often = sorted(faults.values(), key=len, reverse=True)
    lines = [f"error, {len(same)} of {record.benchmark.n}: {one_line(same[0], REASON)}" for same in often[:REASONS]]
    more = sum(map(len, often[REASONS:]))
    return [*lines, f"error, {more} more of {len(often) - REASONS} other kinds"] if more else lines


def _known(value: float | None, form: str) -> str:
    return "N/A" if value is None else format(value, form)


def _row(category: str, record: RunRecord) -> dict[str, str]:
    from harness.stats.intervals import accuracy

    score = record.scores[category]
    value, interval = "N/A", ""
    if found := accuracy(score, record.repeats):
        value, interval = f"{percent(found[0])}%", f"{percent(found[1].low, 1)}% - {percent(found[1].high, 1)}%"
    counts = (score.passed, score.judged, score.n, score.unscored, score.truncated)
    return {
        "category": category,
        "accuracy": value,
        "95 % interval": interval,
        **{name: count(number) for name, number in zip(COUNTS, counts, strict=True)},
    }


def comparison_text(base: Sequence[RunRecord], tuned: Sequence[RunRecord], root: Path) -> str:
    """What a model won and lost against its base, paired by item, for each benchmark.

    Args:
        base: Runs of the base model.
        tuned: Runs of the model, on the same benchmarks in the same order.
        root: The results folder.

    Returns:
        Tables, with some of the items lost and gained.
    """
    from harness.analysis.comparison import compare
    from harness.analysis.sides import read
    from harness.reports import comparisons

    parts = []
    for pair in zip(base, tuned, strict=True):
        before, after = (read(store.path_of(root, record)) for record in pair)
        found = compare(before, [after])
        parts.append(comparisons.terminal(found, shutil.get_terminal_size().columns))
        parts += [comparisons.flips(comparison, FLIPS) for comparison in found]
    return "\n\n" + "\n\n".join(parts)
