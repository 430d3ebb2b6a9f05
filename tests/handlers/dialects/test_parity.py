"""Replies in each family's own format: ours against the official handlers (bfcl-eval 2026.3.23) and serving engines.

The cases lie in `SHARED_DATA/bfcl-families`: replies written by a program, `theirs` by running the references.
"""

from __future__ import annotations

import ast
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks import bfcl
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.judging import raw_answer
from harness.benchmarks.bfcl.multi_turn.calls import call_strings
from harness.handlers import dialects
from harness.types import FunctionCall, Reply

Row = dict[str, Any]
KNOWN = {("granite20b-fc", "execute")}
"""Its handler runs what it cannot read as if it were a call; here such a step is one without calls."""


@cache
def rows(file: Path) -> dict[str, list[Row]]:
    """All cases by family."""
    found: dict[str, list[Row]] = defaultdict(list)
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            found[row["family"]].append(row)
    return dict(found)


@pytest.fixture(scope="module")
def families(shared_data: Path) -> dict[str, list[Row]]:
    return rows(shared_data / "bfcl-families" / "families.jsonl.gz")


@pytest.fixture(scope="module")
def native(shared_data: Path) -> dict[str, list[Row]]:
    return rows(shared_data / "bfcl-families" / "native.jsonl.gz")


def disagreements(cases: Sequence[Row], agrees: Callable[[Row], bool]) -> dict[str, list[str]]:
    """Replies on which ours and theirs differ, by kind."""
    found: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        if not agrees(case):
            found[case["kind"]].append(case["reply"][:200])
    return dict(found)


@pytest.mark.usefixtures("bfcl_data")
def test_verdicts_are_the_official_handlers(families: dict[str, list[Row]]) -> None:
    def agrees(case: Row) -> bool:
        ours = bfcl.judge(case["id"], case["reply"], dialect=case["family"])
        return (ours.outcome == "pass") is case["valid"]

    assert len(families) == 29
    for family, cases in families.items():
        judged = [case for case in cases if case["mode"] != "execute"]
        assert len(judged) > 50
        assert (family, disagreements(judged, agrees)) == (family, {})


def test_calls_that_are_run_are_the_official_handlers(families: dict[str, list[Row]]) -> None:
    def agrees(case: Row) -> bool:
        ours = run_strings(dialects.load(case["family"]).read(case["reply"], (), "upstream"))
        return list(map(normal, ours)) == list(map(normal, case["decoded"] or ()))

    for family, cases in families.items():
        run = [case for case in cases if case["mode"] == "execute"]
        if (family, "execute") not in KNOWN:
            assert (family, disagreements(run, agrees)) == (family, {})


def run_strings(reply: Reply) -> list[str]:
    try:
        return call_strings(*raw_answer(reply))
    except Undecodable:
        return []


def normal(call: str) -> str:
    return ast.dump(ast.parse(call, mode="eval"))


def test_written_calls_of_serving_formats_are_read_as_meant(native: dict[str, list[Row]]) -> None:
    def agrees(case: Row) -> bool:
        made = dialects.load(case["family"]).read(case["reply"], case["tools"]).calls or ()
        return [{"name": call.name, "arguments": dict(call.arguments)} for call in made] == case["meant"]

    assert len(native) == 43
    for family, cases in native.items():
        gold = [case for case in cases if case["kind"] == "gold"]
        assert gold
        assert (family, disagreements(gold, agrees)) == (family, {})


def test_what_is_meant_is_written_so_that_it_reads_back(native: dict[str, list[Row]]) -> None:
    for family, cases in native.items():
        dialect = dialects.load(family)
        for case in (case for case in cases if case["kind"] == "gold"):
            calls = tuple(FunctionCall(call["name"], call["arguments"]) for call in case["meant"])
            assert dialect.read(dialect.write(calls), case["tools"]).calls == calls


WRITTEN = {  # families whose gold is written just as the dialect writes it, thought and variants aside
    *("deepseek-v3", "deepseek-v3.1", "deepseek-v3.2", "deepseek-v4", "mistral-v3", "mistral-v7", "mistral-v11"),
    *("qwen3-coder", "glm-4.5", "glm-4.7", "kimi-k2", "minimax-m2", "nemotron-nano-toolcall", "lfm2", "olmo3"),
    *("cohere-command", "internlm2", "functionary-v3.1", "functionary-v3.2", "seed-oss", "hunyuan-a13b", "hy-v3"),
    *("llama4-pythonic", "llama3-pythonic", "llama3-json", "gemma4", "functiongemma", "hermes-smollm3-qwen3"),
    *(
        "granite4",
        "granite3",
        "granite20b-fc",
        "phi4-mini-functools",
        "xlam2",
        "apertus",
        "step3",
        "longcat",
        "minicpm5",
    ),
}


def test_calls_are_written_as_such_models_write_them(native: dict[str, list[Row]]) -> None:
    for family in sorted(WRITTEN):
        for case in (case for case in native[family] if case["kind"] == "gold"):
            calls = [FunctionCall(call["name"], call["arguments"]) for call in case["meant"]]
            assert dialects.load(family).write(calls) == case["reply"]


def test_both_engines_readings_are_ours_but_for_what_a_careful_reader_sees(native: dict[str, list[Row]]) -> None:
    def agrees(case: Row) -> bool:
        theirs = (case["vllm"] or {}).get("calls")
        made = dialects.load(case["family"]).read(case["reply"], case["tools"]).calls or ()
        return [{"name": call.name, "arguments": dict(call.arguments)} for call in made] == theirs

    # Drafts in thoughts, stripped marks, names that are not among the tools, values that hold a mark: we read these.
    better = {
        "call_in_think",
        "specials_skipped",
        "invented_name",
        "broken_among_good",
        "missing_last_tag",
        "said_twice",
    }
    for family, cases in native.items():
        both = [c for c in cases if c["vllm"] and c["sglang"] and c["vllm"].get("calls") == c["sglang"].get("calls")]
        changed = [case for case in both if case["kind"] != "gold"]
        found = {kind: texts for kind, texts in disagreements(changed, agrees).items() if kind not in better}
        assert (family, [kind for kind in found if not kind.startswith("tricky_string")]) == (family, [])


@pytest.mark.usefixtures("bfcl_data")
def test_strict_rules_read_what_a_careful_reader_would(families: dict[str, list[Row]]) -> None:
    """Text around calls, a missing end mark, blocks in one line: a call all the same."""
    mended = {"text_before", "text_after", "no_line_breaks", "think_before", "white_space"}
    for family, cases in families.items():
        for case in cases:
            if case["kind"] in mended and case["mode"] == "ast" and "java" not in case["category"]:
                reply = dialects.load(family).read(case["reply"])
                assert (family, case["reply"], bool(reply.calls), reply.problem) == (family, case["reply"], True, None)
