"""Functionary v3.2: `>>>name`, line break, JSON; the prompt may hold the first `>>>`."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="functionary32",
    rule=NamedCalls(
        heads=(pattern(r"(?:\A\s*|>>>)(?P<name>(?!all\b)[\w.\-]+)\n(?=\{)"),),
        item=">>>{name}\n{arguments}",
        prose=pattern(r"(?:\A|>>>)all\n(.*?)(?:>>>|\Z)"),
    ),
    families=("functionary-v3.2", "functionary-v3.2-prefilled"),
    signs=(">>>",),
    said=">>>all\n{text}",
    underscore_names=True,
)
