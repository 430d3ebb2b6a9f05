"""Every command of the experiment, with what it needs.

DIR/data/      source sets with the truth beside them, cold-start data, held-out questions, the forgetting probe
DIR/refined/   `refine run` of each source set
DIR/models/    `trainer run`: base (cold start), then each method from base with each seed
DIR/loops/     `refine loop`: the round of self-refinement
DIR/runs/      `harness run` of every model: `scores` (held-out and BFCL) and `probe`
DIR/report/    comparisons, leaderboards, report, the page
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.errors import RunIncomplete
from trainer.recipes.demo.experiment import BEFORE, BFCL, Settings, bfcl_ids, models, seeds
from trainer.recipes.demo.jobs import Job, program


def jobs(settings: Settings, folder: Path) -> list[Job]:
    """All commands, in the order in which they should start.

    Args:
        settings: Sizes.
        folder: The experiment's folder.

    Returns:
        The jobs; `harness compare`, `leaderboard` and `view bundle` at the end.
    """
    found = [*_training(settings, folder)]
    for model in models(settings):
        found += _measuring(settings, folder, model)
    return [*found, *_reporting(settings, folder)]


def _training(settings: Settings, folder: Path) -> Iterator[Job]:
    data, refined = folder / "data", folder / "refined"
    cold = {"loss": "sft", "max_steps": settings.cold_steps, "learning_rate": settings.cold_learning_rate}
    yield Job("base", _train(settings, BEFORE, data / "cold.jsonl", folder / "models/base", **cold))
    for seed in seeds(settings):
        judge = {"judge_model": "scripted", "output": refined / str(seed)}
        yield Job(f"refine-{seed}", program("refine", "run", input=data / f"source-{seed}.jsonl", **judge))
    for seed in seeds(settings):
        if "srml" in settings.methods:
            yield from _self_refinement(settings, folder, seed)
        for method in settings.methods:
            if method != "srml":
                raw = data / f"source-{seed}.jsonl"
                yield _tuning(settings, folder, method, seed, raw if method == "sft-raw" else _kept(folder, seed))


def _tuning(settings: Settings, folder: Path, method: str, seed: int, data: Path) -> Job:
    loss, _, alpha = method.partition("-")
    extra = {"alpha": alpha} if loss == "msl" else {"alpha_lr": 0.5} if loss == "ssb" else {}
    output = folder / f"models/{method}-{seed}"
    command = _train(settings, folder / "models/base", data, output, loss=loss, seed=seed, **extra)
    return Job(f"{method}-{seed}", command, ("base", f"refine-{seed}"))


def _self_refinement(settings: Settings, folder: Path, seed: int) -> Iterator[Job]:
    """Half of the steps by MSL on the refined data, half on the model's own answers that pass."""
    steps, warm = settings.steps // 2, folder / f"models/warm-{seed}"
    msl = {"loss": "msl", "alpha": 0.5, "seed": seed}
    command = _train(settings, folder / "models/base", _kept(folder, seed), warm, **msl, max_steps=steps)
    yield Job(f"warm-{seed}", command, ("base", f"refine-{seed}"))
    flags = _schedule(settings) | msl | {"max_steps": settings.steps - steps}
    words = (f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}") for name, value in flags.items())
    asking = f"--max-tokens {settings.max_tokens} --temperature {settings.temperature} --seed {seed} --progress none"
    loop = folder / f"loops/{seed}"
    command = program(
        "refine",
        "loop",
        mode="srml",
        model=warm,
        data=folder / f"data/source-{seed}.jsonl",
        output=loop,
        harness_args=asking,
        refine_args="--judge-model scripted --max-attempts 0",
        trainer_args=" ".join(words),
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
            "Give base more --cold-steps, answers more --max-tokens, or leave srml out of --methods.",
        )
    shutil.copytree(found, model, dirs_exist_ok=True, ignore=shutil.ignore_patterns("checkpoint-*"))


def _kept(folder: Path, seed: int) -> Path:
    return folder / f"refined/{seed}/kept.jsonl"


def _train(settings: Settings, model: Path | str, data: Path, output: Path, **flags: object) -> tuple[str, ...]:
    start = {"model": model, "data": data, "output_dir": output}
    return program("trainer", "run", **start, **_schedule(settings) | flags)


def _schedule(settings: Settings) -> dict[str, object]:
    """What all trainings share; so short a training keeps no checkpoint but its end."""
    return {
        "max_steps": settings.steps,
        "learning_rate": settings.learning_rate,
        "warmup_steps": 0.1,
        "per_device_train_batch_size": settings.batch,
        "max_length": 768,
        "save_steps": 10**6,
        "bf16": True,
        "use_cpu": True,
    }


def _measuring(settings: Settings, folder: Path, name: str) -> Iterator[Job]:
    """Held-out questions and BFCL in one run of the program, the probe in another."""
    model = BEFORE if name == BEFORE else folder / "models" / name
    needs = () if name == BEFORE else (name,)
    data, runs = folder / "data", folder / "runs"
    tasks = ",".join(("examples", *(BFCL if bfcl_ids(settings) else ())))
    same = {"model": model, "max_tokens": settings.max_tokens, "progress": "none"}
    scores = program("harness", "run", tasks=tasks, ids=data / "ids.txt", output=runs / "scores", **same)
    yield Job(f"scores-{name}", scores, needs, {"HARNESS_EXAMPLES": str(data / "unseen.jsonl")})
    probe = program("harness", "run", tasks="examples", output=runs / "probe", **same)
    yield Job(f"probe-{name}", probe, needs, {"HARNESS_EXAMPLES": str(data / "probe.jsonl")})


def _reporting(settings: Settings, folder: Path) -> Iterator[Job]:
    scores, report = folder / "runs/scores", folder / "report"
    needs = tuple(f"{kind}-{model}" for model in models(settings) for kind in ("scores", "probe"))
    for seed in seeds(settings):
        others = [scores / f"{method}-{seed}" for method in settings.methods if method != "sft"]
        for name, sides in {
            "sft": [scores / f"sft-{seed}", scores / "base", *others],
            "base": [scores / "base", scores / f"sft-{seed}", *others],
        }.items():
            command = program("harness", "compare", *sides, format="md", output=report / f"compare-{name}-{seed}.md")
            yield Job(f"compare-{name}-{seed}", command, needs)
    for kind in ("scores", "probe"):
        board = program("harness", "leaderboard", folder / "runs" / kind, view="examples", output=report / kind)
        yield Job(f"board-{kind}", board, needs)
    sides = [scores / name / "examples" for name in ("base", f"{settings.methods[-1]}-1")]
    yield Job("report", program("harness", "view", "bundle", *sides, output=report / "report.html"), needs)
