"""The experiment's numbers, read from what the programs wrote: refinement against the truth, scores, differences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from harness import machine
from harness.analysis import sides
from harness.benchmarks.bfcl import decode
from harness.data import examples
from harness.results import store
from harness.stats import paired
from harness.stats.intervals import wilson
from harness.types import Example
from trainer.recipes.demo import experiment
from trainer.recipes.demo.experiment import Settings
from trainer.recipes.demo.judge import concludes, read_truths, same
from trainer.recipes.demo.source import STATEMENT, Truth

METRICS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "format": ("scores", ("examples_format",)),
    "name": ("scores", ("examples_name",)),
    "arguments": ("scores", ("examples_arguments",)),
    "exact": ("scores", ("examples",)),
    "bfcl": ("scores", experiment.BFCL),
    "probe": ("probe", ("examples",)),
}
"""Metric -> kind of run, and the categories whose items it pools."""
REFUSED_BY: Mapping[str, tuple[str, ...]] = {
    "response": ("statement",),
    "query": ("query", "statement"),
    "cot": ("cot",),
    "arguments": ("arguments", "query"),
    "format": ("format", "statement"),
}
"""Stage -> kinds of records to which a faultless judge says no there, if they get that far."""

Passed = Mapping[str, bool]
"""Item -> whether it passed."""


def gather(settings: Settings, folder: Path) -> dict[str, Any]:
    """All numbers of a finished experiment.

    Args:
        settings: Its sizes.
        folder: Its folder.

    Returns:
        JSON values.
    """
    passed = {name: _passed(folder, name) for name in experiment.models(settings)}
    metrics = [name for name in METRICS if passed["base"][name]]
    summaries = [folder / f"loops/{seed}/round-1/summary.json" for seed in experiment.seeds(settings)]
    return {
        "experiment": json.loads((folder / "demo.json").read_text("utf-8")),
        "code": json.loads((folder / "models/base/train.json").read_text("utf-8"))["code"],
        "machine": machine.description(),
        "time": _time(folder),
        "refinement": refinement(settings, folder),
        "rounds": [json.loads(path.read_text("utf-8")) for path in summaries if path.exists()],
        "training": {path.parent.name: _trained(path.parent) for path in sorted(folder.glob("models/*/train.json"))},
        "models": {
            name: {metric: _score(results[metric].values()) for metric in metrics} for name, results in passed.items()
        },
        "without_call": {name: _without_call(folder / "runs/scores" / name / "examples") for name in passed},
        "differences": {
            reference: {
                method: {metric: _difference(settings, passed, reference, method, metric) for metric in metrics}
                for method in settings.methods
                if method != reference
            }
            for reference in ("sft", "base")
        },
        "items": {
            name: {metric: "".join("01"[passed] for passed in results[metric].values()) for metric in metrics}
            for name, results in passed.items()
        },
    }


def refinement(settings: Settings, folder: Path) -> dict[str, Any]:
    """What the refinement did to records whose truth is known, all seeds together.

    Args:
        settings: Sizes of the experiment.
        folder: Its folder.

    Returns:
        `stages`: questions by stage, how many should have been refused and how many were; `kinds`: outcomes by kind;
        `kept` and `raw`: how many records there are and how many of them are good.
    """
    stages = {name: dict.fromkeys(("asked", "wrong", "refused", "hits"), 0) for name in REFUSED_BY}
    kinds: dict[str, dict[str, int]] = {}
    counts = dict.fromkeys(("raw", "raw_good", "kept", "kept_good", "good_lost", "repaired", "stale"), 0)
    for seed in experiment.seeds(settings):
        refined = folder / "refined" / str(seed)
        truths = {truth.id: truth for truth in read_truths([folder / f"data/truth-{seed}.jsonl"])}
        for stage, kind, refused in _first_verdicts(refined / "calls.jsonl", truths):
            wrong = kind in REFUSED_BY[stage]
            for name, counted in (("asked", 1), ("wrong", wrong), ("refused", refused), ("hits", wrong and refused)):
                stages[stage][name] += counted
        raw = {row.id: row for row in _examples(folder / f"data/source-{seed}.jsonl")}
        kept = {row.id: row for row in _examples(refined / "kept.jsonl")}
        hard = {row.id for row in _examples(refined / "hard.jsonl")}
        for name, row in raw.items():
            truth = truths[name]
            outcome = "kept" if name in kept else "hard" if name in hard else "dropped"
            tally = kinds.setdefault(truth.kind, dict.fromkeys(("kept", "dropped", "hard"), 0))
            tally[outcome] += 1
            fine = good(row, truth)
            counts["raw"] += 1
            counts["raw_good"] += fine
            counts["good_lost"] += fine and name not in kept
            if name in kept:
                right = answers(kept[name], truth)
                counts["kept"] += 1
                counts["kept_good"] += good(kept[name], truth)
                counts["repaired"] += right and not answers(row, truth)
                counts["stale"] += right and not concludes(kept[name].think or "", kept[name].answer)
    return {"stages": stages, "kinds": kinds, "counts": counts}


def answers(row: Example, truth: Truth) -> bool:
    """Whether a record's answer decodes to the right calls, or is the right statement."""
    if truth.answer is None or truth.answer == STATEMENT:
        return truth.answer == row.answer
    return decode.read_calls(row.answer) is not None and same(row.answer, truth.answer)


def good(row: Example, truth: Truth) -> bool:
    """Whether a record's answer is right and its reasoning leads to it."""
    return answers(row, truth) and concludes(row.think or "", row.answer)


def _first_verdicts(calls: Path, truths: Mapping[str, Truth]) -> Iterator[tuple[str, str, bool]]:
    """Stage, kind of record, and whether the judge refused it when it was first asked there."""
    seen = set()
    for line in map(json.loads, calls.read_text("utf-8").splitlines()):
        if line["question"] == line["stage"] and (line["index"], line["stage"]) not in seen and line["read"]:
            seen.add((line["index"], line["stage"]))
            yield line["stage"], truths[line["id"]].kind, line["read"]["verdict"] == "no"


def _examples(path: Path) -> Iterator[Example]:
    if path.stat().st_size:
        yield from (row for row in examples.read(path, "example") if isinstance(row, Example))


def _passed(folder: Path, name: str) -> dict[str, Passed]:
    """Metric -> item -> passed; empty where BFCL was not run."""
    measured = {kind: sides.read(folder / "runs" / kind / name) for kind in ("scores", "probe")}
    return {
        metric: {
            key: bool(passed)
            for category in categories
            for (key, _), passed in sorted(measured[kind].results.get(category, {}).items())
        }
        for metric, (kind, categories) in METRICS.items()
    }


def _without_call(folder: Path) -> float:
    """Share of the held-out questions whose reply ended by itself and calls nothing."""
    (run,) = store.find_runs(folder)
    replies = [line.steps[-1].generation for line in store.read_samples(run) if line.steps]
    return fmean(reply.finish == "stop" and "(" not in reply.text.split("\n")[-1] for reply in replies)


def _score(passed: Iterable[bool]) -> dict[str, Any]:
    values = list(passed)
    low, high = wilson(sum(values), len(values))
    return {"passed": sum(values), "n": len(values), "value": fmean(values), "low": low, "high": high}


def _difference(
    settings: Settings, passed: Mapping[str, Mapping[str, Passed]], reference: str, method: str, metric: str
) -> dict[str, Any]:
    """A method minus a reference: for each seed, over the seeds, and pooled over items with their seeds as clusters."""
    each, pooled, keys = [], list[float](), list[str]()
    for seed in experiment.seeds(settings):
        theirs = passed[reference if reference == "base" else f"{reference}-{seed}"][metric]
        mine = passed[f"{method}-{seed}"][metric]
        pairs = [float(mine[key]) - float(theirs[key]) for key in mine]
        low, high = paired.bootstrap(*paired.cluster_sums(pairs, list(mine)))
        each.append({"seed": seed, "difference": fmean(pairs), "low": low, "high": high})
        pooled += pairs
        keys += mine
    sums, sizes = paired.cluster_sums(pooled, keys)
    low, high = paired.bootstrap(sums, sizes)
    return {
        "mean": fmean(pooled),
        "seeds": each,
        "over_seeds": over_seeds([one["difference"] for one in each]),
        "over_items": [low, high],
        "p": paired.permutation_test(sums),
    }


def over_seeds(values: Sequence[float]) -> list[float] | None:
    """95 % t interval of the mean of a few seeds; None for a single one."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return [fmean(values) - half, fmean(values) + half]


def _trained(model: Path) -> dict[str, Any]:
    about = json.loads((model / "train.json").read_text("utf-8"))
    log = [json.loads(line) for line in (model / "log.jsonl").read_text("utf-8").splitlines()]
    return {
        "loss": about["config"]["loss"],
        "steps": about["step"],
        "records": about["data"]["counts"]["records"],
        "tokens": about["data"]["tokens"],
        "reply_tokens_seen": int(sum(line.get("reply_tokens", 0) for line in log)),
        "data_sha256": about["data"]["sha256"],
        "start_sha256": about["base"],
        "alpha": about["parts"].get("alpha"),
    }


def _time(folder: Path) -> dict[str, Any]:
    """Wall time with at least one step running, and CPU seconds of all steps."""
    marks = sorted(
        (json.loads(path.read_text("utf-8")) for path in (folder / "jobs").glob("*.json")),
        key=lambda mark: float(mark["started"]),
    )
    wall = until = 0.0
    for mark in marks:
        wall += max(0.0, mark["ended"] - max(mark["started"], until))
        until = max(until, mark["ended"])
    return {"wall_seconds": wall, "cpu_seconds": sum(mark["cpu_seconds"] for mark in marks)}
