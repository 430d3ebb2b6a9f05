import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.bfcl import data
from harness.handlers.fc import PLUGIN, wire_names
from harness.types import FunctionCall, Generation, ModelInfo, NativeCall, Query, Reply


def tool(name: str, **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "dict", "properties": properties, "required": [*properties]}
    return {"name": name, "description": f"{name}.", "parameters": parameters}


TOOLS = (tool("weather.get", city={"type": "string"}), tool("f", a={"type": "float", "description": "A."}))
QUERY = Query(({"role": "user", "content": "Weather?"},), TOOLS, "Tools: ...")


def block(name: str, arguments: object) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def test_tools_are_sent_natively_under_legal_names() -> None:
    prompt = PLUGIN.render(QUERY)
    assert prompt.messages == QUERY.messages
    assert [sent["type"] for sent in prompt.tools] == ["function", "function"]
    weather, f = (sent["function"] for sent in prompt.tools)
    assert weather["name"] == "weather_get"
    assert weather["parameters"]["type"] == "object"
    assert f["parameters"]["properties"]["a"] == {"type": "number", "format": "float", "description": "A."}


def test_types_are_mapped_at_every_depth() -> None:
    deep = {
        "type": "dict",
        "properties": {
            "rows": {"type": "tuple", "items": {"type": "array", "items": {"type": "HashMap"}}},
            "free": {"type": "dict", "additionalProperties": {"type": "any"}},
            "count": {"type": "long"},
        },
    }
    (sent,) = PLUGIN.render(Query((), (tool("f", deep=deep),))).tools
    schema = sent["function"]["parameters"]["properties"]["deep"]
    assert schema["type"] == "object"
    assert schema["properties"]["rows"] == {"type": "array", "items": {"type": "array", "items": {"type": "object"}}}
    assert schema["properties"]["free"]["additionalProperties"] == {"type": "string"}
    assert schema["properties"]["count"] == {"type": "integer"}


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("category", ["simple_python", "simple_java", "parallel_multiple", "live_simple"])
def test_every_tool_of_the_benchmark_is_sent_as_legal_json_schema(category: str) -> None:
    for record in data.questions(category):
        for sent in PLUGIN.render(Query((), record["function"])).tools:
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", sent["function"]["name"])
            jsonschema.Draft202012Validator.check_schema(sent["function"]["parameters"])


def test_earlier_calls_and_results_carry_the_names_as_sent() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "weather.get", "arguments": "{}"}}
    messages = (
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "weather.get", "tool_call_id": "1", "content": "rain"},
    )
    assistant, result = PLUGIN.render(Query(messages, TOOLS)).messages
    assert assistant["tool_calls"][0]["function"] == {"name": "weather_get", "arguments": "{}"}
    assert result["name"] == "weather_get"
    assert call["function"]["name"] == "weather.get"


def test_colliding_names_stay_apart() -> None:
    assert wire_names([tool("a.b"), tool("a_b"), tool("a.b")]) == {"a_b": "a.b", "a_b_2": "a_b"}


def native(*calls: tuple[str, str]) -> Generation:
    return Generation("", tool_calls=tuple(NativeCall(*call) for call in calls))


@pytest.mark.parametrize(
    ("generation", "reply"),
    [
        (native(("weather_get", '{"city": "Bern"}')), [FunctionCall("weather.get", {"city": "Bern"})]),
        (native(("unknown", "{}")), [FunctionCall("unknown", {})]),
        (native(), []),
        (Generation(block("weather_get", {"city": "Bern"})), [FunctionCall("weather.get", {"city": "Bern"})]),
        (Generation(block("weather.get", {})), [FunctionCall("weather.get", {})]),
        (Generation(block("f", '{"a": 1}')), [FunctionCall("f", {"a": 1})]),
        (Generation(f"{block('f', {'a': 1})}\n{block('f', {'a': 2})}"), [FunctionCall("f", {"a": n}) for n in (1, 2)]),
        (Generation("No function fits."), []),
        (Generation(block("f", {}), tool_calls=()), [FunctionCall("f", {})]),
    ],
)
def test_calls_are_read_under_the_names_of_the_data_set(generation: Generation, reply: list[FunctionCall]) -> None:
    parsed = PLUGIN.parse(generation, QUERY)
    assert (parsed.calls, parsed.problem) == (tuple(reply), None)


@pytest.mark.parametrize(
    "generation",
    [
        native(("f", '{"a": ')),
        native(("f", "[1]")),
        native(("f", "{}"), ("f", "")),
        native(("f", "[" * 100_000)),
        Generation("<tool_call>\n{'name': 'f'}\n</tool_call>"),
        Generation('<tool_call>\n{"name": "f", "arguments": {'),
        Generation('<tool_call>{"arguments": {}}</tool_call>'),
        Generation("<tool_call>" + "[" * 100_000 + "</tool_call>"),
        Generation("<tool_call>" * 10_000),
    ],
)
def test_a_broken_call_is_not_no_call(generation: Generation) -> None:
    assert PLUGIN.parse(generation, QUERY).problem == "bad_tool_call"


def test_text_and_thinking_are_kept_apart_from_calls() -> None:
    reply = PLUGIN.parse(Generation(f"<think>\nRain?\n</think>\n\nI look.\n{block('f', {})}"), QUERY)
    assert reply == Reply("Rain?", "I look.", (FunctionCall("f", {}),))


def test_where_text_is_expected_nothing_is_a_call() -> None:
    query = Query(QUERY.messages, expects="text")
    assert PLUGIN.parse(Generation(block("f", {})), query).calls is None


def test_it_fits_models_whose_template_takes_tools() -> None:
    assert PLUGIN.matches(ModelInfo("x", chat_template="{% for tool in tools %}"))
    assert PLUGIN.matches(ModelInfo("x", chat_template="{{ messages }}")) is None
    assert PLUGIN.matches(ModelInfo("x")) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
tagged = st.sampled_from(["</tool_call>", "<tool_call>", "</think>", "<think>", '"', "\\", "\n"])
arguments = st.dictionaries(st.text(), values | tagged, max_size=4)
calls = st.lists(st.builds(FunctionCall, st.sampled_from(["weather.get", "f", "other"]), arguments), max_size=3)
plain = st.text().filter(lambda text: text == text.strip() and "<" not in text)


@given(think=st.none() | plain, text=plain, made=calls.map(tuple))
def test_what_is_written_reads_back(think: str | None, text: str, made: tuple[FunctionCall, ...]) -> None:
    reply = Reply(think, text, made)
    written = PLUGIN.write(reply)
    assert PLUGIN.parse(Generation(written.text), QUERY) == reply
    assert written.think[1] == written.answer[0]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(None, "see <tool_call>", ()),
        Reply(None, " padded", (FunctionCall("f", {}),)),
        Reply(None, "", (FunctionCall("f", {"a": (1, 2)}),)),
        Reply(None, "", (FunctionCall("f", {"a": float("nan")}),)),
        Reply(None, "", (FunctionCall("f", {"a": object()}),)),
        Reply(None, "x", (), problem="bad_tool_call"),
    ],
)
def test_what_would_not_read_back_is_refused(reply: Reply) -> None:
    with pytest.raises(ValueError, match=r"reads back|not JSON"):
        PLUGIN.write(reply)


@given(st.text() | st.lists(tagged | st.just('{"name": "f"}')).map("".join))
def test_parsing_never_raises(text: str) -> None:
    PLUGIN.parse(Generation(text), QUERY)
    PLUGIN.parse(native(("f", text)), QUERY)
