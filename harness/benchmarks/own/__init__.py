"""Test sets of the user's own in BFCL's form, judged by its checker: one task for each set that was added.

harness data add bookings --format bfcl questions.jsonl answers.jsonl
harness data add desk --format bfcl questions.jsonl answers.jsonl --environment desk.py:Desk
harness run --model MODEL --tasks bookings
harness run --model MODEL --tasks questions.jsonl
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness import files
from harness.benchmarks.bfcl.checking import ask, check_calls, offered, was_called
from harness.benchmarks.bfcl.multi_turn import raw_turns
from harness.benchmarks.bfcl.reading import called_in_dialogue
from harness.benchmarks.own import conversations, sets
from harness.errors import DataError
from harness.protocols import Play
from harness.sandbox import is_open, shared
from harness.sandbox.worlds import Environment
from harness.types import Episode, Sample, Verdict


class Own:
    """The plug-in."""

    name = "own"
    version = "1"
    also_checked_by = ("harness.benchmarks.bfcl",)

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """One for each set."""
        return {name: (name,) for name in sets.names()}

    def data_sha256(self) -> str:
        """Digest of all sets."""
        return self.part_sha256(sets.names())

    def part_sha256(self, categories: Sequence[str]) -> str:
        """Digest of some sets: runs can be compared where they were asked the same."""
        found = {name: files.sha256(sets.folder() / f"{name}.jsonl") for name in categories}
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()

    def load(self, categories: Sequence[str]) -> list[Sample[Any]]:
        """Samples of the sets, each in its own order."""
        found = [sample for name in categories for sample in _samples(name)]
        ids = {sample.id for sample in found}
        if len(ids) < len(found):
            raise DataError(f"{', '.join(categories)} have ids in common", "Run them one by one.")
        return found

    def prepare(self, samples: Sequence[Sample[Any]]) -> Mapping[str, Any] | None:
        """Open the sandbox where an item is played in environments of the user's own.

        Args:
            samples: What is about to be played and judged.

        Returns:
            What of the sandbox a verdict can depend on; None where none is needed.

        Raises:
            SandboxUnavailable: Nothing here can hold the environments.
        """
        needed = is_open() or any(conversations.is_one(sample.target.item) for sample in samples)
        return shared().facts if needed else None

    def play(self, sample: Sample[Target], before: Mapping[str, Episode]) -> Play:
        """Ask as BFCL asks: once, or turn by turn."""
        if conversations.is_one(sample.target.item):
            yield from conversations.play(*sample.target)
        else:
            yield ask(sample.turns[0], sample.target.item["function"], sample.target.item["language"])

    def check(self, sample: Sample[Target], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Judge the replies as BFCL judges an item of the same kind."""
        item, environments = sample.target
        if conversations.is_one(item):
            return {sample.category: conversations.check(item, environments, raw_turns(episode), rules)}
        reply, terms = episode.steps[-1].reply, {"language": item["language"], "wants_call": item["wants_call"]}
        return {sample.category: check_calls(reply, item["function"], item["ground_truth"], rules=rules, **terms)}

    def called(self, category: str, verdict: Verdict, turns: Sequence[int]) -> bool | None:
        """Whether a call was read, where one is expected."""
        if len(turns) > 1 or (verdict.code or "").startswith("multi_turn:"):
            return called_in_dialogue(verdict, turns)
        return was_called(verdict)


class Target(NamedTuple):
    """What an item is judged by."""

    item: Mapping[str, Any]
    environments: tuple[Environment, ...]


def _samples(name: str) -> Iterator[Sample[Target]]:
    items, environments = sets.load(name)
    for item in items:
        several = conversations.is_one(item)
        tools = conversations.tools(item) if several else offered(item["function"], item["language"])
        turns = tuple(tuple(turn) for turn in item["question"])
        yield Sample(item["id"], name, turns, tools, Target(item, environments))


PLUGIN = Own()
