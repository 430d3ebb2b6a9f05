"""What is exported is read back as it was, as far as the format can hold it."""

from __future__ import annotations

import json

import pytest

from harness.benchmarks.bfcl.decode import read_calls
from harness.data.examples import read
from harness.errors import UsageProblem
from harness.types import Example
from refine.export import export
from tests.refine.test_pipeline import example

TALK = Example(
    "talk",
    (
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "Where?"},
        {"role": "user", "content": "Oslo."},
    ),
    example(0).tools,
    None,
    "I cannot tell.",
)


@pytest.mark.parametrize("form", ["openai", "sharegpt", "xlam"])
def test_calls_are_read_back(form, tmp_path):
    assert export([example(0)], form, tmp_path / "out.jsonl") == (1, 0)
    (back,) = read(tmp_path / "out.jsonl")
    assert read_calls(back.answer) == read_calls(example(0).answer)
    assert back.messages[-1]["content"] == example(0).messages[-1]["content"]
    assert [tool["name"] for tool in back.tools] == ["get_weather"]
    if form != "sharegpt":  # its function calls hold no thinking
        assert back.think == example(0).think


@pytest.mark.parametrize("form", ["openai", "sharegpt"])
def test_conversations_and_statements_are_read_back(form, tmp_path):
    assert export([TALK], form, tmp_path / "out.jsonl") == (1, 0)
    (back,) = read(tmp_path / "out.jsonl")
    assert (back.answer, back.think) == (TALK.answer, None)
    assert [message["content"] for message in back.messages] == ["Weather?", "Where?", "Oslo."]


def test_what_xlam_cannot_hold_is_counted(tmp_path):
    assert export([TALK, example(0)], "xlam", tmp_path / "out.jsonl") == (1, 1)


def test_trl_rows_are_prompt_and_completion(tmp_path):
    export([example(0)], "trl", tmp_path / "out.jsonl")
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert row["prompt"] == list(example(0).messages)
    assert row["completion"][0]["content"] == f"<think>\n{example(0).think}\n</think>\n\n{example(0).answer}"
    assert row["tools"][0]["function"]["name"] == "get_weather"


def test_an_unknown_format_names_the_nearest(tmp_path):
    with pytest.raises(UsageProblem, match="openai"):
        export([], "open_ai", tmp_path / "out.jsonl")
