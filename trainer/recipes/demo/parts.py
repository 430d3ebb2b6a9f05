"""What was seen of one part of the experiment, as a file: small enough to commit, and all that the page needs of it.

    {"part": "sft-1", "experiment": {"model": "smollm2", "steps": 8, ...}, "items": {"exact": "0110..."}, ...}

A part is a model, or the refinement of a seed's data (`data-1`). Once finished it is never run again and counts from
its record alone: weights and runs may be gone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from harness import machine
from harness.errors import UsageProblem
from harness.files import write_atomic
from harness.results import store
from harness.results.provenance import code
from harness.results.tally import credit
from trainer.recipes import jobs
from trainer.recipes import settings as shared
from trainer.recipes.demo import experiment
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
    "texts": ("scores", ("retention_texts",)),
    "chat": ("scores", ("retention_chat",)),
    "questions": ("scores", ("retention_questions",)),
}
"""Metric -> kind of run, and the categories whose items it pools."""

Record = Mapping[str, Any]


def read(settings: Settings, folder: Path, identity: Mapping[str, Any]) -> dict[str, Record]:
    """Records of the parts that are finished.

    Args:
        settings: Sizes of the experiment.
        folder: Where they are.
        identity: What each must be of, as `experiment.identity` gives it.

    Returns:
        Part -> record.

    Raises:
        UsageProblem: One of them is of another experiment.
    """
    names = [*experiment.base_models(settings)]
    for seed in experiment.seeds(settings):
        names += [*experiment.seed_models(settings, seed), f"data-{seed}"]
    found = {name: json.loads(path.read_text("utf-8")) for name in names if (path := _path(folder, name)).exists()}
    for name, record in found.items():
        if record["experiment"] != identity:
            raise UsageProblem(
                f"{_path(folder, name)} is of an experiment with another"
                f" {shared.differing(record['experiment'], identity)}",
                "Give its sizes, or other folders.",
            )
    return found


def identity_of(folder: Path) -> dict[str, Any]:
    """Of which experiment the records in a folder are.

    Args:
        folder: Where they are; base's is among them.

    Returns:
        As `experiment.identity`.

    Raises:
        UsageProblem: There is no record of base.
    """
    path = _path(folder, "base")
    if not path.exists():
        raise UsageProblem(f"{folder} holds no record of base", "Give the folder that --keep named.")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["experiment"]
    return found


def write(folder: Path, name: str, record: Record) -> None:
    """Write the record of a finished part."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(_path(folder, name), (json.dumps(record, indent=1) + "\n").encode())


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def observe(settings: Settings, folder: Path, name: str, steps: Sequence[str]) -> Record:
    """Everything that the page needs of a finished part.

    Args:
        settings: Sizes of the experiment.
        folder: Its folder.
        name: A model, or `data-` and a seed.
        steps: Names of the part's jobs.

    Returns:
        JSON values.
    """
    about = {
        "part": name,
        "experiment": experiment.identity(settings),
        "code": {"git": code().git},
        "machine": machine.description(),
        "steps": {step: _times(jobs.mark(folder, step) or {}) for step in steps},
    }
    what, _, seed = name.rpartition("-")
    if what == "data":
        return about | _refined(settings, folder, int(seed))
    trained = {"training": name, **({"warm": f"warm-{seed}"} if what == "srml" else {})}
    found = {title: _trained(path) for title, model in trained.items() if (path := folder / "models" / model).exists()}
    summary = folder / f"loops/{seed}/round-1/summary.json"
    if what == "srml" and summary.exists():
        found["round"] = json.loads(summary.read_text("utf-8"))
    runs = runs_of(settings, folder, "scores", name)
    return about | {
        "items": _outcomes(settings, folder, name),
        "without_call": _without_call(runs / "examples"),
        **found,
    }


def _times(mark: Mapping[str, Any]) -> dict[str, Any]:
    """Of a job's mark what another machine can use: not its command, which names folders of this one."""
    return {name: mark[name] for name in ("started", "ended", "cpu_seconds")}


def _refined(settings: Settings, folder: Path, seed: int) -> dict[str, Any]:
    found = {"refinement": refinement(folder, seed, folder / f"refined/{seed}")}
    if settings.judged:
        found["judged"] = refinement(folder, seed, folder / f"refined/by-base-{seed}", settings.judged)
    return found


def _outcomes(settings: Settings, folder: Path, name: str) -> dict[str, str | list[float]]:
    """Metric -> what each item came to, in the order of their ids; metrics that were not measured are left out.

    Passes are a text with a digit an item, grades a list.
    """
    measured = {
        kind: _measured(runs_of(settings, folder, kind, name)) for kind in {kind for kind, _ in METRICS.values()}
    }
    found: dict[str, str | list[float]] = {}
    for metric, (kind, categories) in METRICS.items():
        items = [value for category in categories for _, value in sorted(measured[kind].get(category, {}).items())]
        if items:
            passes = all(value in (0, 1) for value in items)
            found[metric] = "".join(str(int(value)) for value in items) if passes else items
    return found


def _measured(runs: Path) -> dict[str, dict[str, float]]:
    """Category -> item -> credit."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for run in store.find_runs(runs) if runs.exists() else ():
        for line in store.read_samples(run):
            for category, verdict in line.verdicts.items():
                found[category][line.id] = credit(verdict)
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
