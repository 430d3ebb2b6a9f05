"""Gemma 4: `call:name{key:value}`, strings between `<|\"|>` marks."""

from __future__ import annotations

from harness.handlers.dialects._braces import BraceCalls
from harness.handlers.dialects._family import Family

PLUGIN = Family(
    name="gemma4",
    rule=BraceCalls("<|tool_call>", "<tool_call|>", '<|"|>'),
    signs=("<|tool_call>", "<tool_call|>"),
    model_types=("gemma4",),
    think=("<|channel>", "<channel|>"),
    thought="<|channel>{think}<channel|>",
    underscore_names=True,
    keep_special_tokens=True,
)
