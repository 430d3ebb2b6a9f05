"""DeepSeek V3 and R1-0528: `function`, the name, and a fence of JSON in marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="deepseek_v3",
    rule=NamedCalls(
        heads=(pattern(r"<｜tool▁call▁begin｜>(?:function)?<｜tool▁sep｜>(?P<name>[^\n<]+)\n```json\n"),),
        bare=pattern(r"\s*function(?P<name>[\w.\-]+)\s*```json\s*"),
        tail=pattern(r"\s*```\s*(?:<｜tool▁call▁end｜>)?"),
        item="<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```<｜tool▁call▁end｜>",
        wrap="<｜tool▁calls▁begin｜>{calls}<｜tool▁calls▁end｜>",
        separator="\n",
        marks=("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    ),
    families=("deepseek-v3",),
    signs=("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "```json"),
    model_types=("deepseek_v3",),
    underscore_names=True,
    keep_special_tokens=True,
)
