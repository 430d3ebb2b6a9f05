"""Granite 20B: `<function_call>` before each object, no end mark, `no_function` for no call."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="granite20b",
    rule=JsonCalls(
        starts=("<function_call>",),
        nothing="no_function",
        item="<function_call> {call}",
        wrap="{calls}",
        separator="\n",
    ),
    families=("granite20b-fc",),
    signs=("<|function_call_library|>",),
    official=official.granite20b,
    underscore_names=True,
)
