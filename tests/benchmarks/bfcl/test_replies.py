"""Raw text judged by a dialect: `judge(sample_id, text, dialect=NAME)`."""

from __future__ import annotations

import json
import re

import pytest

from harness.benchmarks import bfcl
from harness.benchmarks.bfcl import data
from harness.errors import UsageProblem

pytestmark = pytest.mark.usefixtures("bfcl_data")
RIGHT = '{"name": "calculate_triangle_area", "arguments": {"base": 10, "height": 5, "unit": "units"}}'
BLOCK = f"<tool_call>\n{RIGHT}\n</tool_call>"


@pytest.mark.parametrize(
    ("reply", "dialect", "upstream", "strict"),
    [
        (BLOCK, "hermes", "pass", "pass"),
        (BLOCK, "qwen-fc", "pass", "pass"),
        (BLOCK.replace("\n", ""), "hermes", "fail", "pass"),
        (f"{BLOCK}\n<tool_call>\n{{broken\n</tool_call>", "hermes", "pass", "fail"),
        (BLOCK, "mistral", "fail", "pass"),
        (f"[{RIGHT}]", "xlam", "pass", "pass"),
        (f"[TOOL_CALLS][{RIGHT}]", "mistral", "fail", "pass"),
        (RIGHT.replace("arguments", "parameters"), "llama31", "pass", "pass"),
        ("[calculate_triangle_area(base=10, height=5, unit='units')]", "pythonic", "pass", "pass"),
        ("[calculate_triangle_area(10, 5, 'units')]", "pythonic", "fail", "pass"),
        ("calculate_triangle_area\n" + '{"base": 10, "height": 5}', "glm4", "pass", "pass"),
    ],
)
def test_rules_read_as_the_official_handler_or_carefully(reply: str, dialect: str, upstream: str, strict: str) -> None:
    assert bfcl.judge("simple_python_0", reply, dialect=dialect).outcome == upstream
    assert bfcl.judge("simple_python_0", reply, dialect=dialect, rules="strict").outcome == strict


def test_untyped_values_get_the_types_of_the_items_documents() -> None:
    reply = (
        "<tool_call>\n<function=calculate_triangle_area>\n<parameter=base>\n10\n</parameter>\n"
        "<parameter=height>\n5\n</parameter>\n</function>\n</tool_call>"
    )
    assert bfcl.judge("simple_python_0", reply, dialect="qwen3_coder").outcome == "pass"


def test_names_are_judged_as_the_family_is_sent_them() -> None:
    sample = next(record for record in data.questions("simple_python") if "." in record["function"][0]["name"])
    [expected] = data.answer(sample["id"])
    [(name, given)] = expected.items()
    arguments = {key: values[0] for key, values in given.items() if values[0] != ""}
    for dialect, form in (("hermes", name), ("glm4", name.replace(".", "_"))):
        for sent in (name, name.replace(".", "_")):
            from harness.handlers import dialects
            from harness.types import FunctionCall

            text = dialects.load(dialect).write([FunctionCall(sent, arguments)])
            verdict = bfcl.judge(sample["id"], text, dialect=dialect)
            assert (verdict.outcome == "pass") == (sent == form)


def test_what_is_not_text_is_no_call() -> None:
    assert bfcl.judge("simple_python_0", None, dialect="hermes").code == "ast_decoder:decoder_failed"
    assert bfcl.judge("irrelevance_0", "No function fits.", dialect="hermes").outcome == "pass"
    assert bfcl.judge("irrelevance_0", BLOCK, dialect="hermes").outcome == "fail"


def test_turns_of_steps_are_read_step_by_step() -> None:
    calls = data.answer("multi_turn_base_0")
    from harness.handlers import dialects
    from harness.handlers.dialects._python import read_calls

    hermes = dialects.load("hermes")
    classes = data.question("multi_turn_base_0")["involved_classes"]
    tools = [document for name in classes for document in data.function_docs(name)]
    turns = [[hermes.write(read_calls("\n".join(turn), tools)), "Done."] for turn in calls]
    assert bfcl.judge("multi_turn_base_0", turns, dialect="hermes").outcome == "pass"
    assert bfcl.judge("multi_turn_base_0", turns, dialect="mistral").outcome == "fail"
    as_text = [
        [re.sub(r'("arguments": )(.*)}', lambda m: m[1] + json.dumps(m[2]) + "}", s) for s in turn] for turn in turns
    ]
    assert as_text != turns
    assert bfcl.judge("multi_turn_base_0", as_text, dialect="hermes").outcome == "pass"
    assert bfcl.judge("multi_turn_base_0", as_text, dialect="xlam").outcome == "fail"
    never_run = [[dialects.load("think_agent").write(read_calls("\n".join(turn), tools))] for turn in calls]
    assert bfcl.judge("multi_turn_base_0", never_run, dialect="think-agent").outcome == "fail"


def test_the_last_words_of_an_agent_are_those_without_a_call() -> None:
    [expected, *_] = data.answer("web_search_base_0")
    steps = [['<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>', f"It is {expected}."]]
    assert bfcl.judge("web_search_base_0", steps, dialect="hermes").outcome == "pass"


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(UsageProblem, match="dialect"):
        bfcl.judge("simple_python_0", BLOCK, dialect="hermse")
