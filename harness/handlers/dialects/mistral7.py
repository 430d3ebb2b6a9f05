"""Mistral v7 as some servers give it: `[TOOL_CALLS]name{...}`, the mark before each call."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._json import JsonCalls
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="mistral7",
    rule=NamedCalls(
        heads=(pattern(r"\[TOOL_CALLS\]\s*(?P<name>[^\[{\s]+?)(?:\[CALL_ID\][^\[{]*)?(?:\[ARGS\])?\s*(?=\{)"),),
        bare=pattern(r"\s*(?P<name>[\w.\-]+)(?:\[ARGS\])?(?=\{)"),
        item="[TOOL_CALLS]{name}{arguments}",
    ),
    families=("mistral-v7",),
    others=(JsonCalls(starts=("[TOOL_CALLS]",)),),
    underscore_names=True,
    keep_special_tokens=True,
)
