"""Nemotron Ultra: a list of Python calls in `<TOOLCALL>` tags."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="nemotron",
    rule=PythonCalls("<TOOLCALL>", "</TOOLCALL>", "<TOOLCALL>[{calls}]</TOOLCALL>"),
    families=("nemotron-ultra-toolcall",),
    signs=("<TOOLCALL>", "<AVAILABLE_TOOLS>"),
    model_types=("nemotron-nas",),
    prompted=official.toolcall,
    documents="plain",
)
