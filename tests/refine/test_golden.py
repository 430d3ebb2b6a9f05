"""Hand-written records with a judge whose replies are known: outcome, stage and reason are what the set says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.types import Example
from refine import checks, stages
from refine.judge import Judge, Question
from refine.ledger import Ledger, read_lines
from refine.pipeline import Pipeline
from refine.turns import begin
from refine.types import Context
from tests.refine.judges import KnownJudge, yes
from tests.refine.test_pipeline import stage_of

GOLDEN = json.loads((Path(__file__).parent.parent / "cases" / "refine_golden.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["records"], ids=lambda case: case["name"])
def test_the_outcome_is_what_the_set_says(case, tmp_path):
    message = {"role": "user", "content": case["query"]}
    example = Example("case", (message,), tuple(GOLDEN["tools"][case["tools"]]), case["think"], case["answer"])
    said: dict[str, int] = {}

    def answer(key, prompt):
        stage = stage_of(prompt)
        assert prompt.messages[0]["content"] == Question(stage).instructions
        replies = case["judge"].get(stage, yes())
        if not isinstance(replies, list):
            return replies
        said[stage] = said.get(stage, -1) + 1
        return replies[min(said[stage], len(replies) - 1)]

    context = Context(frozenset(case.get("decide", ())), case.get("max_attempts", 3))
    with Ledger(tmp_path, {}) as ledger:
        pipeline = Pipeline([Judge("known", KnownJudge(answer))], ledger)
        for _ in pipeline.run(begin([(0, example, checks.answer_findings(example))], stages.load(), context)):
            pass
    (line,) = read_lines(tmp_path / "outcomes.jsonl")
    expected = dict(case["expect"])
    assert (line["outcome"], line["stage"]) == (expected.pop("outcome"), expected.pop("stage"))
    assert expected.pop("reason") in line["reason"]
    assert line["example"]["answer"] == expected.pop("answer", line["example"]["answer"])
    assert line["repairs"] == expected.pop("repairs", line["repairs"])
    assert {f["check"] for f in line["findings"]} >= set(expected.pop("findings", ()))
    assert not expected
