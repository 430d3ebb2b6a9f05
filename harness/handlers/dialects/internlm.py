"""InternLM 2.5 and 3, Intern-S1: an object in `<|action_start|><|plugin|>` marks."""

from __future__ import annotations

from harness.handlers.dialects._family import Family
from harness.handlers.dialects._json import JsonCalls

PLUGIN = Family(
    name="internlm",
    rule=JsonCalls(
        starts=("<|action_start|><|plugin|>", "<|action_start|> <|plugin|>"),
        ends=("<|action_end|>",),
        arguments="parameters",
        item="<|action_start|><|plugin|>\n{call}<|action_end|>",
        wrap="{calls}",
        separator="",
    ),
    families=("internlm2", "intern-s1"),
    signs=("<|action_start|>", "<|plugin|>"),
    model_types=("internlm2", "internlm3", "interns1"),
    underscore_names=True,
    keep_special_tokens=True,
)
