"""`exact`: the reference's calls, whatever their order, with equal arguments; no call where the reference makes none.

`[f(a=1), g()]` equals `[g(), f(a=1.0)]`: numbers are equal by value, but 1 is not True and "1" is not 1. Where order
matters the record says so: `"source": {"ordered": true}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from harness.benchmarks.bfcl.decode import Undecodable, decode, native, read_calls, well_formed
from harness.benchmarks.bfcl.judging import scored_answer
from harness.benchmarks.bfcl.relevance import check_abstention
from harness.benchmarks.bfcl.rules import STRICT
from harness.data.calls import read_answer
from harness.types import Example, FunctionCall
from trainer.rl.rewards import Attempt


class Exact:
    """The plug-in."""

    name = "exact"

    def doubt(self, example: Example) -> str | None:
        """Every item can be judged: one without calls wants none."""
        return None

    def judge(self, attempt: Attempt) -> float:
        """1 for the reference's calls, else 0."""
        wanted = reference(attempt.example)
        raw, mode = scored_answer(attempt.reply)
        try:
            got = native(raw) if mode == "fc" else decode(raw, rules=STRICT)
        except Undecodable as problem:
            return float(not wanted and check_abstention(raw, problem) is None)
        if not well_formed(got):
            return 0.0
        expected = [{call.name: call.arguments} for call in wanted]
        same = [_form(call) for call in got], [_form(call) for call in expected]
        ordered = attempt.example.source.get("ordered") is True
        return float(same[0] == same[1] if ordered else Counter(same[0]) == Counter(same[1]))


def reference(example: Example) -> Sequence[FunctionCall]:
    """The calls of an item's reference; empty where it makes none."""
    return read_answer(example.answer) or read_calls(example.answer) or []


def _form(value: Any) -> Any:
    """A value as something that can be hashed, equal where values are."""
    if isinstance(value, Mapping):
        return frozenset((key, _form(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ("list", *map(_form, value))
    return ("bool", value) if isinstance(value, bool) else value


PLUGIN = Exact()
