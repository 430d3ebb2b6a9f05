"""The thirteen single-turn categories: one question, one reply, judged by its calls.

{"id": "simple_python_0", "question": [[{"role": "user", "content": "Find the area of a triangle ..."}]],
 "function": [{"name": "calculate_triangle_area", "description": "...", "parameters": {"type": "dict", ...}}]}
ground truth: [{"calculate_triangle_area": {"base": [10], "height": [5], "unit": ["units", ""]}}]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.benchmarks.bfcl import data, prompts
from harness.benchmarks.bfcl.judging import judge_single_turn as judge
from harness.benchmarks.bfcl.judging import scored_answer
from harness.protocols import Play
from harness.types import Episode, Query, Sample, Verdict

__all__ = ["CATEGORIES", "check", "judge", "play", "samples"]

CATEGORIES = data.SINGLE_TURN


def samples(category: str) -> list[Sample[Any]]:
    """All samples of one category, function documents rewritten as a model is shown them; target: the ground truth."""
    return [
        Sample(
            id=record["id"],
            category=category,
            turns=tuple(tuple(turn) for turn in record["question"]),
            tools=prompts.rewrite(record["function"], category),
            target=target,
        )
        for record, target in zip(data.questions(category), data.answers(category), strict=True)
    ]


def play(sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
    """Ask the question once."""
    yield Query(sample.turns[0], sample.tools, prompts.instruction(sample.tools))


def check(sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
    """Judge the reply."""
    raw, mode = scored_answer(episode.steps[-1].reply)
    return {sample.category: judge(sample.id, raw, mode=mode, rules=rules)}
