"""Seed-OSS: Qwen3-Coder's tags in `<seed:tool_call>`, values not on lines of their own."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="seed_oss",
    rule=TaggedCalls(
        head=pattern(r"(?:<seed:tool_call>\s*)?<function=(?P<name>[^>\n]+)>"),
        key=pattern(r"<parameter=(?P<key>[^>\n]+)>"),
        value_end="</parameter>",
        call_end=pattern(r"\s*</function>(?:\s*</seed:tool_call>)?"),
        item="<seed:tool_call>\n<function={name}>\n{parameters}</function>\n</seed:tool_call>",
        parameter="<parameter={key}>{value}</parameter>\n",
        outer=("<seed:tool_call>", "</seed:tool_call>"),
    ),
    families=("seed-oss",),
    signs=("<seed:tool_call>",),
    model_types=("seed_oss",),
    think=("<seed:think>", "</seed:think>"),
    thought="<seed:think>{think}</seed:think>",
    underscore_names=True,
    keep_special_tokens=True,
)
