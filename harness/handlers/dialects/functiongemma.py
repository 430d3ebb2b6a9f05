"""FunctionGemma: `call:name{key:value}`, strings between `<escape>` marks."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._braces import BraceCalls
from harness.handlers.dialects._family import Family

PLUGIN = Family(
    name="functiongemma",
    rule=BraceCalls("<start_function_call>", "<end_function_call>", "<escape>"),
    signs=("<start_function_call>", "<escape>"),
    official=official.functiongemma,
    documents="wrapped",
    keep_special_tokens=True,
)
