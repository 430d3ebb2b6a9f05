"""LongCat: Hermes blocks in marks of its own."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="longcat",
    rule=JsonCalls(
        starts=("<longcat_tool_call>",),
        ends=("</longcat_tool_call>",),
        item="<longcat_tool_call>\n{call}\n</longcat_tool_call>",
        wrap="{calls}",
        separator="\n",
    ),
    signs=("<longcat_tool_call>",),
    model_types=("longcat", "longcat_flash"),
    underscore_names=True,
    keep_special_tokens=True,
)
