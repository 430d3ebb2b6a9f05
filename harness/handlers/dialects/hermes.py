"""Hermes 2 and 3, Qwen2.5 and 3, SmolLM3 and many more: a JSON object in each block of `<tool_call>` marks."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="hermes",
    rule=JsonCalls(
        starts=("<tool_call>",),
        ends=("</tool_call>",),
        item="<tool_call>\n{call}\n</tool_call>",
        wrap="{calls}",
        separator="\n",
    ),
    families=("hermes-smollm3-qwen3", "qwen-fc", "nanbeige4-fc", "pelican-vl-fc"),
    signs=("<tool_call>",),
    model_types=("qwen2", "qwen3", "qwen3_moe", "smollm3"),
    official=official.blocks,
    official_cut=True,
    text_arguments=True,
    documents="plain",
    keep_special_tokens=True,
)
