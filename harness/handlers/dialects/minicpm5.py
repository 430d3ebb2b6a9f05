"""MiniCPM5: `<function name=...>` and `<param name=...>`."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="minicpm5",
    rule=TaggedCalls(
        head=pattern(r"<function name=\"(?P<name>[^\"\n]+)\">"),
        key=pattern(r"<param name=\"(?P<key>[^\"\n]+)\">"),
        value_end="</param>",
        call_end=pattern(r"\s*</function>"),
        item='<function name="{name}">{parameters}</function>',
        parameter='<param name="{key}">{value}</param>',
    ),
    signs=("<function name=", "<param name="),
    model_types=("minicpm5",),
    underscore_names=True,
    keep_special_tokens=True,
)
