"""Mistral up to v7: a JSON list after `[TOOL_CALLS]`, which a server may strip as a special token."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="mistral",
    rule=JsonCalls(starts=("[TOOL_CALLS]",), wrap="[TOOL_CALLS][{calls}]"),
    families=("mistral-fc", "mistral-v3"),
    signs=("[TOOL_CALLS]", "[AVAILABLE_TOOLS]"),
    model_types=("mistral",),
    official=official.json_list,
    text_arguments=True,
    documents="wrapped",
)
