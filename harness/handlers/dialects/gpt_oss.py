"""gpt-oss (harmony): a message to `functions.name`; thinking in the channel `analysis`, the answer in `final`."""

from __future__ import annotations

from harness.handlers.dialects._family import Family, pattern
from harness.handlers.dialects._named import NamedCalls

PLUGIN = Family(
    name="gpt_oss",
    rule=NamedCalls(
        heads=(
            pattern(
                r"(?:<\|start\|>)?(?:assistant)?(?:<\|channel\|>)?(?:commentary|analysis)?\s{0,20}to=functions\."
                r"(?P<name>[\w.\-]{1,200}?)\s*+(?:<\|channel\|>(?:commentary|analysis))?\s*+(?:<\|constrain\|>)?\s*+(?:json|code)?"
                r"\s*+(?:<\|message\|>)?\s*+(?=\{)"
            ),
        ),
        tail=pattern(r"\s*<\|(?:call|end)\|>"),
        item="<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{arguments}<|call|>",
        separator="<|start|>assistant",
        prose=pattern(r"(?:<\|channel\|>|assistant)final(?:<\|message\|>)?(.*?)(?:<\|return\|>|<\|end\|>|\Z)"),
    ),
    families=("gpt-oss", "gpt-oss-role"),
    signs=("<|channel|>", "commentary"),
    model_types=("gpt_oss",),
    think=("<|channel|>analysis<|message|>", "<|end|>"),
    thought="<|channel|>analysis<|message|>{think}<|end|><|start|>assistant",
    said="<|channel|>final<|message|>{text}",
    underscore_names=True,
    keep_special_tokens=True,
)
