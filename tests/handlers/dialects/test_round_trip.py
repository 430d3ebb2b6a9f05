"""What a dialect writes, it reads back: `read(write(calls)).calls == calls`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.benchmarks.bfcl.decode import read_calls
from harness.handlers import dialects
from harness.handlers.dialects._tagged import TaggedCalls
from harness.types import FunctionCall

MARKS = (
    *("</tool_call>", "<tool_call>", "</think>", "<think>", "[TOOL_CALLS]", "<|tool_call|>", "<escape>", '<|"|>'),
    *("</parameter>", "</arg_value>", "functools", "```", "'", '"', "\\", "\n", "[]", "{}", "f(a=1)", "true", "007"),
    *("<|python_tag|>", "; ", ">>>all\n", "to=functions.f", "<|end|>", "<|tool_call_end|>", "</function_calls>", " x "),
)
text = st.one_of(st.text(), st.sampled_from(MARKS), st.tuples(st.sampled_from(MARKS), st.text(max_size=3)).map("".join))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["k", "Key", "x_1"]), inner, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from(["f", "get_weather", "to_usd", "all_of", "json_1"])
arguments = st.dictionaries(st.sampled_from(["a", "city", "max_n", "from_", "note"]), values, max_size=3)
made = st.lists(st.builds(FunctionCall, names, arguments), min_size=1, max_size=3, unique_by=lambda call: call.name)

TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


def tools(calls: list[FunctionCall]) -> list[dict[str, Any]]:
    """Documents whose types are those of the values."""
    return [
        {
            "name": call.name,
            "parameters": {"properties": {k: {"type": TYPES[type(v)]} for k, v in call.arguments.items()}},
        }
        for call in calls
    ]


@pytest.mark.parametrize("name", dialects.names())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(calls=made)
def test_what_is_written_reads_back(name: str, calls: list[FunctionCall]) -> None:
    dialect = dialects.load(name)
    calls = calls[:1] if name == "glm4" else calls
    try:
        written = dialect.write(calls)
    except ValueError:
        assume(False)
    reply = dialect.read(written, tools(calls))
    assert (list(reply.calls or ()), reply.problem, reply.think) == (calls, None, None), written


PLAIN = (FunctionCall("f_x", {"a": 1, "b": "x"}),)
WRITTEN = {
    "plain": PLAIN,
    "true": (FunctionCall("f_x", {"a": True}),),
    "apostrophe": (FunctionCall("f_x", {"a": "it's"}),),
    "two": (*PLAIN, FunctionCall("g", {"c": [1, None]})),
}
OFFICIALLY_UNREAD = {
    "glm4": {"two"},
    "llama31": {"true"},
    "mistral": set(WRITTEN),
    "think_agent": {"apostrophe"},
}
"""Listed in BFCL's README; the families' recorded verdicts hold each."""


@pytest.mark.parametrize("name", dialects.names())
def test_official_readers_read_what_is_written_but_for_what_is_listed(name: str) -> None:
    def read(written: str) -> tuple[FunctionCall, ...]:
        reply = dialects.load(name).read(written, (), "upstream")
        return tuple(read_calls(reply.text) or ()) if reply.calls is None else reply.calls

    texts = {kind: "".join(dialects.load(name).compose(None, "", calls)) for kind, calls in WRITTEN.items()}
    unread = {kind for kind, text in texts.items() if read(text) != WRITTEN[kind]}
    assert unread == OFFICIALLY_UNREAD.get(name, set())
    if name == "mistral":
        stripped = {kind: read(text.removeprefix("[TOOL_CALLS]")) for kind, text in texts.items()}
        assert stripped == WRITTEN


@pytest.mark.parametrize(
    "name", [name for name in dialects.names() if isinstance(dialects.load(name).rule, TaggedCalls)]
)
def test_a_value_that_ends_itself_is_refused(name: str) -> None:
    end = dialects.load(name).rule.value_end
    with pytest.raises(ValueError, match="ends a value"):
        dialects.load(name).write([FunctionCall("f", {"a": f"x{end}"})])


@pytest.mark.parametrize("name", dialects.names())
def test_what_is_not_json_is_refused(name: str) -> None:
    for value in (float("nan"), (1,), {1}):
        with pytest.raises(ValueError, match=r".+"):
            dialects.load(name).write([FunctionCall("f", {"a": value})])


def test_untyped_values_become_what_the_schema_says() -> None:
    given = "<parameter=a>\n007\n</parameter>\n<parameter=b>\n7\n</parameter>\n"
    reply = f"<tool_call>\n<function=f>\n{given}</function>\n</tool_call>"
    document = {"name": "f", "parameters": {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}}
    [call] = dialects.load("qwen3_coder").read(reply, [document]).calls or ()
    assert call.arguments == {"a": "007", "b": 7}
