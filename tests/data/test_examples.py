"""Readers of training data: each format, conversations, and rows that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.benchmarks.bfcl.decode import read_calls
from harness.data.calls import as_text, write_calls
from harness.data.examples import Unusable, read
from harness.data.shapes import AFTER
from harness.errors import DataError, UsageProblem
from harness.types import Example
from refine.export import export

WEATHER = {
    "name": "weather",
    "description": "",
    "parameters": {"type": "dict", "properties": {"city": {"type": "string"}}},
}
CALL = {"name": "weather", "arguments": {"city": "Oslo"}}


def written(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_xlam_rows_hold_json_text(tmp_path):
    row = {"id": 3, "query": "Weather in Oslo?", "answers": json.dumps([CALL]), "tools": json.dumps([WEATHER])}
    (example,) = read(written(tmp_path, row))
    assert (example.id, example.answer, example.tools) == ("3", "[weather(city='Oslo')]", (WEATHER,))
    assert example.messages == ({"role": "user", "content": "Weather in Oslo?"},)


@pytest.mark.parametrize(
    "answer",
    [
        {
            "content": "",
            "reasoning_content": "Oslo.",
            "tool_calls": [{"function": CALL | {"arguments": '{"city": "Oslo"}'}}],
        },
        {"content": "<think>\nOslo.\n</think>\n\n", "tool_calls": [{"function": CALL}]},
        {"content": "<think>Oslo.</think>[weather(city='Oslo')]"},
    ],
)
def test_thinking_and_calls_of_one_openai_turn_are_told_apart(tmp_path, answer):
    messages = [{"role": "user", "content": "Weather in Oslo?"}, {"role": "assistant"} | answer]
    tools = [{"type": "function", "function": WEATHER}]
    (example,) = read(written(tmp_path, {"messages": messages, "tools": tools}))
    assert (example.think, example.answer, example.tools) == ("Oslo.", "[weather(city='Oslo')]", (WEATHER,))


def test_a_sharegpt_conversation_keeps_its_earlier_turns(tmp_path):
    turns = [
        {"from": "human", "value": "Weather in Oslo?"},
        {"from": "function_call", "value": json.dumps(CALL)},
        {"from": "observation", "value": "sunny"},
        {"from": "gpt", "value": "It is sunny."},
        {"from": "human", "value": "Thanks"},
    ]
    (example,) = read(
        written(tmp_path, {"conversations": turns, "tools": json.dumps([WEATHER]), "system": "Be brief."})
    )
    assert [message["role"] for message in example.messages] == ["system", "user", "assistant", "tool"]
    assert list(as_text(example.messages))[2]["content"] == "[weather(city='Oslo')]"
    assert example.messages[3] == {"role": "tool", "content": "sunny", "name": "weather", "tool_call_id": "call_2_0"}
    assert example.source["left_out"] == [AFTER]
    assert example.answer == "It is sunny."


def test_rows_that_cannot_be_used_are_reported_with_their_line(tmp_path):
    good = {"query": "q", "answers": json.dumps([CALL]), "tools": "[]"}
    path = written(
        tmp_path,
        good,
        '{"query": "cut off',
        "[1, 2]",
        {"query": "q", "tools": "[]"},
        good | {"answers": "no json"},
        good | {"answers": json.dumps([{"name": "", "arguments": {}}])},
        good | {"answers": json.dumps([{"name": "f", "arguments": [1]}])},
        good,
    )
    rows = list(read(path))
    assert [row.line for row in rows if isinstance(row, Unusable)] == [2, 3, 4, 5, 6, 7]
    assert sum(isinstance(row, Example) for row in rows) == 2
    assert "answers" in next(row.reason for row in rows if isinstance(row, Unusable) and row.line == 4)


def test_unknown_formats_and_files_are_errors(tmp_path):
    with pytest.raises(UsageProblem, match="xlan"):
        list(read(written(tmp_path, {}), "xlan"))
    with pytest.raises(DataError, match="no known format"):
        list(read(written(tmp_path, {"foo": 1})))
    with pytest.raises(DataError, match="no such file"):
        list(read(tmp_path / "missing.jsonl"))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False, min_value=0),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(["city", "days", "units"]), VALUES, max_size=3))
def test_written_calls_read_back(arguments):
    (call,) = read_calls(write_calls([("a.weather", arguments)])) or [None]
    assert (call.name, call.arguments) == ("a.weather", arguments)


@pytest.mark.parametrize("form", ["trl", "openai", "sharegpt", "xlam"])
def test_exports_read_back(tmp_path, form):
    example = Example("7", ({"role": "user", "content": "Weather?"},), (WEATHER,), "Think.", "[weather(city='Oslo')]")
    assert export([example], form, tmp_path / "out.jsonl") == (1, 0)
    if form == "trl":
        row = json.loads((tmp_path / "out.jsonl").read_text())
        assert row["completion"][0]["content"] == "<think>\nThink.\n</think>\n\n[weather(city='Oslo')]"
        return
    (back,) = read(tmp_path / "out.jsonl")
    assert (back.messages, back.tools, back.answer) == (example.messages, example.tools, example.answer)
    assert back.think == (None if form == "sharegpt" else "Think.")


@pytest.mark.parametrize(
    "change", [{"messages": "hello"}, {"messages": ["hello"]}, {"messages": []}, {"think": 3}, {"source": 3}], ids=str
)
def test_a_field_of_another_type_makes_a_row_unusable(tmp_path: Path, change: dict[str, object]) -> None:
    row = {"messages": [{"role": "user", "content": "Hello"}], "answer": "[f(a=1)]", "think": "Hm", "source": {"a": 1}}
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | change) + "\n")
    good, bad = read(path)
    assert not isinstance(good, Unusable)
    assert isinstance(bad, Unusable), bad
