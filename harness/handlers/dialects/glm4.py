"""GLM-4: the name on one line, JSON on the next; it makes one call at a time."""

from __future__ import annotations

from harness.handlers.dialects import _official as official
from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="glm4",
    rule=NamedCalls(
        heads=(),
        bare=pattern(r"\s*(?:<\|assistant\|>)?(?P<name>[\w.\-]+)[ \t]*\n(?=\s*\{)"),
        item="{name}\n{arguments}",
        separator="\n",
    ),
    families=("glm4-fc",),
    signs=("[gMASK]", "<|observation|>"),
    model_types=("chatglm", "glm", "glm4"),
    official=official.glm4,
    underscore_names=True,
)
