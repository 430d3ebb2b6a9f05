"""A list of Python calls, often in a fence: Phi-4 and Phi-4-mini in prompting mode."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="pythonic_fenced",
    rule=PythonCalls(wrap="```python\n[{calls}]\n```"),
    families=("phi4-prompt", "phi4mini-prompt"),
    prompted=official.unfenced_words,
    documents="prompt",
)
