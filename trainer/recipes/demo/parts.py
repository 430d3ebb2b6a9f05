"""What was seen of one part of the experiment, as a file: small enough to commit, and all that the page needs of it.

    {"part": "1", "experiment": {"model": "smollm2", "steps": 10, ...}, "models": {"sft-1": {"exact": "0110..."}}, ...}

A finished part is never run again, and counts from its record alone: models and runs may be gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from harness import machine
from harness.analysis import sides
from harness.errors import UsageProblem
from harness.files import write_atomic
from harness.results import store
from harness.results.provenance import code
from trainer.recipes.demo import experiment, jobs
from trainer.recipes.demo.experiment import Settings, runs_of
from trainer.recipes.demo.refining import refinement

METRICS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "format": ("scores", ("examples_format",)),
    "name": ("scores", ("examples_name",)),
    "arguments": ("scores", ("examples_arguments",)),
    "exact": ("scores", ("examples",)),
    "bfcl": ("scores", experiment.BFCL),
    "simple": ("scores", ("simple_python",)),
    "multiple": ("scores", ("multiple",)),
    "irrelevance": ("scores", ("irrelevance",)),
    "probe": ("probe", ("examples",)),
}
"""Metric -> kind of run, and the categories whose items it pools."""

Record = Mapping[str, Any]


def read(settings: Settings, folder: Path) -> dict[str, Record]:
    """Records of the parts that are finished.

    Args:
        settings: Sizes of the experiment.
        folder: Where they are.

    Returns:
        Part -> record; `base`, and seeds as text.

    Raises:
        UsageProblem: One of them is of another experiment.
    """
    names = ("base", *map(str, experiment.seeds(settings)))
    found = {name: json.loads(path.read_text("utf-8")) for name in names if (path := _path(folder, name)).exists()}
    expected = experiment.identity(settings)
    for name, record in found.items():
        if record["experiment"] != expected:
            raise UsageProblem(
                f"{_path(folder, name)} is of an experiment with another"
                f" {experiment.differing(record['experiment'], expected)}",
                "Give its sizes, or other folders.",
            )
    return found


def write(folder: Path, name: str, record: Record) -> None:
    """Write the record of a finished part."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(_path(folder, name), (json.dumps(record, indent=1) + "\n").encode())


def _path(folder: Path, name: str) -> Path:
    return folder / ("base.json" if name == "base" else f"seed-{name}.json")


def observe(settings: Settings, folder: Path, name: str, steps: Sequence[str]) -> Record:
    """Everything that the page needs of a finished part.

    Args:
        settings: Sizes of the experiment.
        folder: Its folder.
        name: `base`, or a seed.
        steps: Names of the part's jobs.

    Returns:
        JSON values.
    """
    base = name == "base"
    names = experiment.base_models(settings) if base else experiment.seed_models(settings, int(name))
    trained = [*names, *([] if base else [f"warm-{name}"])]
    found = {
        "part": name,
        "experiment": experiment.identity(settings),
        "code": {"git": code().git},
        "machine": machine.description(),
        "steps": [jobs.mark(folder, step) for step in steps],
        "models": {model: _outcomes(settings, folder, model) for model in names},
        "without_call": {
            model: _without_call(runs_of(settings, folder, "scores", model) / "examples") for model in names
        },
        "training": {
            model: _trained(folder / "models" / model)
            for model in trained
            if (folder / "models" / model / "train.json").exists()
        },
    }
    return found if base else found | _refined(settings, folder, int(name))


def _refined(settings: Settings, folder: Path, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = {"refinement": refinement(folder, seed, folder / f"refined/{seed}")}
    if settings.judged:
        found["judged"] = refinement(folder, seed, folder / f"refined/by-base-{seed}", settings.judged)
    summary = folder / f"loops/{seed}/round-1/summary.json"
    return found | ({"round": json.loads(summary.read_text("utf-8"))} if summary.exists() else {})


def _outcomes(settings: Settings, folder: Path, name: str) -> dict[str, str]:
    """Metric -> a digit an item, in the order of their ids; metrics that were not measured are left out."""
    kinds = {kind: runs_of(settings, folder, kind, name) for kind, _ in METRICS.values()}
    measured = {kind: sides.read(path).results for kind, path in kinds.items() if path.exists()}
    found = {}
    for metric, (kind, categories) in METRICS.items():
        items = {
            (category, key): passed
            for category in categories
            for key, passed in measured.get(kind, {}).get(category, {}).items()
        }
        if items:
            found[metric] = "".join("01"[bool(passed)] for _, passed in sorted(items.items()))
    return found


def _without_call(folder: Path) -> float:
    """Share of the held-out questions whose reply ended by itself and calls nothing."""
    (run,) = store.find_runs(folder)
    replies = [line.steps[-1].generation for line in store.read_samples(run) if line.steps]
    return fmean(reply.finish == "stop" and "(" not in reply.text.split("\n")[-1] for reply in replies)


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
