"""Hammer 2: a JSON list in a fence."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="hammer",
    rule=JsonCalls(wrap="```\n[{calls}]\n```"),
    families=("hammer2",),
    published=pattern(r"(?i)hammer-?2"),
    signs=("[BEGIN OF FORMAT INSTRUCTION]",),
    official=official.unfenced_list,
    documents="plain",
)
