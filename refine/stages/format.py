"""Stage 5, format identification: a call in the wrong format is regenerated and judged again."""

from __future__ import annotations

from harness.types import Example
from refine.judge import Question
from refine.repair import judge_and_repair
from refine.types import Asking, Context


class Format:
    """Sees query, tools and reference answer: is the call's format right?"""

    name = "format"
    question = Question("format")

    def run(self, example: Example, context: Context) -> Asking:
        """Judge and repair; an answer that does not decode needs no judge where `decode` decides."""
        return (yield from judge_and_repair(self, ("decode",), example, context))


STAGE = Format()
