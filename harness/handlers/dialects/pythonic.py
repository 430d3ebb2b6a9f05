"""A list of Python calls: Llama 3.2, 3.3 and 4, ToolACE-2, watt-tool, CoALM, all models in BFCL's prompting mode."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._python import PythonCalls

PLUGIN = Family(
    name="pythonic",
    rule=PythonCalls(),
    others=(PythonCalls("<|python_start|>", "<|python_end|>"),),
    families=(
        "llama-pythonic",
        "llama3-pythonic",
        "toolace-watt-coalm-bitagent8b",
        "minicpm3-prompt",
        "gemma3-prompt",
        "bielik-prompt",
    ),
    published=pattern(r"(?i)toolace|watt-tool|coalm|bitagent-8b"),
    prompted=official.as_it_is,
    documents="prompt",
)
