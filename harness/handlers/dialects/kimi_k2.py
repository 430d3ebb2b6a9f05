"""Kimi K2: `functions.name:0` and JSON in marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="kimi_k2",
    rule=NamedCalls(
        heads=(
            pattern(
                r"<\|tool_call_begin\|>\s*+(?:functions\.)?(?P<name>[^<]{0,200}?)(?::\d+)?\s*+<\|tool_call_argument_begin\|>\s*"
            ),
        ),
        bare=pattern(r"\s*functions\.(?P<name>[\w.\-]+):\d+\s*(?=\{)"),
        tail=pattern(r"\s*<\|tool_call_end\|>"),
        item="<|tool_call_begin|>functions.{name}:{n}<|tool_call_argument_begin|>{arguments}<|tool_call_end|>",
        wrap="<|tool_calls_section_begin|>{calls}<|tool_calls_section_end|>",
        marks=("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ),
    families=("kimi-k2",),
    signs=("<|tool_calls_section_begin|>",),
    model_types=("kimi_k2",),
    underscore_names=True,
    keep_special_tokens=True,
)
