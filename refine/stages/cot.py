"""Stage 3, chain-of-thought identification: reasoning that does not lead to the answer is dropped."""

from __future__ import annotations

from harness.types import Example
from refine import material
from refine.judge import Question
from refine.types import Ask, Asking, Context, Ruling


class ChainOfThought:
    """Sees the chain of thought and the reference answer: do start, steps and conclusion lead to it?"""

    name = "cot"
    question = Question("cot")

    def run(self, example: Example, context: Context) -> Asking:
        """Ask; an example without a chain of thought has nothing to check."""
        if example.think is None:
            return Ruling("next", example, "no chain of thought")
        answer = yield Ask(self.name, self.question, material.of(example, "cot", "answer"))
        if answer is None:
            return Ruling("unjudged", example, "no readable judgement")
        return Ruling("next" if answer["verdict"] == "yes" else "dropped", example, answer["reason"])


STAGE = ChainOfThought()
