"""What the experiment consists of: its sizes, its models and its data files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from random import Random
from typing import Any

from harness import plugins
from harness.data import datasets
from harness.errors import DataError, UsageProblem, unknown_name
from harness.files import write_atomic
from harness.models import inspect
from harness.results.store import slug
from harness.types import Example
from trainer.recipes import settings as shared
from trainer.recipes.demo.source import Truth, clean, items, records
from trainer.recipes.tiny.synth import item

METHODS = ("sft-raw", "sft", "msl-0.3", "msl-0.5", "msl-0.5-batch", "msl-0.7", "ssb", "srml")
"""What a seed can train, all from base: `sft-raw` on the source set as it is, the others on what refinement kept.
`msl-0.5-batch` takes the means of its regions over the batch, the others over each record."""
EMBEDDED = "tiny"
"""The embedded model. It has to learn the long form of thinking first; a pretrained model is base as it is."""
PROBE_LEVELS = {1: 3, 2: 5, 3: 9, 4: 3}
"""Weights of the levels in the last part of the embedded model's pre-training."""
BFCL = ("simple_python", "multiple")
RECORDS = {"simple_python": 400, "multiple": 200, "irrelevance": 240}
"""Category -> questions of BFCL that are spread over."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes of the experiment; the defaults are the full one on the embedded model."""

    model: str = EMBEDDED
    """What is trained: `tiny`, another model by name, a folder or a hub id."""
    seeds: int = 3
    """Each has a source set, a refinement and batch orders of its own; base is shared."""
    level: int = 2
    """Difficulty of the items, 1 to 3."""
    records: int = 360
    """Of each source set."""
    judged: int = 0
    """Of these, how many base judges once more, as a language model of its size would."""
    cold_records: int = 480
    cold_steps: int = 30
    """0 where the model itself is base."""
    cold_learning_rate: float = 1e-3
    steps: int = 24
    """Of each method; `warm_steps` says how self-refinement takes them."""
    learning_rate: float = 5e-4
    batch: int = 16
    """Records of a step."""
    rows: int = 16
    """Of these, how many are computed at once: memory, not results."""
    unseen: int = 200
    """Held-out questions whose function and parameter names occur in no training."""
    probe: int = 60
    """Held-out questions of the embedded model's pre-training; 0 measures `retention` instead."""
    bfcl: int = 60
    """Questions of `simple_python`, evenly spread; half as many of `multiple`."""
    irrelevance: int = 0
    """Questions of `irrelevance`, evenly spread."""
    dtype: str = "auto"
    """Of the weights while models are measured; trainings compute in bfloat16 unless it is `float32`."""
    max_tokens: int = 224
    temperature: float = 0.5
    """Of the answers that self-refinement learns from."""
    methods: tuple[str, ...] = tuple(method for method in METHODS if method != "msl-0.5-batch")
    """Some of `METHODS`, `sft` among them."""

    @property
    def cold(self) -> bool:
        """Whether base is trained first."""
        return self.cold_steps > 0


PRETRAINED = Settings(
    model="smollm2",
    level=3,
    records=80,
    judged=8,
    cold_steps=0,
    steps=10,
    learning_rate=2e-4,
    batch=4,
    rows=1,
    unseen=20,
    probe=0,
    bfcl=60,
    irrelevance=30,
    dtype="float32",
    methods=("sft", "srml", "msl-0.5-batch", "ssb", "sft-raw", "msl-0.5"),
)
"""The full experiment on a pretrained model."""


def sizes(model: str, quick: bool) -> Settings:
    """Sizes that suit a model.

    Args:
        model: `tiny`, or a pretrained one.
        quick: One seed, fewer records and questions; of a pretrained model SFT and SRML only.

    Returns:
        Settings with that model.
    """
    if model == EMBEDDED:
        return Settings(seeds=1, records=200, steps=16, unseen=60, probe=30, bfcl=20) if quick else Settings()
    full = replace(PRETRAINED, model=model)
    less: dict[str, Any] = {"methods": full.methods[:2], "unseen": 10, "bfcl": 30, "irrelevance": 15, "judged": 0}
    return replace(full, seeds=1, **less) if quick else full


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
    shared.claim(folder / "demo.json", identity(settings))


def identity(settings: Settings) -> dict[str, Any]:
    """What two experiments must share for their seeds to be counted together: all but how many there are."""
    told = json.loads(json.dumps(asdict(settings))) | {"weights": inspect(settings.model).sha256}
    return {name: value for name, value in told.items() if name != "seeds"} | {"bfcl_data": bfcl_data()}


def settings_of(identity: Mapping[str, Any], seeds: int) -> Settings:
    """The inverse of `identity`, for so many seeds."""
    known = {each.name: identity[each.name] for each in fields(Settings) if each.name in identity}
    return Settings(**known | {"seeds": seeds, "methods": tuple(identity["methods"])})


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

    if settings.cold:
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
    if not settings.probe:
        retention = plugins.load("benchmarks", "retention")
        ids += [sample.id for sample in retention.load(retention.tasks()["retention"])]
    (data / "ids.txt").write_text("".join(f"{name}\n" for name in (*ids, *bfcl_ids(settings))), "utf-8")


def seeds(settings: Settings) -> range:
    """The seeds, from 1."""
    return range(1, settings.seeds + 1)


def warm_steps(settings: Settings) -> int:
    """Steps of self-refinement before its round: half; three quarters where base does not know the form of a reply.

    After half of so few steps such a model's own answers are none that could be kept.
    """
    return settings.steps // 2 if settings.cold else settings.steps - settings.steps // 4


def base_models(settings: Settings) -> list[str]:
    """Models without a seed: base, and what it was trained from."""
    return [EMBEDDED, "base"] if settings.cold else ["base"]


def seed_models(settings: Settings, seed: int) -> list[str]:
    """Models of a seed; `sft-2` is method `sft` with seed 2."""
    return [f"{method}-{seed}" for method in settings.methods]


def runs_of(settings: Settings, folder: Path, kind: str, name: str) -> Path:
    """Where `harness run` put the runs of a model, which it calls as it was called."""
    given = name == "base" and not settings.cold
    return folder / "runs" / kind / (slug(inspect(settings.model)) if given else name)


def bfcl_ids(settings: Settings) -> list[str]:
    """Evenly spread ids of `simple_python`, `multiple` and `irrelevance`."""
    if bfcl_data() is None:
        return []
    return [
        f"{name}_{index * RECORDS[name] // count}"
        for name, count in bfcl_counts(settings).items()
        for index in range(count)
    ]


def bfcl_counts(settings: Settings) -> dict[str, int]:
    """Category of BFCL -> questions that are asked."""
    counts = zip(RECORDS, (settings.bfcl, settings.bfcl // 2, settings.irrelevance), strict=True)
    return {name: count for name, count in counts if count}


def _write(path: Path, rows: Sequence[Example | Truth]) -> None:
    if not path.exists():
        write_atomic(path, "".join(json.dumps(asdict(row)) + "\n" for row in rows).encode())
