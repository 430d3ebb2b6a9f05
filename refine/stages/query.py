"""Stage 2, query and tool identification: a query that the tools cannot solve is dropped."""

from __future__ import annotations

from harness.types import Example
from refine import material
from refine.judge import Question
from refine.types import Ask, Asking, Context, Ruling


class Query:
    """Sees query and tools: can functions and parameter values be derived?"""

    name = "query"
    question = Question("query")

    def run(self, example: Example, context: Context) -> Asking:
        """Drop duplicates and contaminated examples where those checks decide, then ask."""
        if finding := context.found("duplicate", "near_duplicate", "contaminated"):
            return Ruling("dropped", example, finding.message)
        answer = yield Ask(self.name, self.question, material.of(example, "query", "tools"))
        if answer is None:
            return Ruling("unjudged", example, "no readable judgement")
        return Ruling("next" if answer["verdict"] == "yes" else "dropped", example, answer["reason"])


STAGE = Query()
