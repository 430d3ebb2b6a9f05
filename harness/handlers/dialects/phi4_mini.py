"""Phi-4-mini: a JSON list in `<|tool_call|>` marks."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="phi4_mini",
    rule=JsonCalls(
        starts=("<|tool_call|>", "functools"),
        ends=("<|/tool_call|>",),
        wrap="<|tool_call|>[{calls}]<|/tool_call|>",
    ),
    families=("phi4mini-fc",),
    signs=("<|tool|>", "<|/tool|>"),
    model_types=("phi3",),
    official=official.phi4_mini,
    text_arguments=True,
    documents="plain",
    keep_special_tokens=True,
)
