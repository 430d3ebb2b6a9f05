"""The stages: how they are named, and the contract that each of them keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import UsageProblem
from refine import stages
from refine.repair import REWRITE
from refine.stages.score import Score
from refine.stages.write_cot import STAGE as WRITE_COT
from refine.types import Ask, Context, Ruling
from tests.refine.test_pipeline import example

ALL = (WRITE_COT, *stages.load(), Score(5.0))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("all", stages.ORDER),
        ("1-5", stages.ORDER),
        ("2", ("query",)),
        ("cot, response", ("response", "cot")),
        ("4-5,1", ("response", "arguments", "format")),
        ("query,2,2-2", ("query",)),
    ],
)
def test_stages_come_in_the_order_of_the_paper(names, found):
    assert tuple(stage.name for stage in stages.load(names)) == found


@pytest.mark.parametrize("names", ["", "0", "6", "3-2", "1-6", "cots", "1-cot"])
def test_unknown_stages_are_refused(names):
    with pytest.raises(UsageProblem):
        stages.load(names)


def test_questions_are_those_of_the_stages_and_the_request_for_a_new_answer():
    found = stages.questions(ALL)
    assert list(found) == [*(stage.name for stage in ALL), "rewrite"]
    assert found["rewrite"] is REWRITE
    assert len({question.sha256 for question in found.values()}) == len(found)


def first(stage, each=None) -> tuple[Ask | None, Ruling | None]:
    """What a stage asks first, or its ruling where it asks nothing."""
    going = stage.run(each or example(0), Context())
    try:
        return next(going), None
    except StopIteration as end:
        return None, end.value


def unanswered(stage, each) -> Ruling:
    going = stage.run(each, Context())
    next(going)
    with pytest.raises(StopIteration) as end:
        going.send(None)
    return end.value.value


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage.name)
def test_a_stage_asks_its_own_question_under_its_name_and_no_reply_decides_nothing(stage):
    each = replace(example(0), think=None) if stage is WRITE_COT else example(0)
    ask, _ = first(stage, each)
    assert (ask.stage, ask.question) == (stage.name, stage.question)
    assert (unanswered(stage, each).outcome, unanswered(stage, each).example) == ("unjudged", each)


def test_where_there_is_nothing_to_ask_a_stage_asks_nothing():
    assert first(WRITE_COT)[1] == Ruling("next", example(0))
    bare = replace(example(0), think=None)
    assert first(stages.load("cot")[0], bare)[1] == Ruling("next", bare, "no chain of thought")


@pytest.mark.parametrize(("score", "outcome"), [(5.0, "next"), (4.99, "hard"), (10, "next")])
def test_a_score_at_the_threshold_passes(score, outcome):
    going = Score(5.0).run(example(0), Context())
    next(going)
    with pytest.raises(StopIteration) as end:
        going.send({"score": score, "reason": "so"})
    assert (end.value.value.outcome, end.value.value.example.source["score"]) == (outcome, score)
