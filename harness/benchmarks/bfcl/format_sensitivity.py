"""Format sensitivity: 200 single-turn items asked in 26 configurations of the system prompt.

An id names its place, its configuration and its source:
`format_sensitivity_0:ret_fmt=python&tool_call_tag=True&func_doc_fmt=python&prompt_fmt=plaintext&style=classic:simple_python_1`.
Only prompting has a format to vary, so native calls are unscored here, as upstream skips such models.
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

CATEGORIES = (data.FORMAT_SENSITIVITY,)


def samples(category: str) -> list[Sample[Any]]:
    """All 5200 samples: item by item, each in every configuration."""
    found: list[Sample[Any]] = []
    for source, ids in data.format_sensitivity_ids().items():
        for source_id in ids:
            record = data.question(source_id)
            # Upstream rewrites these documents twice: the language sentence is there two times.
            tools = prompts.rewrite(record["function"], source, times=2)
            turns = tuple(tuple(turn) for turn in record["question"])
            target = data.answer(source_id)
            for config in prompts.CONFIGS:
                name = f"{category}_{len(found)}:{config}:{source_id}"
                found.append(Sample(name, category, turns, tools, target))
    return found


def play(sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
    """Ask the question once, in the configuration that the id names."""
    config = prompts.PromptConfig.parse(sample.id.split(":")[1])
    yield Query(sample.turns[0], sample.tools, prompts.instruction(sample.tools, config))


def check(sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
    """Judge the reply in the format that its configuration asks for."""
    raw, mode = scored_answer(episode.steps[-1].reply)
    if mode == "fc":
        why = "format sensitivity varies the prompt of models that write their calls as text"
        return {sample.category: Verdict("unscored", "format_sensitivity:native_calls", why)}
    return {sample.category: judge(sample.id, raw, mode=mode, rules=rules)}
