"""HumanEval, HumanEval+, MBPP and MBPP+: programs judged in the sandbox as EvalPlus 0.3.1 judges them.

`judge` judges one program; `PLUGIN` is the benchmark for `harness run --tasks forgetting`. What the checks take from
EvalPlus, with every quirk, is listed in `oracles`; known differences in `README.md`.
"""

from __future__ import annotations

from typing import Any

from harness.types import Verdict


def judge(task_id: str, solution: str) -> dict[str, Verdict]:
    """Judge a complete program on one problem.

    Args:
        task_id: For example `HumanEval/23` or `Mbpp/2`.
        solution: The program, as EvalPlus's `solution` field holds it.

    Returns:
        `base` and `plus`: the verdict on each set of tests by itself.
    """
    from harness.benchmarks.evalplus.check import judge as judge_one

    return judge_one(task_id, solution)


def __getattr__(name: str) -> Any:
    if name == "PLUGIN":
        from harness.benchmarks.evalplus.benchmark import PLUGIN

        return PLUGIN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
