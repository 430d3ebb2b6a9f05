"""DeepSeek V3.1: the name and JSON in marks, calls side by side."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="deepseek_v31",
    rule=NamedCalls(
        heads=(pattern(r"<｜tool▁call▁begin｜>(?P<name>[^<\s]+)<｜tool▁sep｜>"),),
        bare=pattern(r"\s*(?P<name>[\w.\-]+)(?=\{)"),
        tail=pattern(r"\s*<｜tool▁call▁end｜>"),
        item="<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{arguments}<｜tool▁call▁end｜>",
        wrap="<｜tool▁calls▁begin｜>{calls}<｜tool▁calls▁end｜>",
        marks=("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    ),
    families=("deepseek-v3.1",),
    signs=("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>"),
    underscore_names=True,
    keep_special_tokens=True,
)
