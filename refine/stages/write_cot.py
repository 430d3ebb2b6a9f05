"""Before stage 1, on request: write a chain of thought for an example that has none (the paper used QwQ-32B)."""

from __future__ import annotations

from dataclasses import replace

from harness.types import Example
from refine import material
from refine.judge import Question, text_schema
from refine.types import Ask, Asking, Context, Ruling


class WriteChainOfThought:
    """Sees query, tools and reference answer; stage 3 judges what it writes."""

    name = "write_cot"
    question = Question("write_cot", text_schema("thought"))

    def run(self, example: Example, context: Context) -> Asking:
        """Write the missing chain of thought."""
        if example.think is not None:
            return Ruling("next", example)
        answer = yield Ask(self.name, self.question, material.of(example, "query", "tools", "answer"))
        if answer is None or not answer["thought"].strip():
            return Ruling("unjudged", example, "no readable chain of thought")
        return Ruling("next", replace(example, think=answer["thought"].strip()))


STAGE = WriteChainOfThought()
