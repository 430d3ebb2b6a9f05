"""`bfcl`: judged as BFCL judges an item of this shape, under strict rules, with the reference as the only answer.

Reward and evaluation agree: it is judged as an item of a test set of the user's own is (`harness.benchmarks.own`). BFCL
forgives what `exact` does not: case, blanks and some punctuation in texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.benchmarks.bfcl.checking import check_calls
from harness.benchmarks.own.records import check_answer, item_of
from harness.errors import DataError
from harness.types import Example
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
        item = _item(attempt.example)
        verdict = check_calls(attempt.reply, item["function"], item["ground_truth"], rules="strict", wants_call=False)
        return {"pass": 1.0, "fail": 0.0}.get(verdict.outcome)


def _item(example: Example) -> Mapping[str, Any]:
    calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in reference(example)]
    record = {"id": example.id, "question": "?", "tools": list(example.tools), "calls": calls}
    made = item_of(record, "item", example.id)
    check_answer(made, "item")
    return made


PLUGIN = Bfcl()
