"""Arch-Agent: Hermes blocks; for the official handler one broken block breaks the reply."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="arch",
    rule=JsonCalls(
        starts=("<tool_call>",),
        ends=("</tool_call>",),
        item="<tool_call>\n{call}\n</tool_call>",
        wrap="{calls}",
        separator="\n",
    ),
    families=("arch-agent",),
    published=pattern(r"(?i)arch-(?:agent|function)"),
    official=official.blocks_or_literals,
    text_arguments=True,
    documents="plain",
    keep_special_tokens=True,
)
