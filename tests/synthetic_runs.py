"""Run folders made from a seed, in the format that `harness.results.store` writes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.results import store
from harness.results.lines import RecordedStep, SampleLine, encode
from harness.types import (
    BenchmarkInfo,
    CodeInfo,
    EngineInfo,
    Generation,
    MachineInfo,
    ModelInfo,
    Outcome,
    RunRecord,
    Sampling,
    Score,
    Verdict,
)

SINGLE_TURN = {
    "simple_python": 400,
    "simple_java": 100,
    "simple_javascript": 50,
    "multiple": 200,
    "parallel": 200,
    "parallel_multiple": 200,
    "irrelevance": 240,
    "live_simple": 258,
    "live_multiple": 1053,
    "live_parallel": 16,
    "live_parallel_multiple": 24,
    "live_irrelevance": 884,
    "live_relevance": 16,
}
MULTI_TURN = {f"multi_turn_{name}": 200 for name in ("base", "miss_func", "miss_param", "long_context")}
ALL = {**SINGLE_TURN, **MULTI_TURN}
"""4,441 items."""

BENCHMARK = BenchmarkInfo("bfcl", "4", data_sha256="d" * 64, checker_sha256="c" * 64)
FORGETTING = {"humaneval": 164, "humaneval_plus": 164, "mbpp": 378, "mbpp_plus": 378}

Outcomes = Callable[[str, int, int], Outcome]
"""(category, index, repeat) -> outcome."""


def record(name: str = "model", scores: Mapping[str, Score] | None = None, **changes: Any) -> RunRecord:
    """A run record with sensible values everywhere."""
    fields: dict[str, Any] = {
        "run_id": "r",
        "started": "2026-01-01T00:00:00Z",
        "status": "complete",
        "model": ModelInfo(name=name, sha256="ab" * 32),
        "benchmark": BENCHMARK,
        "handler": "prompt",
        "engine": EngineInfo("scripted", "1"),
        "sampling": Sampling(),
        "rules": "upstream",
        "repeats": 1,
        "code": CodeInfo("0" * 40, dirty=False),
        "machine": MachineInfo(),
        "config_sha256": "e" * 64,
        "scores": scores or {},
    }
    return RunRecord(**fields | changes)


def biased(seed: int, accuracy: float) -> Outcomes:
    """Outcomes that agree between seeds except for 15 % of the items."""

    def outcome(category: str, index: int, repeat: int) -> Outcome:
        shared = random.Random(f"{category} {index}").random()
        own = random.Random(f"{seed} {category} {index} {repeat}")
        level = shared if own.random() < 0.85 else own.random()
        return "pass" if level < accuracy else "fail"

    return outcome


def line(
    category: str, index: int, repeat: int, outcome: Outcome, text: str = "[f(a=1)]", **changes: Any
) -> SampleLine:
    """One single-turn line."""
    code = {"pass": None, "fail": "value_error:others", "unscored": "fault"}[outcome]
    generation = Generation(text=text, prompt_tokens=300, completion_tokens=40, seconds=0.5)
    fields: dict[str, Any] = {
        "id": f"{category}_{index}",
        "repeat": repeat,
        "category": category,
        "steps": (RecordedStep(0, generation),),
        "verdicts": {category: Verdict(outcome, code)},
        "seconds": 0.5,
    }
    return SampleLine(**fields | changes)


def write(
    root: Path,
    name: str = "model",
    sizes: Mapping[str, int] = SINGLE_TURN,
    outcomes: Outcomes | None = None,
    text: str | Callable[[int], str] = "[f(a=1)]",
    **changes: Any,
) -> Path:
    """Write a complete run below `root` and return its folder."""
    changes["benchmark"] = replace(changes.get("benchmark", BENCHMARK), categories=tuple(sizes))
    made = record(name, **changes)
    outcomes = outcomes or biased(0, 0.7)
    folder = store.new_run(root, made.model, made.benchmark.name)
    scores = {}
    with (folder / store.SAMPLES).open("wb") as file:
        for category, size in sizes.items():
            found = [(i, r, outcomes(category, i, r)) for i in range(size) for r in range(made.repeats)]
            texts = (text if isinstance(text, str) else text(i) for i, _, _ in found)
            rows = zip(found, texts, strict=True)
            file.writelines(encode(line(category, i, r, outcome, said)) for (i, r, outcome), said in rows)
            passed = sum(outcome == "pass" for *_, outcome in found)
            lost = sum(outcome == "unscored" for *_, outcome in found)
            scores[category] = Score(len(found), len(found) - lost, passed, lost)
    store.write_run(folder, record(name, **{"scores": scores, "run_id": folder.name, **changes}))
    return folder


def repeated(line: SampleLine, steps: int) -> SampleLine:
    """The same reply in each of some turns."""
    return replace(line, steps=tuple(RecordedStep(turn, line.steps[0].generation) for turn in range(steps)))
