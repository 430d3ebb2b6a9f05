"""Stage 4, function and parameter identification: a wrong call is regenerated and judged again."""

from __future__ import annotations

from harness.types import Example
from refine.judge import Question
from refine.repair import judge_and_repair
from refine.types import Asking, Context


class Arguments:
    """Sees query, tools and reference answer: are function names, parameters and values right?"""

    name = "arguments"
    question = Question("arguments")

    def run(self, example: Example, context: Context) -> Asking:
        """Judge and repair; what the schema forbids needs no judge where those checks decide."""
        free = ("function", "required", "unexpected", "type", "enum")
        return (yield from judge_and_repair(self, free, example, context))


STAGE = Arguments()
