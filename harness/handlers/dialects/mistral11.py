"""Mistral v11 and later: `[TOOL_CALLS]name[ARGS]{...}`, a `[CALL_ID]` between them in some versions."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._json import JsonCalls
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="mistral11",
    rule=NamedCalls(
        heads=(pattern(r"\[TOOL_CALLS\]\s*(?P<name>[^\[{\s]+?)(?:\[CALL_ID\][^\[{]*)?(?:\[ARGS\])?\s*(?=\{)"),),
        bare=pattern(r"\s*(?P<name>[\w.\-]+)(?:\[ARGS\])?(?=\{)"),
        item="[TOOL_CALLS]{name}[ARGS]{arguments}",
    ),
    families=("mistral-v11", "mistral-v11-callid"),
    others=(JsonCalls(starts=("[TOOL_CALLS]",)),),
    signs=("[TOOL_CALLS]", "[ARGS]", "[AVAILABLE_TOOLS]"),
    underscore_names=True,
    keep_special_tokens=True,
)
