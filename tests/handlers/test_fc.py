import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.bfcl import data, single_turn
from harness.errors import UsageProblem
from harness.handlers import dialects
from harness.handlers._tools import openai_tool, wire_names
from harness.handlers.fc import PLUGIN
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
    assert f["parameters"]["properties"]["a"] == {
        **{"type": "number", "format": "float"},
        "description": "A. This is a float type value.",
    }


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
        Generation("<tool_call>\n{'name': 'f}\n</tool_call>"),
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
    assert PLUGIN.matches(ModelInfo("x", chat_template="{% for tool in tools %}{{ tool }}{% endfor %}"))
    assert PLUGIN.matches(ModelInfo("x", chat_template="{% if tools %}{% endif %}{{ messages }}")) is None
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


def test_floats_are_told_as_upstream_tells_them() -> None:
    """Parameters at every depth, items of arrays not: `_cast_to_openai_type` in `bfcl_eval/model_handler/utils.py`."""
    number = {"type": "float", "description": "N."}
    told = {"type": "number", "format": "float", "description": "N. This is a float type value."}
    rows = {"type": "array", "items": {"type": "float"}, "description": "R."}
    deep = {"type": "array", "items": {"type": "dict", "properties": {"n": number}}}
    sent = openai_tool(tool("f", n=number, rows=rows, deep=deep), "f")["function"]["parameters"]["properties"]
    assert sent["n"] == told
    assert sent["rows"] == {"type": "array", "items": {"type": "number"}, "description": "R."}
    assert sent["deep"]["items"] == {"type": "object", "properties": {"n": told}}


@pytest.mark.usefixtures("bfcl_data")
def test_a_tool_is_sent_as_the_official_evaluator_sends_it(shared_data: Path) -> None:
    file = shared_data.parent / "cases" / "bfcl" / "float_description.json"
    if not file.is_file():
        pytest.skip(f"no {file}")
    case = json.loads(file.read_text("utf-8"))
    sample = next(s for s in single_turn.samples("irrelevance") if s.id == case["example_id"])
    assert list(PLUGIN.render(Query((), sample.tools)).tools) == case["official"]


LOCAL = replace(PLUGIN, dialect="hermes", takes="tools,plain,calls,results,system,turns")


def test_a_family_is_offered_the_benchmarks_own_documents() -> None:
    assert list(LOCAL.render(QUERY).tools) == list(TOOLS)
    without_plain = replace(LOCAL, takes="tools,calls,results,system,turns")
    assert without_plain.render(QUERY).tools[0] == {"type": "function", "function": TOOLS[0]}
    underscores = replace(LOCAL, dialect="kimi_k2")
    assert underscores.render(QUERY).tools[0]["function"]["name"] == "weather_get"


def test_a_dialect_reads_and_is_judged_by_the_names_it_was_sent() -> None:
    for name, sent in (("hermes", "weather.get"), ("kimi_k2", "weather_get")):
        handler = replace(LOCAL, dialect=name)
        text = dialects.load(name).write([FunctionCall(sent, {"city": "Bern"})])
        assert handler.parse(Generation(text), QUERY).calls == (FunctionCall("weather.get", {"city": "Bern"}),)
    other = Generation(dialects.load("hermes").write([FunctionCall("weather_get", {})]))
    assert LOCAL.parse(other, QUERY).calls == (FunctionCall("weather_get", {}),)


def test_rules_of_the_run_are_the_rules_of_reading() -> None:
    one_line = Generation('<tool_call>{"name": "f", "arguments": {}}</tool_call>')
    assert LOCAL.parse(one_line, QUERY).calls == ()
    assert replace(LOCAL, rules="strict").parse(one_line, QUERY).calls == (FunctionCall("f", {}),)
    broken = Generation(f"{block('f', {})}\n<tool_call>\n{{\n</tool_call>")
    assert LOCAL.parse(broken, QUERY) == Reply(None, "", (FunctionCall("f", {}),))
    assert replace(LOCAL, rules="strict").parse(broken, QUERY).problem == "bad_tool_call"


def test_special_tokens_are_kept_where_marks_are_special_tokens() -> None:
    assert LOCAL.render(QUERY).keep_special_tokens
    assert not replace(LOCAL, dialect="xlam").render(QUERY).keep_special_tokens
    assert not PLUGIN.render(QUERY).keep_special_tokens


@pytest.mark.parametrize("name", dialects.names())
@pytest.mark.parametrize("think", [None, "It rains."])
def test_every_dialect_is_trained_in_its_own_format(name: str, think: str | None) -> None:
    handler = replace(LOCAL, dialect=name, rules="strict")
    for reply in (
        Reply(think, "", (FunctionCall("weather.get", {"city": "Bern"}),)),
        Reply(think, "No tool fits.", ()),
    ):
        written = handler.write(reply)
        assert handler.parse(Generation(written.text), QUERY) == reply
        assert (think or "") in written.text[slice(*written.think)]
        assert ("Bern" in written.text[slice(*written.answer)]) == bool(reply.calls)


def test_fitting_names_the_dialect_and_what_the_template_lacks() -> None:
    hermes = "{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}{{ tools | tojson }}<tool_call>"
    options, why = PLUGIN.fit(ModelInfo("x", chat_template=hermes))
    assert options == {"dialect": "hermes", "takes": "tools,plain,results,system,turns"}
    assert "<tool_call>" in why
    assert "calls" in why
    assert PLUGIN.fit(ModelInfo("gpt", remote=True)) == ({"takes": "api"}, "")
    named, _ = replace(PLUGIN, dialect="llama31").fit(ModelInfo("x", chat_template=hermes))
    assert "dialect" not in named
    with pytest.raises(UsageProblem, match="dialect"):
        replace(PLUGIN, dialect="lama31").fit(ModelInfo("x"))
