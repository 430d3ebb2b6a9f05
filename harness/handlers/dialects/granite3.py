"""Granite 3: a JSON list after `<|tool_call|>` or `<tool_call>`."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="granite3",
    rule=JsonCalls(starts=("<|tool_call|>", "<tool_call>"), ends=("</tool_call>",), wrap="<|tool_call|>[{calls}]"),
    families=("granite3-fc",),
    signs=("<|tool_call|>", "<|start_of_role|>"),
    model_types=("granite", "granitemoe"),
    official=official.granite3,
    text_arguments=True,
    documents="plain",
    keep_special_tokens=True,
)
