"""Falcon3: one JSON list in the first pair of `<tool_call>` marks."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="falcon3",
    rule=JsonCalls(starts=("<tool_call>",), ends=("</tool_call>",), wrap="<tool_call>\n[{calls}]\n</tool_call>"),
    families=("falcon3-fc",),
    signs=("<tool_call>", "<|assistant|>", '[{"name"'),
    official=official.falcon3,
    documents="plain",
)
