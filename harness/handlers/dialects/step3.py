"""Step-3: `steptml` tags in marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="step3",
    rule=TaggedCalls(
        head=pattern(
            r"(?:<｜tool_call_begin｜>\s*function<｜tool_sep｜>\s*)?<steptml:invoke name=\"(?P<name>[^\"\n]+)\">"
        ),
        key=pattern(r"<steptml:parameter name=\"(?P<key>[^\"\n]+)\">"),
        value_end="</steptml:parameter>",
        call_end=pattern(r"\s*</steptml:invoke>(?:\s*<｜tool_call_end｜>)?"),
        item='<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="{name}">\n{parameters}</steptml:invoke>'
        "<｜tool_call_end｜>",
        parameter='<steptml:parameter name="{key}">{value}</steptml:parameter>\n',
        wrap="<｜tool_calls_begin｜>\n{calls}\n<｜tool_calls_end｜>",
        outer=("<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"),
    ),
    signs=("<steptml:",),
    model_types=("step3_vl", "step3"),
    underscore_names=True,
    keep_special_tokens=True,
)
