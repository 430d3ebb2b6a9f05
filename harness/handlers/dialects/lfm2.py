"""LFM2: a list of Python calls in `<|tool_call_start|>` marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="lfm2",
    rule=PythonCalls("<|tool_call_start|>", "<|tool_call_end|>", "<|tool_call_start|>[{calls}]<|tool_call_end|>"),
    others=(JsonCalls(starts=("<|tool_call_start|>",), ends=("<|tool_call_end|>",)),),
    signs=("<|tool_call_start|>",),
    model_types=("lfm2", "lfm2_moe"),
    underscore_names=True,
    keep_special_tokens=True,
)
