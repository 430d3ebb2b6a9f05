"""What the experiment consists of: its sizes, its data files, and every command with what it needs.

DIR/data/      source sets with the truth beside them, cold-start data, held-out questions, the forgetting probe
DIR/refined/   `refine run` of each source set
DIR/models/    `trainer run`: base (cold start), then each method from base with each seed
DIR/loops/     `refine loop`: the round of self-refinement
DIR/runs/      `harness run` of every model: `scores` (held-out and BFCL) and `probe`
DIR/report/    comparisons, leaderboard, report, the page
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from harness import datasets
from harness.errors import DataError, RunIncomplete, UsageProblem, unknown_name
from harness.models import inspect
from harness.store import write_atomic
from harness.types import Example
from trainer.recipes.demo.jobs import Job, program
from trainer.recipes.demo.source import Truth, clean, items, records
from trainer.recipes.tiny.__main__ import example
from trainer.recipes.tiny.synth import item

METHODS = ("sft-raw", "sft", "msl-0.3", "msl-0.5", "msl-0.7", "ssb", "srml")
"""What each seed trains, all from base: `sft-raw` on the source set as it is, the others on what refinement kept."""
BEFORE = "tiny"
"""The embedded model, from which base is trained."""
PROBE_LEVELS = {1: 3, 2: 5, 3: 9, 4: 3}
"""Weights of the levels in the last part of the embedded model's pre-training."""
BFCL = ("simple_python", "multiple")


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes of the experiment; the defaults are the full one."""

    seeds: int = 3
    """Each has a source set, a refinement and batch orders of its own; base is shared."""
    level: int = 2
    """Difficulty of the items, 1 to 3."""
    records: int = 360
    """Of each source set."""
    cold_records: int = 480
    cold_steps: int = 30
    cold_learning_rate: float = 1e-3
    steps: int = 24
    """Of each method. Self-refinement takes half of them before its round and half in it."""
    learning_rate: float = 5e-4
    batch: int = 16
    unseen: int = 200
    """Held-out questions whose function and parameter names occur in no training."""
    probe: int = 60
    """Held-out questions of the embedded model's pre-training."""
    bfcl: int = 60
    """Questions of `simple_python`, evenly spread; half as many of `multiple`."""
    max_tokens: int = 224
    temperature: float = 0.5
    """Of the answers that self-refinement learns from."""
    methods: tuple[str, ...] = METHODS
    """Some of `METHODS`, `sft` among them."""


QUICK = Settings(seeds=1, records=200, steps=16, unseen=60, probe=30, bfcl=20)


def claim(settings: Settings, folder: Path) -> None:
    """Write the settings of a new experiment, or hold them against those of the old one.

    Args:
        settings: Sizes.
        folder: Its folder.

    Raises:
        UsageProblem: The folder holds another experiment, or a method is unknown.
    """
    for method in settings.methods:
        if method not in METHODS:
            raise unknown_name("method", method, METHODS)
    identity = json.loads(json.dumps(asdict(settings))) | {"model": inspect(BEFORE).sha256, "bfcl_data": bfcl_data()}
    path = folder / "demo.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(identity, indent=1).encode())
    elif (old := json.loads(path.read_text("utf-8"))) != identity:
        changed = sorted(name for name in {*old, *identity} if old.get(name) != identity.get(name))
        raise UsageProblem(f"{folder} holds an experiment with another {', '.join(changed)}", "Give a new --output.")


def bfcl_data() -> str | None:
    """Digest of the BFCL data; None where it was not fetched."""
    try:
        datasets.path("bfcl")
    except DataError:
        return None
    return datasets.sha256("bfcl")


def write_data(settings: Settings, folder: Path) -> None:
    """Write every data file that is missing; the same settings give the same files."""
    level, data = settings.level, folder / "data"
    data.mkdir(exist_ok=True)
    (folder / "report").mkdir(exist_ok=True)

    def named(kind: str, count: int, split: str = "train") -> list[Example]:
        made = items(count, kind, level, "unseen" if split == "unseen" else "train")
        return [clean(each, f"{kind}-{index}") for index, each in enumerate(made)]

    _write(data / "cold.jsonl", named("cold", settings.cold_records))
    _write(data / "unseen.jsonl", named("unseen", settings.unseen, "unseen"))
    rng = Random("probe")
    levels = rng.choices(list(PROBE_LEVELS), list(PROBE_LEVELS.values()), k=settings.probe)
    _write(data / "probe.jsonl", [example(item(rng, one, "unseen"), f"probe-{n}") for n, one in enumerate(levels)])
    for seed in seeds(settings):
        pairs = list(records(settings.records, seed, level))
        _write(data / f"truth-{seed}.jsonl", [truth for _, truth in pairs])
        _write(data / f"source-{seed}.jsonl", [record for record, _ in pairs])
    ids = [json.loads(line)["id"] for line in (data / "unseen.jsonl").read_text("utf-8").splitlines()]
    (data / "ids.txt").write_text("".join(f"{name}\n" for name in (*ids, *_bfcl_ids(settings))), "utf-8")


def seeds(settings: Settings) -> range:
    """The seeds, from 1."""
    return range(1, settings.seeds + 1)


def models(settings: Settings) -> list[str]:
    """Names of all models that are measured; `sft-2` is method `sft` with seed 2."""
    return [BEFORE, "base", *(f"{method}-{seed}" for seed in seeds(settings) for method in settings.methods)]


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
    tasks = ",".join(("examples", *(BFCL if _bfcl_ids(settings) else ())))
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


def _bfcl_ids(settings: Settings) -> list[str]:
    """Evenly spread ids of the first 400 questions of `simple_python` and the first 200 of `multiple`."""
    if not settings.bfcl or bfcl_data() is None:
        return []
    counts = {"simple_python": (400, settings.bfcl), "multiple": (200, settings.bfcl // 2)}
    return [f"{name}_{index * size // n}" for name, (size, n) in counts.items() for index in range(n)]


def _write(path: Path, rows: Sequence[Example | Truth]) -> None:
    if not path.exists():
        write_atomic(path, "".join(json.dumps(asdict(row)) + "\n" for row in rows).encode())
