"""GLM-4.7: `<arg_key>` and `<arg_value>` without line breaks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="glm47",
    rule=TaggedCalls(
        head=pattern(r"<tool_call>\s*(?P<name>[^\s<{\[]+)\s*(?=<arg_key>|</tool_call>)"),
        key=pattern(r"<arg_key>(?P<key>[^<]+)</arg_key>\s*<arg_value>"),
        value_end="</arg_value>",
        call_end=pattern(r"\s*</tool_call>"),
        item="<tool_call>{name}{parameters}</tool_call>",
        parameter="<arg_key>{key}</arg_key><arg_value>{value}</arg_value>",
        separator="",
        outer=("<tool_call>", "</tool_call>"),
    ),
    families=("glm-4.7",),
    signs=("</arg_key><arg_value>", "<arg_key>", "<arg_value>", "<tool_call>"),
    model_types=("glm4_moe_lite",),
    underscore_names=True,
    keep_special_tokens=True,
)
