"""xLAM-2: a plain JSON list."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="xlam",
    rule=JsonCalls(),
    families=("xlam2", "xlam2-llama", "xlam2-qwen"),
    published=pattern(r"(?i)xlam-2"),
    signs=("tool calls in a single JSON array",),
    official=official.list_or_objects,
    documents="plain",
)
