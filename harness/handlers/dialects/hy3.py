"""Hy3: GLM's `<arg_key>` and `<arg_value>` after `<tool_sep>`, in `<tool_calls>`."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="hy3",
    rule=TaggedCalls(
        head=pattern(r"<tool_call>\s*(?P<name>[^\s<]+)\s*<tool_sep>"),
        key=pattern(r"<arg_key>(?P<key>[^<]+)</arg_key>\s*<arg_value>"),
        value_end="</arg_value>",
        call_end=pattern(r"\s*</tool_call>"),
        item="<tool_call>{name}<tool_sep>\n{parameters}</tool_call>",
        parameter="<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>\n",
        wrap="<tool_calls>\n{calls}\n</tool_calls>",
        outer=("<tool_calls>", "</tool_calls>"),
    ),
    families=("hy-v3",),
    signs=("<tool_sep>", "<arg_key>"),
    model_types=("hy_v3",),
    underscore_names=True,
    keep_special_tokens=True,
)
