"""DeepSeek V4: `invoke` and `parameter` tags with `｜DSML｜`, which say whether a value is text."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="deepseek_v4",
    rule=TaggedCalls(
        head=pattern(r"<｜DSML｜invoke name=\"(?P<name>[^\"\n]+)\">"),
        key=pattern(r"<｜DSML｜parameter name=\"(?P<key>[^\"\n]+)\"(?: string=\"(?P<text>true|false)\")?>"),
        value_end="</｜DSML｜parameter>",
        call_end=pattern(r"\s*</｜DSML｜invoke>"),
        item='<｜DSML｜invoke name="{name}">\n{parameters}</｜DSML｜invoke>',
        parameter='<｜DSML｜parameter name="{key}" string="{text}">{value}</｜DSML｜parameter>\n',
        wrap="<｜DSML｜tool_calls>\n{calls}\n</｜DSML｜tool_calls>",
        outer=("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"),
    ),
    families=("deepseek-v4",),
    signs=("｜DSML｜", "tool_calls"),
    underscore_names=True,
    keep_special_tokens=True,
    model_types=("deepseek_v4",),
)
