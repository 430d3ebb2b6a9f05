"""Questions to a restaurant, asked and judged as BFCL asks and judges.

What a benchmark must have is `harness.protocols.Benchmark`; what BFCL lends it is `harness.benchmarks.bfcl.checking`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from harness.benchmarks.bfcl.checking import ask, check_calls, offered, was_called
from harness.protocols import Play
from harness.types import Episode, Sample, Verdict

FUNCTIONS = [
    {
        "name": "table.book",
        "description": "Books a table.",
        "parameters": {
            "type": "dict",
            "properties": {
                "people": {"type": "integer", "description": "How many come."},
                "time": {"type": "string", "description": "When they come."},
                "smoking": {"type": "boolean", "description": "Whether they want to smoke."},
            },
            "required": ["people"],
        },
    },
]


class Tables:
    """One category."""

    name = "tables"
    version = "1"
    also_checked_by = ("harness.benchmarks.bfcl",)
    """Runs are compared only where this code judged, too."""

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """What `--tasks` accepts, and the leaf categories behind each name."""
        return {"tables": ("tables",)}

    def data_sha256(self) -> str:
        """Runs on other questions are not compared."""
        return hashlib.sha256(_text().encode() + json.dumps(FUNCTIONS).encode()).hexdigest()

    def load(self, categories: Sequence[str]) -> Iterator[Sample[Any]]:
        """All samples, in one order for ever."""
        for item in map(json.loads, _text().splitlines()):
            question = {"role": "user", "content": item["question"]}
            yield Sample(item["id"], "tables", ((question,),), offered(FUNCTIONS), target=item)

    def play(self, sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
        """Ask once; `reply = yield ask(...)` would go on with what the model said."""
        yield ask(sample.turns[0], FUNCTIONS)

    def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Judge the last reply."""
        return {"tables": check_calls(episode.steps[-1].reply, FUNCTIONS, sample.target["expected"], rules=rules)}

    def called(self, category: str, verdict: Verdict, turns: Sequence[int]) -> bool | None:
        """With this, a run warns where most replies hold no call that can be read."""
        return was_called(verdict)


def _text() -> str:
    return (files("harness_tables") / "questions.jsonl").read_text("utf-8")


PLUGIN = Tables()
