"""`bfcl`: judged as BFCL judges an item of this shape, under strict rules, with the reference as the only answer.

Reward and evaluation agree: `harness.benchmarks.own` judges, as it does test sets of the user's own. BFCL forgives what
`exact` does not: case, blanks and some punctuation in texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.benchmarks.own import PLUGIN as CHECKER
from harness.benchmarks.own.records import check_answer, item_of
from harness.errors import DataError
from harness.types import Episode, Example, Sample, Step
from trainer.rl.rewards import Attempt
from trainer.rl.rewards.exact import reference


class Bfcl:
    """The plug-in."""

    name = "bfcl"

    def doubt(self, example: Example) -> str | None:
        """Tools or a reference that BFCL's checker could not take on trust."""
        try:
            _item(example)
        except DataError as problem:
            return str(problem.args[0]).partition(": ")[2] or str(problem)
        return None

    def judge(self, attempt: Attempt) -> float | None:
        """1 where BFCL's checker passes the reply, 0 where it does not."""
        example = attempt.example
        sample = Sample("item", example.id, (), example.tools, _item(example))
        step = Step(0, attempt.generation, attempt.reply)
        (verdict,) = CHECKER.check(sample, Episode(example.id, (step,)), "strict").values()
        return {"pass": 1.0, "fail": 0.0}.get(verdict.outcome)


def _item(example: Example) -> Mapping[str, Any]:
    calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in reference(example)]
    record = {"id": example.id, "question": "?", "tools": list(example.tools), "calls": calls}
    made = item_of(record, "item", example.id)
    check_answer(made, "item")
    return made


PLUGIN = Bfcl()
