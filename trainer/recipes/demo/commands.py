"""Every command of the experiment, with what it needs.

DIR/data/      source sets with the truth beside them, cold-start data, held-out questions, the forgetting probe
DIR/refined/   `refine run` of each source set, and of a part of it with base as the judge
DIR/models/    `trainer run`: base (cold start) where it is trained, then each method from base with each seed
DIR/loops/     `refine loop`: the round of self-refinement
DIR/runs/      `harness run` of every model: `scores` (held-out and BFCL), `probe` or `retention`
DIR/report/    what was seen of each seed, comparisons, leaderboards, report, the page

Jobs come in parts, one a model: a part is done when all of its jobs are, and is counted only then.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.errors import RunIncomplete
from trainer.recipes.demo.experiment import (
    EMBEDDED,
    Settings,
    base_models,
    bfcl_counts,
    bfcl_ids,
    runs_of,
    seed_models,
    seeds,
    warm_steps,
)
from trainer.recipes.jobs import Job, program, words

UNJUDGED = 3
"""How `refine run` ends where a judge could not be read: with a real judge of this size that is a result."""


def parts(settings: Settings, folder: Path) -> dict[str, list[Job]]:
    """What is counted once it is finished, each with its jobs; a job can belong to several.

    Args:
        settings: Sizes.
        folder: The experiment's folder.

    Returns:
        Models by their names, and `data-1` for the refinement of seed 1, in the order in which they should start: all
        seeds of a method before the next method, since a difference needs seeds.
    """
    cold = [_cold_start(settings, folder)] if settings.cold else []
    found = {model: [*cold, *_measuring(settings, folder, model)] for model in base_models(settings)}
    refining = {seed: [*_refining(settings, folder, seed)] for seed in seeds(settings)}
    for method in settings.methods:
        for seed, (refined, *_) in refining.items():
            trained = [*_training(settings, folder, method, seed)]
            found[f"{method}-{seed}"] = [*cold, refined, *trained, *_measuring(settings, folder, f"{method}-{seed}")]
    for seed, jobs in refining.items():
        found[f"data-{seed}"] = [*cold, *jobs]
    return found


def _cold_start(settings: Settings, folder: Path) -> Job:
    flags = {"loss": "sft", "max_steps": settings.cold_steps, "learning_rate": settings.cold_learning_rate}
    return Job("base", _train(settings, EMBEDDED, folder / "data/cold.jsonl", folder / "models/base", **flags))


def _training(settings: Settings, folder: Path, method: str, seed: int) -> Iterator[Job]:
    if method == "srml":
        yield from _self_refinement(settings, folder, seed)
    else:
        raw = folder / f"data/source-{seed}.jsonl"
        yield _tuning(settings, folder, method, seed, raw if method == "sft-raw" else _kept(folder, seed))


def _base(settings: Settings, folder: Path) -> tuple[Path | str, tuple[str, ...]]:
    """Where every method starts from, and the job that makes it."""
    return (folder / "models/base", ("base",)) if settings.cold else (settings.model, ())


def _refining(settings: Settings, folder: Path, seed: int) -> Iterator[Job]:
    source = folder / f"data/source-{seed}.jsonl"
    scripted = {"judge_model": "scripted", "output": folder / f"refined/{seed}"}
    yield Job(f"refine-{seed}", program("refine", "run", input=source, **scripted))
    if settings.judged:
        model, needs = _base(settings, folder)
        judge = {"judge_model": model, "judge_engine": "hf"}
        limits = {"limit": settings.judged, "max_tokens": 128, "output": folder / f"refined/by-base-{seed}"}
        command = program("refine", "run", input=source, **judge, **limits)
        yield Job(f"refine-by-base-{seed}", command, needs, {"REFINE_RUN_BASE_URLS": ""}, (0, UNJUDGED))


def _tuning(settings: Settings, folder: Path, method: str, seed: int, data: Path) -> Job:
    loss, *rest = method.split("-")
    extra: dict[str, object] = {"alpha_lr": 0.5} if loss == "ssb" else {}
    if loss == "msl":
        extra = dict(zip(("alpha", "mean"), rest, strict=False))
    output = folder / f"models/{method}-{seed}"
    model, needs = _base(settings, folder)
    command = _train(settings, model, data, output, loss=loss, seed=seed, **extra)
    return Job(f"{method}-{seed}", command, (*needs, f"refine-{seed}"))


def _self_refinement(settings: Settings, folder: Path, seed: int) -> Iterator[Job]:
    """A part of the steps by MSL on the refined data, the rest on the model's own answers that pass.

    The scripted judge knows one form of thinking. A pretrained model has forms of its own after so few steps, none of
    which passed, so only its calls are judged.
    """
    steps, warm = warm_steps(settings), folder / f"models/warm-{seed}"
    msl = {"loss": "msl", "alpha": 0.5, "seed": seed}
    model, needs = _base(settings, folder)
    command = _train(settings, model, _kept(folder, seed), warm, **msl, max_steps=steps)
    yield Job(f"warm-{seed}", command, (*needs, f"refine-{seed}"))
    flags = _schedule(settings) | msl | {"max_steps": settings.steps - steps}
    asking = (
        f"--max-tokens {settings.max_tokens} --temperature {settings.temperature} --seed {seed}"
        f" --dtype {settings.dtype} --progress none"
    )
    judging: dict[str, object] = {"judge_model": "scripted", "max_attempts": 0}
    if not settings.cold:
        judging["stages"] = "query,arguments,format"
    loop = folder / f"loops/{seed}"
    command = program(
        "refine",
        "loop",
        mode="srml",
        model=warm,
        data=folder / f"data/source-{seed}.jsonl",
        output=loop,
        harness_args=asking,
        refine_args=" ".join(words(judging)),
        trainer_args=" ".join(words(flags)),
    )
    yield Job(f"loop-{seed}", command, (f"warm-{seed}",))
    adopt = (sys.executable, "-m", "trainer.recipes.demo", "adopt", str(loop), str(folder / f"models/srml-{seed}"))
    yield Job(f"srml-{seed}", adopt, (f"loop-{seed}",))


def adopt(loop: Path, model: Path) -> None:
    """Copy the model of a round of self-refinement to where models are measured.

    Args:
        loop: The loop's folder.
        model: Where to.

    Raises:
        RunIncomplete: The round kept nothing to train on.
    """
    found = loop / "round-1/model"
    if not found.exists():
        raise RunIncomplete(
            f"{loop}: none of the model's own answers passed, so the round trained nothing",
            "Give the first half more --steps, answers more --max-tokens, or leave srml out of --methods.",
        )
    shutil.copytree(found, model, dirs_exist_ok=True, ignore=shutil.ignore_patterns("checkpoint-*"))


def _kept(folder: Path, seed: int) -> Path:
    return folder / f"refined/{seed}/kept.jsonl"


def _train(settings: Settings, model: Path | str, data: Path, output: Path, **flags: object) -> tuple[str, ...]:
    start = {"model": model, "data": data, "output_dir": output}
    return program("trainer", "run", **start, **_schedule(settings) | flags)


def _schedule(settings: Settings) -> dict[str, object]:
    """What all trainings share; so short a training keeps no checkpoint but its end."""
    flags: dict[str, object] = {
        "max_steps": settings.steps,
        "learning_rate": settings.learning_rate,
        "warmup_steps": 0.1,
        "per_device_train_batch_size": settings.rows,
        "gradient_accumulation_steps": settings.batch // settings.rows,
        "max_length": 768,
        "save_steps": 10**6,
        "use_cpu": True,
    }
    return flags if settings.dtype == "float32" else flags | {"bf16": True}


def _measuring(settings: Settings, folder: Path, name: str) -> Iterator[Job]:
    """Held-out questions and BFCL in one run of the program, what training cost in another."""
    needs: tuple[str, ...] = (name,)
    model: Path | str = folder / "models" / name
    if name == EMBEDDED or (name == "base" and not settings.cold):
        model, needs = settings.model, ()
    data, runs = folder / "data", folder / "runs"
    tasks = [
        "examples",
        *(bfcl_counts(settings) if bfcl_ids(settings) else ()),
        *([] if settings.probe else ["retention"]),
    ]
    same = {"model": model, "max_tokens": settings.max_tokens, "dtype": settings.dtype, "handler": "funreason"}
    same["progress"] = "none"
    scores = program("harness", "run", tasks=",".join(tasks), ids=data / "ids.txt", output=runs / "scores", **same)
    yield Job(f"scores-{name}", scores, needs, {"HARNESS_EXAMPLES": str(data / "unseen.jsonl")})
    if settings.probe:
        probe = program("harness", "run", tasks="examples", output=runs / "probe", **same)
        yield Job(f"probe-{name}", probe, needs, {"HARNESS_EXAMPLES": str(data / "probe.jsonl")})


def reporting(settings: Settings, folder: Path) -> Iterator[Job]:
    """Comparisons, leaderboards and replies side by side, of what was measured in this folder.

    Args:
        settings: Sizes.
        folder: The experiment's folder.

    Yields:
        Jobs that need no other one; none where base was measured elsewhere.
    """
    if not runs_of(settings, folder, "scores", "base").exists():
        return
    here = [seed for seed in seeds(settings) if runs_of(settings, folder, "scores", f"sft-{seed}").exists()]
    report = folder / "report"

    def scores(name: str) -> Path:
        return runs_of(settings, folder, "scores", name)

    for seed in here:
        others = [scores(name) for name in seed_models(settings, seed) if name != f"sft-{seed}"]
        for name, sides in {
            "sft": [scores(f"sft-{seed}"), scores("base"), *others],
            "base": [scores("base"), scores(f"sft-{seed}"), *others],
        }.items():
            command = program("harness", "compare", *sides, format="md", output=report / f"compare-{name}-{seed}.md")
            yield Job(f"compare-{name}-{seed}", command)
    for kind in ("scores", "probe") if settings.probe else ("scores",):
        board = program("harness", "leaderboard", folder / "runs" / kind, view="examples", output=report / kind)
        yield Job(f"board-{kind}", board)
    sides = [scores(name) / "examples" for name in ("base", f"sft-{here[0]}")]
    yield Job("report", program("harness", "view", "bundle", *sides, output=report / "report.html"))
