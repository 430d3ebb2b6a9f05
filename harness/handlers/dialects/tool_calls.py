"""Jamba, Hunyuan A13B: a JSON list in `<tool_calls>` tags."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="tool_calls",
    rule=JsonCalls(starts=("<tool_calls>",), ends=("</tool_calls>",), wrap="<tool_calls>[{calls}]</tool_calls>"),
    families=("jamba", "hunyuan-a13b"),
    signs=("<tool_calls>",),
    model_types=("jamba", "hunyuan_v1_moe"),
    underscore_names=True,
    keep_special_tokens=True,
)
