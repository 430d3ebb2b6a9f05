"""After stage 5, on request: grade what passed; BalanceSFT keeps only what clears a threshold (arXiv 2505.20192 v3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.types import Example
from refine import material
from refine.judge import Question
from refine.types import Ask, Asking, Context, Ruling

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "score": {"type": "number", "minimum": 0, "maximum": 10}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Score:
    """Sees everything; the votes of several judges are averaged."""

    threshold: float = 0.0
    """Mean score from 0 to 10 below which an example is hard."""
    name = "score"
    question = Question("score", SCHEMA)

    def run(self, example: Example, context: Context) -> Asking:
        """Grade the example and keep the grade in its source."""
        answer = yield Ask(self.name, self.question, material.of(example, "query", "tools", "cot", "answer"))
        if answer is None:
            return Ruling("unjudged", example, "no readable grade")
        graded = replace(example, source={**example.source, "score": answer["score"]})
        if answer["score"] < self.threshold:
            return Ruling(
                "hard", graded, f"score {answer['score']:.2f} is below {self.threshold:g}: {answer['reason']}"
            )
        return Ruling("next", graded, answer["reason"])
