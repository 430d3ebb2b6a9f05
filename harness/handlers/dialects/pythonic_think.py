"""A list of Python calls after a thought: Qwen3 and DeepSeek-R1 in prompting mode."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="pythonic_think",
    rule=PythonCalls(),
    families=("qwen-prompt", "deepseek-r1-prompt"),
    prompted=official.as_it_is,
    official_cut=True,
    documents="prompt",
)
