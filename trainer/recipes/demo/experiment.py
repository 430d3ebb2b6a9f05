"""What the experiment consists of: its sizes, its models and its data files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from harness.data import datasets
from harness.errors import DataError, UsageProblem, unknown_name
from harness.files import write_atomic
from harness.models import inspect
from harness.types import Example
from trainer.recipes.demo.source import Truth, clean, items, records
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
    if "sft" not in settings.methods:
        raise UsageProblem("--methods without sft", "Add it: the others are compared with it.")
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
    _write(data / "probe.jsonl", [item(rng, one, "unseen").example(f"probe-{n}") for n, one in enumerate(levels)])
    for seed in seeds(settings):
        pairs = list(records(settings.records, seed, level))
        _write(data / f"truth-{seed}.jsonl", [truth for _, truth in pairs])
        _write(data / f"source-{seed}.jsonl", [record for record, _ in pairs])
    ids = [json.loads(line)["id"] for line in (data / "unseen.jsonl").read_text("utf-8").splitlines()]
    (data / "ids.txt").write_text("".join(f"{name}\n" for name in (*ids, *bfcl_ids(settings))), "utf-8")


def seeds(settings: Settings) -> range:
    """The seeds, from 1."""
    return range(1, settings.seeds + 1)


def models(settings: Settings) -> list[str]:
    """Names of all models that are measured; `sft-2` is method `sft` with seed 2."""
    return [BEFORE, "base", *(f"{method}-{seed}" for seed in seeds(settings) for method in settings.methods)]


def bfcl_ids(settings: Settings) -> list[str]:
    """Evenly spread ids of the first 400 questions of `simple_python` and the first 200 of `multiple`."""
    if not settings.bfcl or bfcl_data() is None:
        return []
    counts = {"simple_python": (400, settings.bfcl), "multiple": (200, settings.bfcl // 2)}
    return [f"{name}_{index * size // n}" for name, (size, n) in counts.items() for index in range(n)]


def _write(path: Path, rows: Sequence[Example | Truth]) -> None:
    if not path.exists():
        write_atomic(path, "".join(json.dumps(asdict(row)) + "\n" for row in rows).encode())
