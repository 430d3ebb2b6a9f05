"""Judging an answer and writing it anew, one question after the other."""

from __future__ import annotations

import pytest

from refine.repair import REWRITE, judge_and_repair
from refine.stages.arguments import STAGE
from refine.types import Context, Ruling
from tests.refine.test_pipeline import example

NEW = "[get_weather(city='Bern')]"
YES, NO = {"verdict": "yes", "reason": "good"}, {"verdict": "no", "reason": "bad"}


def played(answers: list, **context) -> tuple[list[str], Ruling]:
    """The questions that are asked, and the ruling."""
    going, asked, answer = judge_and_repair(STAGE, ("required",), example(0), Context(**context)), [], None
    left = iter(answers)
    while True:
        try:
            ask = going.send(answer)
        except StopIteration as end:
            assert next(left, None) is None, "not all answers were wanted"
            return asked, end.value
        asked.append(ask.question.name)
        if ask.question is REWRITE:
            assert ask.material["What is wrong with it"].startswith("bad")
        answer = next(left)


def test_a_right_answer_is_asked_about_once():
    assert played([YES]) == (["arguments"], Ruling("next", example(0), "good", 0))


def test_the_answer_that_passes_is_the_new_one_without_space_around_it():
    asked, ruling = played([NO, {"answer": " [get_weather(city='Rome')]\n"}, NO, {"answer": NEW}, YES])
    assert asked == ["arguments", "rewrite", "arguments", "rewrite", "arguments"]
    assert (ruling.outcome, ruling.example.answer, ruling.repairs) == ("next", NEW, 2)


def test_an_answer_that_stays_wrong_is_left_as_it_came():
    _, ruling = played([NO, {"answer": NEW}, NO], max_attempts=1)
    assert ruling == Ruling("hard", example(0), "bad", 1)
    assert played([NO], max_attempts=0)[1] == Ruling("hard", example(0), "bad", 0)


def test_without_a_readable_reply_nothing_is_decided():
    assert played([None])[1].outcome == "unjudged"
    assert played([NO, None])[1] == Ruling("unjudged", example(0), "no readable new answer", 1)


@pytest.mark.parametrize(
    "useless",
    [
        "",
        "It is sunny.",
        '[{"name": "get_weather", "arguments": {"city": "Oslo"}}]',
        '{"name": "get_weather"}',
        "['get_weather']",
        "[get_wether(city='Oslo')]",
        "[]",
    ],
)
def test_a_new_answer_that_no_one_could_use_is_a_failed_attempt_and_is_not_judged(useless):
    asked, ruling = played([NO, {"answer": useless}, {"answer": useless}, {"answer": NEW}, YES])
    assert asked == ["arguments", "rewrite", "rewrite", "rewrite", "arguments"]
    assert (ruling.outcome, ruling.example.answer, ruling.repairs) == ("next", NEW, 3)
    _, ruling = played([NO, {"answer": useless}], max_attempts=1)
    assert (ruling.outcome, ruling.example) == ("hard", example(0))
    assert ruling.reason.startswith("bad; the new answer: ")
