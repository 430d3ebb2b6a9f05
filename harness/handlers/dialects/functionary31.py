"""Functionary v3.1: `<function=name>{...}</function>`."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="functionary31",
    rule=NamedCalls(
        heads=(pattern(r"<function=(?P<name>[^>\s]+)>\s*(?=\{)"),),
        tail=pattern(r"\s*</function>"),
        item="<function={name}>{arguments}</function>",
    ),
    families=("functionary-v3.1",),
    signs=("<function=", "</function>", "<|eom_id|>", "<|start_header_id|>"),
    underscore_names=True,
)
