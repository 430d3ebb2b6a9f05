"""Rewards: golden cases, and the checker that evaluates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import plugins
from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.judging import judge_single_turn
from harness.data import examples
from harness.errors import UsageProblem
from harness.types import Example, Generation, Query
from tests.tinymodels import tiny_tokenizer
from trainer.data import query_of
from trainer.rl import rewards
from trainer.rl.items import Item
from trainer.rl.reward import Scorer
from trainer.rl.rewards import Attempt

CASES = json.loads((Path(__file__).parents[2] / "cases" / "rl_rewards.json").read_text())["cases"]
HANDLER = plugins.load("handlers", "funreason")
TOOL = {
    "name": "f",
    "description": "F.",
    "parameters": {"type": "dict", "properties": {"a": {"type": "float"}, "b": {"type": "string"}}, "required": ["a"]},
}


def example(answer: str, **source: Any) -> Example:
    return Example("1", ({"role": "user", "content": "?"},), (TOOL,), None, answer, source)


def scored(reward: str, item: Example, text: str, cut: bool = False, handler: Any = HANDLER, **settings: Any) -> Any:
    tokenizer = tiny_tokenizer()
    end = tokenizer.eos_token_id
    ids = [*tokenizer.encode(text, add_special_tokens=False), *([] if cut else [end])]
    asked = Item(item, query_of(item), [1, 2], True, False)
    return Scorer(rewards.load(reward), handler, tokenizer, frozenset({end}), **settings)(asked, ids)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden_cases(case):
    item = example(case["reference"], **case.get("source", {}))
    got = {name: scored(name, item, case["reply"], case.get("cut", False)).reward for name in case["rewards"]}
    assert got == case["rewards"]


def test_a_reply_without_thinking_counts_where_none_is_asked_for():
    handler = plugins.load("handlers", "prompt")
    item = example("[f(a=1)]")
    assert scored("exact", item, "[f(a=1)]", handler=handler).problem == "no_think"
    assert scored("exact", item, "[f(a=1)]", handler=handler, needs_think=False).reward == 1


def test_native_calls_are_read_by_the_handler():
    handler = plugins.handler("fc", {"dialect": "hermes", "takes": "tools"}, "strict")
    call = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
    for text, worth in ((f"x</think>\n{call}", 1), ("x</think>\nNo.", 0), ("x</think>\n<tool_call>{</tool_call>", 0)):
        item = Item(example("[f(a=1)]"), query_of(example("[f(a=1)]")), [1], True, False)
        tokenizer = tiny_tokenizer()
        ids = [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
        scorer = Scorer(rewards.load("exact"), handler, tokenizer, frozenset({tokenizer.eos_token_id}))
        assert scorer(item, ids).reward == worth, text


class Broken:
    """A reward of somebody's."""

    name = "broken"

    def doubt(self, example: Example) -> None:
        return None

    def judge(self, attempt: Attempt) -> float:
        raise ZeroDivisionError("of theirs")


def test_a_reward_that_fails_leaves_the_reply_out_and_ends_nothing(caplog):
    tokenizer = tiny_tokenizer()
    item = example("[f(a=1)]")
    ids = [*tokenizer.encode("x</think>\n\n[f(a=1)]", add_special_tokens=False), tokenizer.eos_token_id]
    scorer = Scorer(Broken(), HANDLER, tokenizer, frozenset({tokenizer.eos_token_id}))
    found = scorer(Item(item, query_of(item), [1], True, False), ids)
    assert (found.reward, found.problem) == (None, "ZeroDivisionError: of theirs")
    assert "reward broken cannot judge a reply to 1" in caplog.text


def test_an_unknown_reward_offers_the_nearest():
    with pytest.raises(UsageProblem, match="Did you mean exact"):
        rewards.load("exakt")


@pytest.mark.parametrize(
    ("answer", "tools", "why"),
    [
        ("[g(a=1)]", (TOOL,), "calls 'g', which is not offered"),
        ("[f(b='x')]", (TOOL,), "lacks a"),
        ("[f(a=1)]", (), "no `function`"),
    ],
)
def test_what_bfcl_could_not_judge_is_told_before_anything_is_paid(answer, tools, why):
    item = replace(example(answer), tools=tools)
    assert why in rewards.load("bfcl").doubt(item)
    assert rewards.load("exact").doubt(item) is None


def single_answers(category: str) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """BFCL items whose answer accepts one value for each argument, with these calls."""
    found = []
    for question, expected in zip(data.questions(category), data.answers(category), strict=True):
        flat = all(
            len(values) == 1 and not isinstance(values[0], dict | list) and values[0] != ""
            for call in expected
            for arguments in call.values()
            for values in arguments.values()
        )
        if flat and expected:
            calls = [
                {name: {key: values[0] for key, values in arguments.items()}}
                for call in expected
                for name, arguments in call.items()
            ]
            found.append((question, calls))
    return found


def written(calls: list[dict[str, Any]]) -> str:
    parts = [
        f"{name}({', '.join(f'{k}={v!r}' for k, v in each.items())})" for call in calls for name, each in call.items()
    ]
    return f"[{', '.join(parts)}]"


def damaged(calls: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The calls, in several ways wrong or nearly."""
    ((name, arguments),) = calls[0].items()
    first = next(iter(arguments), None)
    others: list[list[dict[str, Any]]] = [[], calls[:-1], [*calls, calls[0]], [{f"{name}_": arguments}, *calls[1:]]]
    if first is not None:
        value = arguments[first]
        for other in ("" if isinstance(value, str) else str(value), 987654, None, f" {value}".upper()):
            others.append([{name: {**arguments, first: other}}, *calls[1:]])
        others.append([{name: {key: each for key, each in arguments.items() if key != first}}, *calls[1:]])
    return [calls, calls[::-1], *others]


@pytest.mark.parametrize("category", ["simple_python", "multiple", "parallel", "parallel_multiple"])
def test_bfcl_judges_as_the_evaluation_does(bfcl_data, category):
    """Where the benchmark accepts one answer only, the reward of its record is the benchmark's strict verdict."""
    reward, compared = rewards.load("bfcl"), 0
    for question, calls in single_answers(category)[:60]:
        record = {
            "id": question["id"],
            "query": "?",
            "tools": json.dumps(question["function"]),
            "answers": json.dumps([{"name": name, "arguments": each} for call in calls for name, each in call.items()]),
        }
        item = read_one(record)
        if item is None or reward.doubt(item):
            continue
        for other in damaged(calls):
            text = written(other)
            generation = Generation(f"x\n</think>\n\n{text}")
            reply = HANDLER.parse(generation, Query(item.messages, item.tools))
            theirs = judge_single_turn(question["id"], text, rules="strict").outcome == "pass"
            assert reward.judge(Attempt(item, query_of(item), generation, reply)) == theirs, (question["id"], text)
            compared += 1
    assert compared > 100


def read_one(record: dict[str, Any]) -> Example | None:
    from harness.data import shapes

    try:
        return shapes.read_row("xlam", record, 1, examples.NONE)
    except ValueError:
        return None
