"""ACEBench in English and Chinese: `judge` judges one reply, `judge_agent` one agent's result, `PLUGIN` runs it all."""

from __future__ import annotations

from typing import Any

from harness.types import Verdict


def judge(language: str, sample_id: str, raw: Any, rules: str = "upstream") -> Verdict:
    """Judge one reply to a normal or special item as the official evaluator would.

    Args:
        language: `en` or `zh`; the same id has another content in the other language.
        sample_id: Official id, for example `normal_atom_bool_0`.
        raw: What the model answered: text; anything else is what an official result file could hold.
        rules: `upstream`, or `strict` for the same with the quirks mended.

    Returns:
        `outcome` is pass, fail or unscored; `code` the official error type, None for a pass, and `crash:<exception>`
        where the official program would have ended.

    Raises:
        UsageProblem: Unknown language, id or rules, or the id of an agent's item.
    """
    from harness.benchmarks.acebench.judging import judge as judge_one

    return judge_one(language, sample_id, raw, rules=rules)


def judge_agent(language: str, sample_id: str, result: Any, process: Any, rules: str = "upstream") -> Verdict:
    """Judge one agent's item as the official evaluator would.

    Args:
        language: `en` or `zh`.
        sample_id: Official id, for example `agent_multi_turn_0`.
        result: Final state: a list of `{class: {attribute: value}}`, as an official result file holds it.
        process: The messages that went to the executor, in order.
        rules: `upstream` or `strict`.

    Returns:
        The verdict on the final state; `evidence["process_accuracy"]` is the share of milestones reached, 1 for a pass,
        in three digits as upstream shows it, and `evidence["process_share"]` the same as it goes into means.

    Raises:
        UsageProblem: Unknown language, id or rules, or the id of another item.
    """
    from harness.benchmarks.acebench.agents.check import judge_agent as judge_one

    return judge_one(language, sample_id, result, process, rules)


def __getattr__(name: str) -> Any:
    if name == "PLUGIN":
        from harness.benchmarks.acebench.benchmark import PLUGIN

        return PLUGIN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
