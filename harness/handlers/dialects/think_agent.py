"""ThinkAgent: a list after the thought; the official handler takes every `'` for a `\"`."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="think_agent",
    rule=JsonCalls(),
    families=("think-agent",),
    published=pattern(r"(?i)think-?agent"),
    needs_thought=True,
    official=official.think_agent,
    never_run=True,
    documents="plain",
)
