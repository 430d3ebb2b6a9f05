"""MiniMax-M2: `<invoke>` and `<parameter>` in `<minimax:tool_call>`."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._tagged import TaggedCalls

PLUGIN = Family(
    name="minimax_m2",
    rule=TaggedCalls(
        head=pattern(r"<invoke name=\"(?P<name>[^\"\n]+)\">"),
        key=pattern(r"<parameter name=\"(?P<key>[^\"\n]+)\">"),
        value_end="</parameter>",
        call_end=pattern(r"\s*</invoke>"),
        item='<invoke name="{name}">\n{parameters}</invoke>',
        parameter='<parameter name="{key}">{value}</parameter>\n',
        wrap="<minimax:tool_call>\n{calls}\n</minimax:tool_call>",
        outer=("<minimax:tool_call>", "</minimax:tool_call>"),
    ),
    families=("minimax-m2",),
    signs=("<minimax:tool_call>",),
    model_types=("minimax_m2", "minimax"),
    underscore_names=True,
    keep_special_tokens=True,
)
