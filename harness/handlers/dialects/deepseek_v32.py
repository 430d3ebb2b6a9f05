"""DeepSeek V3.2: `invoke` and `parameter` tags with `｜DSML｜`, which say whether a value is text."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls


def dsml(outer: str) -> TaggedCalls:
    """Calls within a tag of that name."""
    begin, end = f"<｜DSML｜{outer}>", f"</｜DSML｜{outer}>"
    return TaggedCalls(
        head=pattern(r"<｜DSML｜invoke name=\"(?P<name>[^\"\n]+)\">"),
        key=pattern(r"<｜DSML｜parameter name=\"(?P<key>[^\"\n]+)\"(?: string=\"(?P<text>true|false)\")?>"),
        value_end="</｜DSML｜parameter>",
        call_end=pattern(r"\s*</｜DSML｜invoke>"),
        item='<｜DSML｜invoke name="{name}">\n{parameters}</｜DSML｜invoke>',
        parameter='<｜DSML｜parameter name="{key}" string="{text}">{value}</｜DSML｜parameter>\n',
        wrap=f"{begin}\n{{calls}}\n{end}",
        outer=(begin, end),
    )


PLUGIN = Family(
    name="deepseek_v32",
    rule=dsml("function_calls"),
    families=("deepseek-v3.2",),
    signs=("｜DSML｜", "function_calls"),
    underscore_names=True,
    keep_special_tokens=True,
    model_types=("deepseek_v32",),
)
