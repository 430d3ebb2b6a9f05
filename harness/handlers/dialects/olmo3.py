"""Olmo 3: one Python call a line in `<function_calls>` tags."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="olmo3",
    rule=PythonCalls("<function_calls>", "</function_calls>", "<function_calls>{calls}</function_calls>", "\n"),
    signs=("<function_calls>",),
    model_types=("olmo3",),
    underscore_names=True,
)
