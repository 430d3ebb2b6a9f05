"""Qwen3-Coder, Qwen3.5, Step-3.5, MiMo, Nemotron 3: parameters in tags, each value on lines of its own."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="qwen3_coder",
    rule=TaggedCalls(
        head=pattern(r"(?:<tool_call>\s*)?<function=(?P<name>[^>\n]+)>"),
        key=pattern(r"<parameter=(?P<key>[^>\n]+)>"),
        value_end="</parameter>",
        call_end=pattern(r"\s*</function>(?:\s*</tool_call>)?"),
        item="<tool_call>\n<function={name}>\n{parameters}</function>\n</tool_call>",
        parameter="<parameter={key}>\n{value}\n</parameter>\n",
        pad="\n",
        outer=("<tool_call>", "</tool_call>"),
    ),
    families=("qwen3-coder",),
    signs=("<tool_call>", "<function=", "<parameter="),
    model_types=("qwen3_next", "qwen3_5", "qwen3_5_moe", "step3p5", "mimo"),
    underscore_names=True,
    keep_special_tokens=True,
)
