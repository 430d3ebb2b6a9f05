"""MiniCPM3: a fence with one Python call a line in `<|tool_call_start|>` marks."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="minicpm3",
    rule=PythonCalls(
        "<|tool_call_start|>",
        "<|tool_call_end|>",
        "<|tool_call_start|>\n```python\n{calls}\n```\n<|tool_call_end|>\n",
        "\n",
    ),
    families=("minicpm3-fc",),
    signs=("<|tool_call_start|>", "<|thought_start|>"),
    model_types=("minicpm3",),
    think=("<|thought_start|>", "<|thought_end|>"),
    thought="<|thought_start|>\n{think}\n<|thought_end|>\n",
    official=official.minicpm3,
    underscore_names=True,
    keep_special_tokens=True,
)
