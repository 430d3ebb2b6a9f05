"""Apertus: a list of objects whose key is the function's name, in `<|tools_prefix|>` marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="apertus",
    rule=JsonCalls(
        starts=("<|tools_prefix|>",),
        ends=("<|tools_suffix|>",),
        by_name=True,
        wrap="<|tools_prefix|>[{calls}]<|tools_suffix|>",
    ),
    signs=("<|tools_prefix|>",),
    model_types=("apertus",),
    underscore_names=True,
    keep_special_tokens=True,
)
