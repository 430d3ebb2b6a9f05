"""Measure function-calling models: BFCL, HumanEval(+) and MBPP(+), any model, any engine.

Nothing heavy is imported here: torch, transformers, vllm, datasets and evalplus load when a command needs them.
The commands are functions too (`harness.api`): `from harness import run, score, compare, gate, leaderboard`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import compare, gate, leaderboard, run, score

__all__ = ["compare", "gate", "leaderboard", "run", "score"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from harness import api

        return getattr(api, name)
    if name == "__version__":
        from harness import machine

        return machine.version("funreason-harness")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
