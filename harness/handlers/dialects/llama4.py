"""Llama 4 under its own template: a list of Python calls in `<|python_start|>` marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="llama4",
    rule=PythonCalls("<|python_start|>", "<|python_end|>", "<|python_start|>[{calls}]<|python_end|>"),
    families=("llama4-pythonic",),
    others=(JsonCalls(arguments="parameters"),),
    signs=("<|python_start|>",),
    model_types=("llama4",),
    underscore_names=True,
    keep_special_tokens=True,
)
