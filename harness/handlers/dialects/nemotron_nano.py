"""Nemotron Nano v2: a JSON list in `<TOOLCALL>` tags."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="nemotron_nano",
    rule=JsonCalls(starts=("<TOOLCALL>",), ends=("</TOOLCALL>",), wrap="<TOOLCALL>[{calls}]</TOOLCALL>"),
    families=("nemotron-nano-toolcall",),
    signs=("<TOOLCALL>", "<TOOL_RESPONSE>"),
    model_types=("nemotron_h",),
    underscore_names=True,
)
