"""The Berkeley Function Calling Leaderboard v4: `judge` judges one reply, `PLUGIN` is the whole benchmark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.errors import UsageProblem
from harness.types import Verdict


def judge(
    sample_id: str,
    raw: Any,
    *,
    mode: str = "prompt",
    underscore_names: bool = False,
    rules: str = "upstream",
    dialect: str | None = None,
) -> Verdict:
    """Judge one reply as the official evaluator would.

    Args:
        sample_id: Official id, for example `live_simple_0-0-0`.
        raw: What the model answered. Single turn: text, or in `fc` mode a list of `{name: arguments}` with arguments as
            JSON text or as an object. Multi-turn: a list of turns, each a list of steps in that form.
        mode: `prompt`, `fc`, or for multi-turn `decoded` (steps are lists of call strings).
        underscore_names: Tools were sent with dots in their names replaced by underscores.
        rules: `upstream`, or `strict` for the same with the quirks mended.
        dialect: What the text is written in, by a name of `harness.handlers.dialects` or that of a family of models;
            `mode` is then of no effect. `upstream` rules read as the family's official handler does, and names are
            judged as that one sends them.

    Returns:
        `outcome` is pass, fail or unscored; `code` the official error type, None for a pass.

    Raises:
        UsageProblem: Unknown id, mode, rules or dialect; near matches are offered.
    """
    if not isinstance(sample_id, str) or "_" not in sample_id:
        raise UsageProblem(f"{sample_id!r} is not a BFCL id", "For example simple_python_0 or live_simple_0-0-0.")
    judge_one = _JUDGES.get(sample_id.rpartition("_")[0]) or _judge_of(sample_id)
    if dialect is not None:
        from harness.benchmarks.bfcl.replies import judge_text

        return judge_text(judge_one, sample_id, raw, dialect, underscore_names, rules)
    return judge_one(sample_id, raw, mode=mode, underscore_names=underscore_names, rules=rules)


_JUDGES: dict[str, Callable[..., Verdict]] = {}
"""By category, for those that were asked for so far: what precedes the number in an id without a configuration."""


def _judge_of(sample_id: str) -> Callable[..., Verdict]:
    from harness.benchmarks.bfcl import data

    category = data.category_of(sample_id)
    if category in data.SINGLE_TURN or category == data.FORMAT_SENSITIVITY:
        from harness.benchmarks.bfcl.judging import judge_single_turn as judge_one
    else:
        from harness.benchmarks.bfcl.benchmark import family_of

        judge_one = family_of(category).judge
    _JUDGES[category] = judge_one
    return judge_one


def __getattr__(name: str) -> Any:
    if name == "PLUGIN":
        from harness.benchmarks.bfcl.benchmark import PLUGIN

        return PLUGIN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
