"""Conversations: each turn that trains is judged with what came before it."""

from __future__ import annotations

import json

import pytest

from harness.data.examples import read
from harness.types import Example
from refine.ledger import read_lines
from tests.refine.judges import KnownJudge, no, yes
from tests.refine.test_pipeline import TOOLS, refine, stage_of

CITY = {"city": "Oslo"}


def conversation(tmp_path, *turns: dict, last: str = "3 degrees.", name: str = "get_weather") -> Example:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": json.dumps(CITY)}}
    messages = [
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": None, "reasoning_content": "Look it up.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "3"},
        *turns,
        {"role": "assistant", "content": last},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "m", "messages": messages, "tools": list(TOOLS)}) + "\n")
    (row,) = read(path)
    assert isinstance(row, Example)
    return row


def judged(tmp_path, row, answer=lambda key, prompt: yes(), **context):
    judge = KnownJudge(answer)
    refine(tmp_path / "out", judge, [row], **context)
    (line,) = read_lines(tmp_path / "out" / "outcomes.jsonl")
    return line, [(stage_of(prompt), prompt.messages[1]["content"]) for _, prompt in judge.asked]


def statement(key, prompt):
    is_call = "(" in prompt.messages[1]["content"] or stage_of(prompt) != "response"
    return yes() if is_call else no("a statement")


def test_a_conversation_that_ends_in_a_statement_is_refined_for_the_calls_in_it(tmp_path):
    line, asked = judged(tmp_path, conversation(tmp_path), statement)
    assert [stage for stage, _ in asked] == ["response", "query", "cot", "arguments", "format", "response"]
    assert (line["outcome"], line["stage"], line["findings"]) == ("kept", "response", [])
    assert "3 degrees." not in asked[1][1], "an earlier turn is judged with what came before it"
    assert "Look it up." in asked[2][1]


@pytest.mark.parametrize("stage", ["query", "cot", "arguments", "format"])
def test_what_is_wrong_with_an_earlier_turn_decides_about_the_record(tmp_path, stage):
    row = conversation(tmp_path)
    line, asked = judged(tmp_path, row, lambda key, prompt: no("bad") if stage_of(prompt) == stage else yes())
    assert line["outcome"] == ("dropped" if stage in ("query", "cot") else "hard")
    assert line["reason"] == "turn at message 1: bad"
    assert "rewrite" not in [name for name, _ in asked], "its result would belong to another call"
    assert line["example"]["answer"] == "3 degrees."


def test_a_function_that_does_not_exist_is_found_in_an_earlier_turn(tmp_path):
    row = conversation(tmp_path, name="delete_all")
    line, _ = judged(tmp_path, row, statement)
    found = [(each["check"], each["message"]) for each in line["findings"]]
    assert ("function", "turn at message 1: no tool is called 'delete_all'") in found
    line, asked = judged(tmp_path / "decided", row, statement, decisive=frozenset({"function"}))
    assert line["outcome"] == "hard"
    assert "arguments" not in [stage for stage, _ in asked]


def test_a_turn_without_loss_is_not_judged(tmp_path):
    row = conversation(
        tmp_path, {"role": "assistant", "content": "Wrong.", "weight": 0}, {"role": "user", "content": "?"}
    )
    assert any(message.get("weight") == 0 for message in row.messages)
    _, asked = judged(tmp_path, row, statement)
    assert [stage for stage, _ in asked].count("response") == 2


def test_thinking_is_written_for_earlier_turns_too(tmp_path):
    from refine import stages
    from refine.judge import Judge
    from refine.ledger import Ledger
    from refine.pipeline import Pipeline
    from refine.stages import write_cot
    from refine.turns import begin
    from refine.types import Context

    row = conversation(tmp_path)
    bare = [{key: value for key, value in message.items() if key != "reasoning_content"} for message in row.messages]
    example = Example(row.id, tuple(bare), row.tools, None, row.answer)

    def answer(key, prompt):
        written = prompt.messages[0]["content"] == write_cot.STAGE.question.instructions
        return json.dumps({"thought": "So."}) if written else yes()

    with Ledger(tmp_path / "out", {}) as ledger:
        chain = (write_cot.STAGE, *stages.load())
        items = begin([(0, example, [])], chain, Context())
        for _ in Pipeline([Judge("known", KnownJudge(answer))], ledger).run(items):
            pass
    (line,) = read_lines(tmp_path / "out" / "outcomes.jsonl")
    assert line["example"]["messages"][1]["reasoning_content"] == "So."
    assert line["example"]["think"] == "So."


def test_a_conversation_is_resumed_in_the_middle(tmp_path):
    row = conversation(tmp_path, last="[get_weather(city='Rome')]")
    line, _ = judged(tmp_path, row, lambda key, prompt: None if key.step == 7 else yes())
    assert line["outcome"] == "unjudged"
    judge = KnownJudge(lambda key, prompt: yes())
    assert refine(tmp_path / "out", judge, [row])["kept"] == 1
    assert min(key.step for key, _ in judge.asked) == 7
