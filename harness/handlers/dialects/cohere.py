"""Cohere Command R7B and A: a JSON list of `tool_name` and `parameters` in `<|START_ACTION|>` marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="cohere",
    rule=JsonCalls(
        starts=("<|START_ACTION|>",),
        ends=("<|END_ACTION|>",),
        name="tool_name",
        arguments="parameters",
        numbered="tool_call_id",
        wrap="<|START_ACTION|>[\n    {calls}\n]<|END_ACTION|>",
        separator=",\n    ",
        outer=("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ),
    families=("cohere-command",),
    signs=("<|START_ACTION|>",),
    model_types=("cohere", "cohere2"),
    think=("<|START_THINKING|>", "<|END_THINKING|>"),
    thought="<|START_THINKING|>{think}<|END_THINKING|>",
    said="<|START_RESPONSE|>{text}<|END_RESPONSE|>",
    underscore_names=True,
    keep_special_tokens=True,
)
