"""Stage 1, response identification: a plain statement is kept as it is and skips the rest."""

from __future__ import annotations

from harness.types import Example
from refine import material
from refine.judge import Question
from refine.types import Ask, Asking, Context, Ruling


class Response:
    """Sees the reference answer: is it a function call?"""

    name = "response"
    question = Question("response")

    def run(self, example: Example, context: Context) -> Asking:
        """Ask whether the answer is a call; where `decode` is decisive, an answer that decodes is one."""
        if "decode" in context.decisive and context.found("decode") is None:
            return Ruling("next", example)
        answer = yield Ask(self.name, self.question, material.of(example, "answer"))
        if answer is None:
            return Ruling("unjudged", example, "no readable judgement")
        return Ruling("next" if answer["verdict"] == "yes" else "kept", example, answer["reason"])


STAGE = Response()
