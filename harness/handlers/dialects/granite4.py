"""Granite 4: Hermes blocks; the official handler also reads those inside a thought."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="granite4",
    rule=JsonCalls(
        starts=("<tool_call>",),
        ends=("</tool_call>",),
        item="<tool_call>\n{call}\n</tool_call>",
        wrap="{calls}",
        separator="\n",
    ),
    families=("granite4-fc",),
    signs=("<tool_call>", "<|start_of_role|>"),
    model_types=("granitemoehybrid",),
    official=official.blocks,
    text_arguments=True,
    documents="plain",
    keep_special_tokens=True,
)
