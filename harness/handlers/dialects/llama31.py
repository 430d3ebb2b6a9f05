"""Llama 3.1: objects with `parameters`, several joined by `; `, perhaps after `<|python_tag|>`."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="llama31",
    rule=JsonCalls(starts=("<|python_tag|>",), arguments="parameters", wrap="{calls}", separator="; "),
    families=("llama31-json", "llama3-json"),
    others=(PythonCalls(),),
    signs=("<|start_header_id|>", "Environment: ipython"),
    model_types=("llama",),
    official=official.llama31,
    documents="plain",
)
