"""Calls and states of the multi-turn items are refused as if they had been synthesised; others are not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from harness.benchmarks.bfcl import data
from harness.data.calls import read_answer
from harness.types import FunctionCall
from refine.synth.leaks import ROW, SHARED_TEXTS, ItemCalls, ItemStates

pytestmark = pytest.mark.usefixtures("bfcl_data")


def items() -> Iterator[tuple[dict[str, Any], list[list[FunctionCall]]]]:
    """Questions, and their true calls where all arguments are written with their names."""
    for category in data.MULTI_TURN:
        for record, truth in zip(data.questions(category), data.answers(category), strict=True):
            turns = [[call for text in turn for call in read_answer(f"[{text}]") or ()] for turn in truth]
            if [len(turn) for turn in turns] == [len(turn) for turn in truth]:
                yield record, turns


def test_the_calls_of_items_are_refused() -> None:
    known, checked = ItemCalls(), 0
    for _, turns in items():
        if any(len(turn) > 1 for turn in turns) or sum(map(len, turns)) >= ROW:
            assert known.objection(turns)
            checked += 1
    assert checked > 300


def test_three_neighbouring_calls_across_turns_are_refused_and_two_are_not() -> None:
    known = ItemCalls()
    calls = next([call for turn in turns for call in turn] for _, turns in items() if len(turns[0]) > ROW)
    mine = FunctionCall("pwd", {})
    assert known.objection([[mine, calls[0]], [calls[1]], [calls[2], mine]]) == "3 neighbouring calls are an item's"
    assert known.objection([[mine, calls[0]], [calls[1]], [mine, calls[2]]]) is None


def test_a_single_call_may_coincide() -> None:
    single = next(turn for _, turns in items() for turn in turns if len(turn) == 1)
    assert ItemCalls().objection([single]) is None


def test_arguments_are_compared_whatever_their_order() -> None:
    turn = next(turn for _, turns in items() for turn in turns if len(turn) > 1 and len(turn[-1].arguments) > 1)
    turned = FunctionCall(turn[-1].name, dict(reversed(turn[-1].arguments.items())))
    assert ItemCalls().objection([[*turn[:-1], turned]])
    other = FunctionCall(turn[-1].name, {**turn[-1].arguments, next(iter(turn[-1].arguments)): "something else"})
    assert ItemCalls().objection([[*turn[:-1], other]]) is None


def test_initial_states_are_refused_class_by_class_and_as_a_whole() -> None:
    known = ItemStates()
    states = {str(record["initial_config"]): record["initial_config"] for record, _ in items()}
    refused = [state for state in states.values() if any(map(known.objection, (state, *state.values())))]
    assert len(refused) >= 0.9 * len(states), "the others have next to nothing in them"


def test_a_state_with_other_numbers_is_not_an_items() -> None:
    known = ItemStates()
    vehicle = next(
        state for record, _ in items() if len(state := record["initial_config"].get("VehicleControlAPI", {})) > 5
    )
    assert known.objection({**vehicle, "more": 1}) == "the state holds the whole state of a class in an item"
    assert known.objection({**vehicle, "fuelLevel": -1.5}) is None


def test_states_with_own_words_are_not_refused() -> None:
    known, draw = ItemStates(), random.Random(3)
    fields = ("balance", "authenticated", "status", "user_map", "inbox", "root", "contents", "type", "directory")
    for _ in range(600):
        state = {name: [f"{draw.choice(fields)} {draw.randrange(10**6)}" for _ in range(4)] for name in fields}
        assert known.objection(state) is None


def test_a_few_shared_texts_are_let_pass() -> None:
    known = ItemStates()
    texts = next(sorted(own) for own in known._own if len(own) > SHARED_TEXTS)
    assert known.objection({"x": texts[:SHARED_TEXTS]}) is None
    assert "shares 4 texts" in str(known.objection({"x": texts[: SHARED_TEXTS + 1]}))
