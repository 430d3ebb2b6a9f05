"""Test sets of the user's own in BFCL's form, judged by its checker: one task for each set that was added.

harness data add bookings --format bfcl questions.jsonl answers.jsonl
harness run --model MODEL --tasks bookings
harness run --model MODEL --tasks questions.jsonl
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness import files
from harness.benchmarks.bfcl import prompts
from harness.benchmarks.bfcl.ast_check import Case, Shape
from harness.benchmarks.bfcl.decode import well_formed
from harness.benchmarks.bfcl.judging import docs_of, judge_case, kind_of, scored_answer
from harness.benchmarks.bfcl.languages import JAVA, JAVASCRIPT, PYTHON
from harness.benchmarks.bfcl.rules import rules_named
from harness.benchmarks.own import sets
from harness.errors import DataError
from harness.protocols import Play
from harness.types import Episode, Query, Sample, Verdict

LANGUAGES = {"python": PYTHON, "java": JAVA, "javascript": JAVASCRIPT}


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
        found = [_sample(name, record) for name in categories for record in sets.load(name)]
        ids = {sample.id for sample in found}
        if len(ids) < len(found):
            raise DataError(f"{', '.join(categories)} have ids in common", "Run them one by one.")
        return found

    def play(self, sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
        """Ask the question once, as BFCL asks."""
        yield Query(sample.turns[0], sample.tools, prompts.instruction(sample.tools))

    def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Judge the reply as BFCL judges one of the same shape."""
        item = sample.target
        expected, offered, language = item["ground_truth"], item["function"], item["language"]
        shape: Shape = "parallel" if len(expected) > 1 else "multiple" if len(offered) > 1 else "simple"
        wants_call = None if expected else item["wants_call"]
        case = Case(shape, docs_of(offered, expected, shape), expected)
        kind = kind_of(LANGUAGES[language], language, wants_call)
        raw, mode = scored_answer(episode.steps[-1].reply)
        form = (language if wants_call is None else "python", False)
        return {sample.category: judge_case(raw, case, kind, mode, (rules_named(rules), False), form)}

    def called(self, category: str, verdict: Verdict, turns: Sequence[int]) -> bool | None:
        """Whether a call was read, where one is expected."""
        if not verdict.evidence.get("expected"):
            return None
        calls = verdict.evidence.get("calls")
        return bool(calls) and well_formed(calls)


def _sample(name: str, record: Mapping[str, Any]) -> Sample[Any]:
    language = record["language"]
    tools = prompts.rewrite(record["function"], language)
    return Sample(record["id"], name, (tuple(record["question"][0]),), tools, record)


PLUGIN = Own()
