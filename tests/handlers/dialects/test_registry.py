"""Every dialect is found, keeps the interface, survives hostile text, and names no family twice."""

from __future__ import annotations

import time
from collections import Counter
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from harness import plugins
from harness.errors import UsageProblem
from harness.handlers import dialects
from harness.types import FunctionCall, ModelInfo, Reply

HOSTILE = (
    *("", "\x00", "\ud800", "[" * 5000, "{" * 5000, "(" * 5000, "f(" * 5000, "[{" * 5000, '{"name":' * 2000),
    *("<think>", "</think>" * 3, "<tool_call>" * 500, "[TOOL_CALLS]" * 500, "<|tool_call|>[" * 500, "x" * 100_000),
    *("<function=f>" * 500, '<invoke name="f">' * 500, "<start_function_call>call:f{a:[" * 200, "`" * 10_000),
    *("to=functions.f" * 500, ">>>f\n" * 500, "f\n" * 5000, "<escape>" * 501, "functools[" * 500, "a(b=" * 300),
)


def test_names_are_modules_and_families_are_other_names() -> None:
    names = dialects.names()
    assert {"hermes", "llama31", "mistral", "pythonic", "qwen3_coder", "gpt_oss", "kimi_k2"} <= set(names)
    counted = Counter(plugins._plain(family) for name in names for family in dialects.load(name).families)
    assert {family for family, n in counted.items() if n > 1} == set()
    # A family may be called as its own dialect is, never as another's.
    assert all(dialects.families()[family] == family for family in counted if family in names)
    assert dialects.load("llama31-json") is dialects.load("llama31")
    assert dialects.load("deepseek-v3.1") is dialects.load("deepseek_v31")


def test_a_misspelt_name_is_refused_with_near_ones() -> None:
    with pytest.raises(UsageProblem, match="dialect"):
        dialects.load("hermse")


def test_a_third_party_adds_a_dialect_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("theirs", "harness.handlers.dialects.hermes:PLUGIN", "harness.dialects")
    real = plugins.points
    monkeypatch.setattr(
        plugins, "points", lambda group: {"theirs": point} if group == "harness.dialects" else real(group)
    )
    assert "theirs" in dialects.names()
    plugins.load.cache_clear()
    try:
        assert dialects.load("theirs").name == "hermes"
    finally:
        plugins.load.cache_clear()


@pytest.mark.parametrize("name", dialects.names())
def test_hostile_text_is_read_without_an_error(name: str) -> None:
    dialect = dialects.load(name)
    assert dialect.name == name
    assert dialect.write(()) == ""
    assert isinstance(dialect.matches(ModelInfo("m")), str | None)
    for text in HOSTILE:
        for rules in ("strict", "upstream"):
            reply = dialect.read(text, (), rules)
            assert isinstance(reply, Reply)
            assert all(isinstance(call, FunctionCall) for call in reply.calls or ())


@pytest.mark.parametrize("name", dialects.names())
@pytest.mark.parametrize("rest", ["\n" * 50_000 + "x", "[" * 50_000], ids=["empty lines", "brackets"])
def test_a_mark_and_endless_text_are_read_in_seconds(name: str, rest: str) -> None:
    """Rules took the square of its length for a model that begins a call and then repeats itself."""
    dialect = dialects.load(name)
    mark = dialect.write((FunctionCall("f", {"a": "x"}),)).partition("f")[0]
    began = time.process_time()
    for rules in ("strict", "upstream"):
        assert not dialect.read(mark + rest, (), rules).calls
    assert time.process_time() - began < 30


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"chat_template": "<tool_call> <function= <parameter="}, "qwen3_coder"),
        ({"chat_template": "<tool_call> {{ tools }}"}, "hermes"),
        ({"marks": ("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>")}, "deepseek_v31"),
        ({"model_type": "gpt_oss"}, "gpt_oss"),
        ({"model_type": "qwen2", "name": "Salesforce/xLAM-2-3b-fc-r"}, "xlam"),
        ({"chat_template": "<tool_call> {{ tools }}", "name": "katanemo/Arch-Agent-7B"}, "arch"),
        ({"chat_template": "{{ messages }}"}, dialects.DEFAULT),
    ],
)
def test_the_template_counts_first_then_the_tokenizer_then_the_type(about: dict[str, Any], name: str) -> None:
    chosen, why = dialects.choose(ModelInfo(**{"name": "m"} | about))
    assert chosen == name
    assert why


def test_the_dialect_of_replies_is_told_by_reading_them() -> None:
    replies = [f'{{"name": "f", "parameters": {{"a": {n}}}}}' for n in range(9)] + ["No function fits."]
    counts = dialects.readers(replies)
    assert counts["llama31"] == 9
    blocks = ['<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'] * 3
    assert dialects.readers(blocks)["hermes"] == 3
    assert dialects.readers(blocks)["mistral"] == dialects.readers(blocks)["llama31"] == 0
    assert counts["qwen3_coder"] == counts["functiongemma"] == 0
