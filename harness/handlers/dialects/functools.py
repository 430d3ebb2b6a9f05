"""Phi-4-mini under vLLM's template: `functools` before a JSON list."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="functools",
    rule=JsonCalls(starts=("functools", "<|tool_call|>"), ends=("<|/tool_call|>",), wrap="functools[{calls}]"),
    families=("phi4-mini-functools",),
    signs=("functools",),
    underscore_names=True,
)
