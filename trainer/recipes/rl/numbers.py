"""The experiment's numbers: curves and scores of every model, each item's outcome, and differences with intervals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from harness import machine
from harness.errors import UsageProblem
from harness.results import provenance, store
from trainer.recipes.demo.numbers import difference, over, score
from trainer.recipes.rl.experiment import METHODS, Settings, identity, loop_of, runs
from trainer.rl import probe
from trainer.rl.page import curve

FIGURES = ("reward", "format", "dead/all_right", "dead/all_wrong", "entropy/right", "entropy/wrong", "bonus", "clipped")
MORE = ("kl", "length", "truncated", "seconds/generation", "seconds/reference", "seconds/update")
COMPARED = (
    *(("sft", "start"), ("srml", "start"), ("grpo", "start"), ("egpo", "start")),
    *(("srml", "sft"), ("grpo", "srml"), ("egpo", "srml"), ("egpo", "grpo")),
)
"""Methods, and what each is held against."""

Numbers = Mapping[str, Any]


def gather(settings: Settings, folder: Path, earlier: Numbers) -> dict[str, Any]:
    """All numbers of what is finished, as JSON values.

    Args:
        settings: Sizes.
        folder: The experiment's.
        earlier: What this gave of models that were measured elsewhere; empty where there are none.

    Raises:
        UsageProblem: Those models were trained on other questions.
    """
    kept = (folder / "data/kept.jsonl").read_bytes()
    asked = hashlib.sha256(kept).hexdigest()
    if earlier and earlier["questions_sha256"] != asked:
        raise UsageProblem("the models of --known were trained on other questions", "Leave it out.")
    names = ["start", *(f"{method}-{seed}" for method, seed in runs(settings))]
    here = {name: found for name in names if (found := _passed(folder / "runs" / name))}
    told, commit = earlier.get("items", {}), provenance.code().git
    items = {name: found for name in names if (found := here.get(name) or told.get(name))}
    logs = {name: folder / "models" / name / "log.jsonl" for name in names if name.startswith(("grpo", "egpo"))}
    curves = {name: _curves(path) for name, path in logs.items() if path.exists()}
    rounds = {f"srml-{seed}": _rounds(loop_of(folder, seed)) for method, seed in runs(settings) if method == "srml"}
    return {
        "experiment": identity(settings) | {"seeds": settings.seeds, "methods": settings.methods},
        "code": {name: commit if name in here else earlier["code"][name] for name in items},
        "machine": machine.description(),
        "probe": earlier["probe"] if earlier else probe.summary(_probed(folder), settings.group),
        "kept": len(kept.splitlines()),
        "questions": [json.loads(line)["id"] for line in kept.splitlines()],
        "questions_sha256": asked,
        "training": _joined(names, curves, earlier.get("training", {})),
        "rounds": _joined(names, rounds, earlier.get("rounds", {})),
        "unfinished": [name for name in names if name not in items],
        "scores": {name: score(_values(found)) | {"passed": found.count("1")} for name, found in items.items()},
        "methods": {method: mean for method in ("start", *METHODS) if (mean := _method(items, method))},
        "differences": {
            f"{method}-{other}": gap
            for method, other in COMPARED
            if (gap := _difference(settings, items, method, other))
        },
        "items": items,
    }


def _probed(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "probe" / probe.FILE).read_text("utf-8").splitlines()[1:]]


def _joined(names: Sequence[str], here: Numbers, told: Numbers) -> dict[str, Any]:
    return {name: found for name in names if (found := here.get(name) or told.get(name))}


def _rounds(loop: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(loop.glob("round-*/summary.json"))]


def _values(items: str) -> list[float]:
    return [*map(float, items)]


def _passed(folder: Path) -> str:
    """What each held-out question came to, as a digit, in the order of their ids; empty where that is not finished."""
    found = store.find_runs(folder) if folder.exists() else []
    lines = store.read_samples(found[0]) if found and store.read_run(found[0]).status == "complete" else ()
    return "".join(
        "01"[line.verdicts["examples"].outcome == "pass"]
        for line in sorted(lines, key=lambda line: line.id)
        if "examples" in line.verdicts
    )


def _curves(path: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
    return {name: [(step, float(f"{value:.4g}")) for step, value in curve(lines, name)] for name in (*FIGURES, *MORE)}


def _method(items: Mapping[str, str], method: str) -> dict[str, Any] | None:
    """Mean of a method's seeds, with its interval over them."""
    means = [fmean(_values(found)) for name, found in items.items() if name.partition("-")[0] == method]
    return {"mean": fmean(means), "seeds": len(means), "over_seeds": over(means)} if means else None


def _difference(settings: Settings, items: Mapping[str, str], method: str, other: str) -> dict[str, Any] | None:
    """One method minus another, over the seeds that both have."""
    pairs = {
        seed: (_values(theirs), _values(mine))
        for seed in range(1, settings.seeds + 1)
        if (mine := items.get(f"{method}-{seed}"))
        and (theirs := items.get("start" if other == "start" else f"{other}-{seed}"))
    }
    return difference(pairs) if pairs else None
