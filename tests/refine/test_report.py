"""Figures of a finished run, counted by hand."""

from __future__ import annotations

import json

import pytest

from harness.errors import UsageProblem
from refine.report import calls_summary, summarise, token_counter
from tests.refine.judges import KnownJudge, no
from tests.refine.test_pipeline import answering, example, refine, stage_of


@pytest.fixture
def folder(tmp_path):
    """Two kept, of which one was repaired, and one dropped by stage 3."""
    rewritten = json.dumps({"answer": "[get_weather(city='Rome')]"})
    plain = answering(rewrite=rewritten)

    def answer(key, prompt):
        text = prompt.messages[1]["content"]
        if stage_of(prompt) == "arguments" and "city='Bern'" in text:
            return no("Rome is asked for")
        return no("it leads elsewhere") if stage_of(prompt) == "cot" and "elsewhere" in text else plain(key, prompt)

    examples = [
        example(0, think="one two three"),
        example(1, answer="[get_weather(city='Bern')]", think="four"),
        example(2, think="elsewhere"),
    ]
    assert refine(tmp_path, KnownJudge(answer), examples) == {"kept": 2, "dropped": 1, "hard": 0, "unjudged": 0}
    return tmp_path


def test_the_summary_counts_outcomes_stages_and_lengths(folder):
    found = summarise(folder, examples=1)
    assert found["outcomes"] == {"kept": 2, "dropped": 1}
    assert found["repaired"] == 1
    assert found["stages"] == [
        {"stage": "cot", "outcome": "dropped", "n": 1},
        {"stage": "end", "outcome": "kept", "n": 2},
    ]
    assert found["unit"] == "words"
    assert found["lengths"] == {
        "think": {"n": 2, "mean": 2, "median": 2},
        "result": {"n": 2, "mean": 3, "median": 3},  # get_weather, city, and the city's name
    }
    assert {outcome: len(shown) for outcome, shown in found["examples"].items()} == {"kept": 1, "dropped": 1}


def test_lengths_are_counted_by_the_counter_that_is_given(folder):
    found = summarise(folder, len)
    assert found["unit"] == "tokens"
    assert found["lengths"]["think"]["mean"] == (len("one two three") + len("four")) / 2


def test_calls_are_summed_by_stage_and_model(folder):
    rows = {row["stage"]: row for row in calls_summary(folder)}
    assert {stage: row["calls"] for stage, row in rows.items()} == {
        "response": 3, "query": 3, "cot": 3, "arguments": 4, "format": 2
    }  # fmt: skip
    assert rows["arguments"]["prompt_tokens"] == 40
    assert rows["arguments"]["unreadable"] == 0


def test_tokens_are_those_of_the_named_model(tmp_path):
    assert token_counter("tiny")("Oslo") >= 1
    with pytest.raises(UsageProblem, match="--tokenizer"):
        token_counter(str(tmp_path / "none"))
