"""Raw text replies of models with a format of their own, read by a dialect and then judged."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from harness import plugins
from harness.benchmarks.bfcl import data, prompts
from harness.benchmarks.bfcl.judging import LANGUAGES, raw_answer, scored_answer
from harness.protocols import Dialect
from harness.types import Tool, Verdict

STATEFUL = (*data.MULTI_TURN, *data.AGENTIC)


def judge_text(
    judge: Callable[..., Verdict], sample_id: str, raw: Any, dialect: str, underscore_names: bool, rules: str
) -> Verdict:
    """Judge what a model wrote.

    Args:
        judge: Judges the category.
        sample_id: Official id.
        raw: Text; for multi-turn and agentic categories turns of steps of text.
        dialect: A dialect's or a family's name.
        underscore_names: Tools were sent with underscores, also where the dialect's official handler does not.
        rules: `upstream` or `strict`; also those of reading.

    Returns:
        The verdict.

    Raises:
        UsageProblem: Unknown id, rules or dialect.
    """
    reader: Dialect = plugins.load("dialects", dialect)
    underscore_names = underscore_names or reader.underscore_names
    category = data.category_of(sample_id)
    if category in STATEFUL:
        read = partial(_step, reader, rules)
        return judge(sample_id, raw, rules=rules, underscore_names=underscore_names, read=read)
    mode = "prompt"
    if isinstance(raw, str):
        raw, mode = _single(reader, raw, sample_id.rpartition(":")[2], rules)
    return judge(sample_id, raw, mode=mode, rules=rules, underscore_names=underscore_names)


def _single(reader: Dialect, text: str, sample_id: str, rules: str) -> tuple[Any, str]:
    tools = _tools(sample_id)
    reply = reader.read(text, tools, rules)
    if rules != "upstream" and data.category_of(sample_id) in LANGUAGES:
        # Code in another language is for the benchmark's own decoder, if the family hands it text.
        handed_on = reader.read(text, tools, "upstream")
        reply = handed_on if handed_on.calls is None else reply
    return scored_answer(reply)


def _step(reader: Dialect, rules: str, step: Any) -> tuple[Any, str]:
    return raw_answer(reader.read(step, (), rules)) if isinstance(step, str) else (step, "prompt")


@lru_cache(maxsize=256)
def _tools(sample_id: str) -> tuple[Tool, ...]:
    """The documents as a model is shown them: some dialects write values without their type."""
    category = data.category_of(sample_id)
    return tuple(prompts.rewrite(data.question(sample_id)["function"], category))
