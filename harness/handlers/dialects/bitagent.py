"""BitAgent-Bounty: a plain JSON list; for the official handler objects joined by `;` are none."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="bitagent",
    rule=JsonCalls(),
    families=("bitagent-bounty",),
    published=pattern(r"(?i)bitagent-bounty"),
    official=official.list_or_object,
    documents="plain",
)
