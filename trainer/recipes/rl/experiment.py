"""The sizes of the experiment, and every command of it with what it needs.

DIR/data/      questions, those of them that teach something (by `trainer rl --probe`), held-out questions
DIR/probe/     pass rates before training
DIR/models/    each method with each seed, all from the same start
DIR/loops/     `refine loop`: self-refinement of each seed
DIR/runs/      `harness run` of every model on the held-out questions, greedy
DIR/report/    numbers, pictures, the page
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from harness.errors import UsageProblem, unknown_name
from harness.files import write_atomic
from harness.models import inspect
from trainer.recipes import settings as shared
from trainer.recipes.demo.source import Truth
from trainer.recipes.jobs import Job, program, words
from trainer.recipes.tiny.synth import Split, item

METHODS = ("sft", "srml", "grpo", "egpo")
FREE = ("seeds", "methods")
"""Settings that may grow in a folder."""


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
    rounds: int = 3
    """Of self-refinement, which share the steps."""
    group: int = 8
    """Replies to a question."""
    batch: int = 8
    """Questions of a step."""
    learning_rate: float = 1e-4
    sft_learning_rate: float = 1e-4
    """Of self-refinement, too."""
    temperature: float = 1.0
    max_tokens: int = 96
    unseen: int = 200
    """Held-out questions, whose function and parameter names occur in no training."""
    methods: tuple[str, ...] = METHODS


def identity(settings: Settings) -> dict[str, Any]:
    """What two runs must share to be counted together: all but seeds and methods."""
    told = json.loads(json.dumps(asdict(settings))) | {"weights": inspect(settings.model).sha256}
    return {name: value for name, value in told.items() if name not in FREE}


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
    shared.claim(folder / "experiment.json", identity(settings))


def earlier(settings: Settings, numbers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The numbers of an earlier run, if they can be counted together with these.

    Args:
        settings: Sizes.
        numbers: As `page.gather` gave them.

    Returns:
        The same.

    Raises:
        UsageProblem: They are of another experiment.
    """
    old = {name: value for name, value in numbers["experiment"].items() if name not in FREE}
    if old != (new := identity(settings)):
        raise UsageProblem(
            f"--known is of an experiment with another {shared.differing(old, new)}", "Give its sizes, or leave it out."
        )
    return numbers


def write_data(settings: Settings, folder: Path, taught: Collection[str] = ()) -> None:
    """Write the questions that are missing, with what a judge knows of them; the same settings give the same files.

    Args:
        settings: Sizes.
        folder: The experiment's.
        taught: Questions that an earlier run chose to train on; else a probe chooses. Another processor samples other
            replies, and may choose others.
    """
    (folder / "data").mkdir(exist_ok=True)
    splits: tuple[tuple[str, int, Split], ...] = (
        ("questions", settings.questions, "train"),
        ("unseen", settings.unseen, "unseen"),
    )
    for name, count, split in splits:
        rng = Random(f"rl/{name}/{settings.level}")
        rows = [item(rng, settings.level, split).example(f"{name}-{index}") for index in range(count)]
        _write(folder / f"data/{name}.jsonl", rows)
        if name == "questions":
            truths = [Truth(row.id, "clean", str(row.messages[-1]["content"]), row.answer) for row in rows]
            _write(truths_of(folder), truths)
            if taught:
                _write(_kept(folder), [row for row in rows if row.id in taught])


def _write(path: Path, rows: Collection[Any]) -> None:
    if not path.exists():
        write_atomic(path, "".join(json.dumps(asdict(row)) + "\n" for row in rows).encode())


def truths_of(folder: Path) -> Path:
    """What the judge of self-refinement knows."""
    return folder / "data/truth.jsonl"


def runs(settings: Settings) -> list[tuple[str, int]]:
    """Method and seed of each training; a seed of all methods before the next, so that what is done can be compared."""
    return [(method, seed) for seed in range(1, settings.seeds + 1) for method in settings.methods]


def jobs(settings: Settings, folder: Path, known: Collection[str] = ()) -> list[Job]:
    """All commands, in the order in which they should start.

    Args:
        settings: Sizes.
        folder: The experiment's.
        known: Models that were measured elsewhere, on questions that were chosen there.
    """
    found = [] if known else [_probe(settings, folder)]
    if "start" not in known:
        found.append(_score(settings, folder, "start", settings.model))
    trainings = {"sft": _sft, "srml": _srml, "grpo": _rl, "egpo": _rl}
    for method, seed in runs(settings):
        if (name := f"{method}-{seed}") not in known:
            model = (
                loop_of(folder, seed) / f"round-{settings.rounds}/model" if method == "srml" else _model(folder, name)
            )
            found += [trainings[method](settings, folder, method, seed), _score(settings, folder, name, model, name)]
    made = {job.name for job in found}
    return [replace(job, needs=tuple(filter(made.__contains__, job.needs))) for job in found]


def _model(folder: Path, name: str) -> Path:
    return folder / "models" / name


def loop_of(folder: Path, seed: int) -> Path:
    """Where a seed refines itself."""
    return folder / f"loops/{seed}"


def _kept(folder: Path) -> Path:
    return folder / "data/kept.jsonl"


def _probe(settings: Settings, folder: Path) -> Job:
    flags = dict(_sampling(settings)) | {
        "probe": settings.probed,
        "probe_keep": _kept(folder),
        "probe_range": f"{settings.low}-{settings.high}",
    }
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
    name = f"{method}-{seed}"
    command = program(
        "trainer", "rl", model=settings.model, data=_kept(folder), output_dir=_model(folder, name), **flags
    )
    return Job(name, command, ("probe",))


def _tuning(settings: Settings, loss: str, steps: int, seed: int) -> dict[str, object]:
    """What fine-tuning and each round of self-refinement share: as many questions a step as reinforcement asks."""
    return {
        "loss": loss,
        "seed": seed,
        "max_steps": steps,
        "per_device_train_batch_size": settings.batch,
        "learning_rate": settings.sft_learning_rate,
        "warmup_steps": 0,
        "lr_scheduler_type": "constant",
        "use_cpu": True,
    }


def _sft(settings: Settings, folder: Path, method: str, seed: int) -> Job:
    """On the reference's thinking and answer."""
    name = f"{method}-{seed}"
    flags = _tuning(settings, "sft", settings.steps, seed)
    command = program(
        "trainer", "run", model=settings.model, data=_kept(folder), output_dir=_model(folder, name), **flags
    )
    return Job(name, command, ("probe",))


def _srml(settings: Settings, folder: Path, method: str, seed: int) -> Job:
    """Rounds of as many replies to each question as a group has; of those that pass, one a question trains by MSL.

    The scripted judge knows answers and no reasoning of this kind, so it is asked for three of the five stages.
    """
    training = _tuning(settings, "msl", settings.steps // settings.rounds, seed)
    asking = {
        "max_tokens": settings.max_tokens,
        "temperature": settings.temperature,
        "seed": seed,
        "handler": "funreason",
        "progress": "none",
    }
    judging = {"judge_model": "scripted", "stages": "query,arguments,format", "max_attempts": 0}
    command = program(
        "refine",
        "loop",
        mode=method,
        model=settings.model,
        data=_kept(folder),
        output=loop_of(folder, seed),
        rounds=settings.rounds,
        samples=settings.group,
        harness_args=" ".join(words(asking)),
        refine_args=" ".join(words(judging)),
        trainer_args=" ".join(words(training)),
    )
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
