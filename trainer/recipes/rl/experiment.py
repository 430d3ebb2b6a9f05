"""The sizes of the experiment, and every command of it with what it needs.

DIR/data/      questions, those of them that teach something (by `trainer rl --probe`), held-out questions
DIR/probe/     pass rates before training
DIR/models/    each method with each seed, all from the same start
DIR/runs/      `harness run` of every model on the held-out questions, greedy
DIR/report/    numbers, pictures, the page
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from harness.errors import UsageProblem, unknown_name
from harness.files import write_atomic
from harness.models import inspect
from trainer.recipes.demo.jobs import Job, program
from trainer.recipes.tiny.synth import Split, item

METHODS = ("sft", "grpo", "egpo")


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes; the defaults are those of the page in this folder."""

    model: str = "tiny"
    """Where every method starts."""
    seeds: int = 3
    """Each has an order of questions and random replies of its own; the questions are shared."""
    level: int = 1
    """Difficulty of the questions, 1 to 3."""
    questions: int = 300
    """That are probed."""
    probed: int = 200
    low: float = 0.1
    """Smallest pass rate of a question that is trained on."""
    high: float = 0.9
    """Largest."""
    steps: int = 24
    group: int = 8
    """Replies to a question."""
    batch: int = 8
    """Questions of a step."""
    learning_rate: float = 1e-4
    sft_learning_rate: float = 1e-4
    temperature: float = 1.0
    max_tokens: int = 96
    unseen: int = 200
    """Held-out questions, whose function and parameter names occur in no training."""
    methods: tuple[str, ...] = METHODS


def claim(settings: Settings, folder: Path) -> None:
    """Write the settings of a new experiment, or hold them against those of the old one; seeds and methods may grow.

    Args:
        settings: Sizes.
        folder: Its folder.

    Raises:
        UsageProblem: The folder holds another experiment, or a method is unknown.
    """
    for method in settings.methods:
        if method not in METHODS:
            raise unknown_name("method", method, METHODS)
    identity = json.loads(json.dumps(asdict(settings))) | {"weights": inspect(settings.model).sha256}
    path, free = folder / "experiment.json", ("seeds", "methods")
    if path.exists():
        old = json.loads(path.read_text("utf-8"))
        changed = sorted(name for name in identity if name not in free and old.get(name) != identity[name])
        if changed:
            raise UsageProblem(
                f"{folder} holds an experiment with another {', '.join(changed)}", "Name a new --output."
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(identity, indent=1).encode())


def write_data(settings: Settings, folder: Path) -> None:
    """Write the questions that are missing; the same settings give the same files."""
    (folder / "data").mkdir(exist_ok=True)
    splits: tuple[tuple[str, int, Split], ...] = (
        ("questions", settings.questions, "train"),
        ("unseen", settings.unseen, "unseen"),
    )
    for name, count, split in splits:
        rng = Random(f"rl/{name}/{settings.level}")
        rows = [item(rng, settings.level, split).example(f"{name}-{index}") for index in range(count)]
        path = folder / "data" / f"{name}.jsonl"
        if not path.exists():
            write_atomic(path, "".join(json.dumps(asdict(row)) + "\n" for row in rows).encode())


def runs(settings: Settings) -> list[tuple[str, int]]:
    """Method and seed of each training; a seed of all methods before the next, so that what is done can be compared."""
    return [(method, seed) for seed in range(1, settings.seeds + 1) for method in settings.methods]


def jobs(settings: Settings, folder: Path) -> list[Job]:
    """All commands, in the order in which they should start."""
    found = [_probe(settings, folder), _score(settings, folder, "start", settings.model)]
    for method, seed in runs(settings):
        name = f"{method}-{seed}"
        train = _sft if method == "sft" else _rl
        found += [train(settings, folder, method, seed), _score(settings, folder, name, folder / "models" / name, name)]
    return found


def _probe(settings: Settings, folder: Path) -> Job:
    keep, between = folder / "data/kept.jsonl", f"{settings.low}-{settings.high}"
    flags = dict(_sampling(settings)) | {"probe": settings.probed, "probe_keep": keep, "probe_range": between}
    data, output = folder / "data/questions.jsonl", folder / "probe"
    return Job("probe", program("trainer", "rl", model=settings.model, data=data, output_dir=output, **flags))


def _sampling(settings: Settings) -> Iterator[tuple[str, object]]:
    yield "num_generations", settings.group
    yield "temperature", settings.temperature
    yield "max_completion_length", settings.max_tokens
    yield "use_cpu", True


def _rl(settings: Settings, folder: Path, method: str, seed: int) -> Job:
    flags = dict(_sampling(settings)) | {
        "method": method,
        "seed": seed,
        "max_steps": settings.steps,
        "per_device_train_batch_size": settings.batch * settings.group,
        "learning_rate": settings.learning_rate,
        "save_steps": 5,
        "save_total_limit": 1,
        "keep_every": 8,
    }
    output = folder / f"models/{method}-{seed}"
    data = folder / "data/kept.jsonl"
    command = program("trainer", "rl", model=settings.model, data=data, output_dir=output, **flags)
    return Job(f"{method}-{seed}", command, ("probe",))


def _sft(settings: Settings, folder: Path, method: str, seed: int) -> Job:
    """As many questions a step, with the reference's thinking and answer."""
    flags = {
        "loss": "sft",
        "seed": seed,
        "max_steps": settings.steps,
        "per_device_train_batch_size": settings.batch,
        "learning_rate": settings.sft_learning_rate,
        "warmup_steps": 0,
        "lr_scheduler_type": "constant",
        "use_cpu": True,
    }
    output, data = folder / f"models/{method}-{seed}", folder / "data/kept.jsonl"
    command = program("trainer", "run", model=settings.model, data=data, output_dir=output, **flags)
    return Job(f"{method}-{seed}", command, ("probe",))


def _score(settings: Settings, folder: Path, name: str, model: Path | str, *needs: str) -> Job:
    command = program(
        "harness",
        "run",
        model=model,
        tasks="examples",
        max_tokens=settings.max_tokens,
        handler="funreason",
        output=folder / "runs" / name,
        progress="none",
    )
    return Job(f"score-{name}", command, needs, {"HARNESS_EXAMPLES": str(folder / "data/unseen.jsonl")})
