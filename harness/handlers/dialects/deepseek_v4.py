"""DeepSeek V4: `invoke` and `parameter` tags with `｜DSML｜`, which say whether a value is text."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects.deepseek_v32 import dsml

PLUGIN = Family(
    name="deepseek_v4",
    rule=dsml("tool_calls"),
    families=("deepseek-v4",),
    signs=("｜DSML｜", "tool_calls"),
    underscore_names=True,
    keep_special_tokens=True,
    model_types=("deepseek_v4",),
)
