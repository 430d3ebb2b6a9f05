"""BFCL v4 as one benchmark, put together from families of categories.

A family is a module that exports `CATEGORIES`, `samples(category)`, `play(sample, before)`,
`check(sample, episode, rules)` and `judge(sample_id, raw, *, mode, underscore_names, rules)`. To add one: write it and
name it in `FAMILIES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.reading import called
from harness.data import datasets, pins
from harness.errors import unknown_name
from harness.protocols import Play
from harness.types import Episode, Sample, Verdict

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "single_turn": data.SINGLE_TURN,
    "multi_turn": data.MULTI_TURN,
    "agentic": data.AGENTIC,
    "format_sensitivity": (data.FORMAT_SENSITIVITY,),
    "executable": data.EXECUTABLE,
}
"""Module of each family, imported when one of its categories is needed."""


def family_of(category: str) -> ModuleType:
    """The module that knows a category.

    Raises:
        UsageProblem: No family does.
    """
    for name, categories in FAMILIES.items():
        if category in categories:
            return importlib.import_module(f"harness.benchmarks.bfcl.{name}")
    raise unknown_name("BFCL category", category, leaves())


@cache
def leaves() -> tuple[str, ...]:
    """All categories that can be run, in the official order, retired ones last."""
    available = {category for categories in FAMILIES.values() for category in categories}
    return tuple(category for category in (*data.COLLECTIONS["all"], *data.EXECUTABLE) if category in available)


@dataclass(frozen=True, slots=True)
class Bfcl:
    """The Berkeley Function Calling Leaderboard, version 4."""

    name: str = "bfcl"
    version: str = f"{data.VERSION} (bfcl-eval {pins.dataset('bfcl').version})"
    check_workers: int = 0
    text_only: tuple[str, ...] = (data.FORMAT_SENSITIVITY,)

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """Collections of the official command line and every category."""
        known = leaves()
        groups = {
            name: tuple(category for category in categories if category in known)
            for name, categories in data.COLLECTIONS.items()
        }
        return {name: found for name, found in groups.items() if found} | {name: (name,) for name in known}

    def data_sha256(self) -> str:
        """The pinned digest, after every file was hashed: a run states what it was judged by."""
        datasets.verify("bfcl")
        return datasets.sha256("bfcl")

    def parts(self, categories: Sequence[str]) -> Mapping[str, str]:
        """The weights behind memory_vector's searches."""
        if "memory_vector" not in categories or family_of("memory_vector").unavailable("memory_vector"):
            return {}
        from harness.benchmarks.bfcl.agentic import encoder

        return {"memory_encoder": encoder.digest()}

    def load(self, categories: Sequence[str]) -> Iterator[Sample[Any]]:
        """Samples of the categories in the official order, each category once."""
        modules = {category: family_of(category) for category in categories}
        for category in leaves():
            if category in modules:
                yield from modules[category].samples(category)

    def play(self, sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
        """Play a sample by its family's rules."""
        play: Play = family_of(sample.category).play(sample, before)
        return play

    def called(self, category: str, verdict: Verdict, turns: Sequence[int]) -> bool | None:
        """Whether a call was read, where one is asked for."""
        return called(category, verdict, turns)

    def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Judge an episode by its family's rules."""
        verdicts: Mapping[str, Verdict] = family_of(sample.category).check(sample, episode, rules)
        return verdicts


PLUGIN = Bfcl()
